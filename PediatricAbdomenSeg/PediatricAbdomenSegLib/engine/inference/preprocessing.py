"""From Hounsfield units on the scanner's grid to the network's input, as nnU-Net does it, for a part of the field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..cases.volume import Volume
from ..errors import ModelError
from ..geometry import Reorientation, canonical_reorientation, reoriented_geometry
from ..models.nnunet_folder import NetworkPlan
from ..progress import Check, never_stop
from .body_crop import Box, find_body
from .normalisation import normalise
from .resampling import AxisGrid, model_shape, resample_image, separate_axis
from .tiles import longest_axis_for, tile_count

MARGIN_MM = 15.0
"""Air kept around the body as context for the network; down to `LEAST_MARGIN_MM` where that saves a tile."""
LEAST_MARGIN_MM = 10.0


@dataclass(frozen=True)
class PreparedCase:
    """The network's input and the way back to the volume.

    Attributes:
        image: float32, normalised, on the network's grid and in its axis order.
        axes: per axis of ``image`` the relation to the field's grid.
        field_offset: first voxel of the field per axis; the field is the volume, or its non-zero box as in nnU-Net.
        network_order: axes of the canonical ``(z, y, x)`` array in the network's order (``transpose_forward``).
        reorientation: from the volume's array to the canonical one.
        shape: of the volume's array ``(z, y, x)``.
        body: the body's box in the field, in the network's axis order; None where it was not looked for or not found.
    """

    image: np.ndarray
    axes: tuple[AxisGrid, AxisGrid, AxisGrid]
    field_offset: tuple[int, int, int]
    network_order: tuple[int, int, int]
    reorientation: Reorientation
    shape: tuple[int, int, int]
    body: Box | None = None

    def to_volume_grid(self, labels: np.ndarray) -> np.ndarray:
        """Place uint8 labels of the axes' `AxisGrid.source_range` onto the volume's grid; 0 elsewhere.

        Beside the body there is no organ: around a newborn the part grown to the patch is mostly air, in which a
        network may see a lung larger than the true one.
        """
        result = np.zeros(self.shape, np.uint8)
        canonical = self.reorientation.apply(result).transpose(self.network_order)
        ranges = (axis.source_range() for axis in self.axes)
        box = tuple(
            slice(offset + low, offset + high) for offset, (low, high) in zip(self.field_offset, ranges, strict=True)
        )
        canonical[box] = labels
        for axis, (low, high) in enumerate(self.body or ()):
            across = np.moveaxis(canonical, axis, 0)
            across[:low] = 0
            across[high:] = 0
        return result


def prepare(
    volume: Volume,
    plan: NetworkPlan,
    window_hu: tuple[float, float] | None = None,
    whole_field: bool = False,
    check: Check = never_stop,
) -> PreparedCase:
    """Orient, crop to the body, normalise and resample a volume.

    Args:
        volume: the CT.
        plan: spacing, patch, normalisation and axis order of the network.
        window_hu: intensities are confined to it before anything else, as they were in training.
        whole_field: no body crop; instead nnU-Net's own crop to the non-zero box, for results equal to stock's.
        check: called between the steps and between slices.

    Raises:
        ModelError: the plan asks for a resampling this cannot do.
    """
    reorientation = canonical_reorientation(volume.geometry.affine)
    canonical = reorientation.apply(volume.array)
    # Rounded: a length computed from direction cosines must not push an exact 3 : 1 ratio over a threshold.
    canonical_mm = np.round(reoriented_geometry(volume.geometry, reorientation).spacing_mm, 8)
    order = plan.transpose_forward
    body = None if whole_field else find_body(canonical, tuple(canonical_mm), check)
    if body is not None:
        body = tuple(body[axis] for axis in order)
    field = canonical.transpose(order)
    check()
    if window_hu is not None:
        limits = np.iinfo(field.dtype)
        field = np.clip(
            field, *(field.dtype.type(np.clip(round(bound), limits.min, limits.max)) for bound in window_hu)
        )
    offset = (0, 0, 0)
    if whole_field:
        box = _nonzero_box(field)
        field, offset = field[box], tuple(part.start for part in box)
    check()
    axes, separate = plan_axes(
        field.shape,
        tuple(float(canonical_mm[axis]) for axis in order),
        plan,
        body,
    )
    part = tuple(axis.image_weights()[1] for axis in axes)
    normal = normalise(field, part, plan.normalization[0])
    image = resample_image(normal, axes, separate, check)
    return PreparedCase(image, axes, offset, order, reorientation, volume.array.shape, body)


def plan_axes(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], plan: NetworkPlan, body: Box | None
) -> tuple[tuple[AxisGrid, AxisGrid, AxisGrid], int | None]:
    """The network's grid over a field and the part of it to compute; all in the network's axis order.

    Args:
        shape, spacing_mm: of the field.
        plan: of the network.
        body: what must be inside the part; None for the whole field.

    Returns:
        One `AxisGrid` per axis, and the axis to be resampled apart from the others (`separate_axis`).

    Raises:
        ModelError: the plan's output resampling is neither linear nor nearest.
    """
    in_plane = plan.dimensions == 2
    model_mm = (spacing_mm[0], *plan.spacing_mm) if in_plane else plan.spacing_mm
    patch = (1, *plan.patch_size) if in_plane else plan.patch_size
    image, labels = plan.data_resampling, plan.probabilities_resampling
    image_separate = separate_axis(spacing_mm, model_mm, image.force_separate_z)
    label_separate = separate_axis(model_mm, spacing_mm, labels.force_separate_z)
    whole = model_shape(shape, spacing_mm, model_mm)
    axes = []
    for axis in range(3):
        label_order = labels.order_z if axis == label_separate else labels.order
        if label_order not in (0, 1):
            raise ModelError(
                f"plans.json: resampling_fn_probabilities has order {label_order}; only 0 and 1 are supported.",
                "Choose another model or configuration.",
            )
        part = (0, whole[axis])
        if body is not None:
            ratio = whole[axis] / shape[axis]
            inside = (body[axis][0] * ratio, body[axis][1] * ratio)
            part = choose_part(inside, whole[axis], patch[axis], model_mm[axis])
        image_order = image.order_z if axis == image_separate else image.order
        axes.append(AxisGrid(shape[axis], whole[axis], *part, image_order, label_order))
    return tuple(axes), image_separate


def choose_part(inside: tuple[float, float], size: int, tile: int, spacing_mm: float) -> tuple[int, int]:
    """Which part of a model axis to compute: the body with its margin, in as few tiles as possible.

    A part that overshoots its tiles by a few voxels would cost a whole further row of tiles, so the margin gives way
    down to `LEAST_MARGIN_MM`. A part shorter than the tile grows to it: the network then sees real voxels there
    instead of padding.

    Args:
        inside: the body along this axis, in model voxels.
        size: voxels of the whole axis.
        tile: voxels of the tile; 1 for an axis that is not tiled.
        spacing_mm: of the model axis.

    Returns:
        Half-open index range.
    """
    wide_start, wide_stop = _with_margin(inside, size, MARGIN_MM / spacing_mm)
    least_start, least_stop = _with_margin(inside, size, LEAST_MARGIN_MM / spacing_mm)
    length = wide_stop - wide_start
    if tile > 1:
        length = min(length, longest_axis_for(tile_count(least_stop - least_start, tile), tile))
        length = max(length, min(tile, size))
    centred = (wide_start + wide_stop - length) // 2
    start = min(max(centred, 0, least_stop - length), size - length, least_start)
    return start, start + length


def _with_margin(inside: tuple[float, float], size: int, margin: float) -> tuple[int, int]:
    return max(0, math.floor(inside[0] - margin)), min(size, math.ceil(inside[1] + margin))


def _nonzero_box(field: np.ndarray) -> tuple[slice, slice, slice]:
    """nnU-Net's crop; the whole field where everything is zero."""
    nonzero = field != 0
    box = []
    for axis in range(3):
        hit = np.flatnonzero(nonzero.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, field.shape[axis]))
    return tuple(box)
