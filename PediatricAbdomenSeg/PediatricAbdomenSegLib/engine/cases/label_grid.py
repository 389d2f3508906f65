"""Bring a label map onto the grid of a CT without resampling: other programs crop it or turn its axes around."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from .volume import LabelMap

# A label map written from the CT differs from its grid only by rounding in headers, far below this part of a voxel.
_TOLERANCE_VOXELS = 0.05
_HINT = "Give the label map that was made on this CT, or resample it to the CT's grid with nearest neighbour."


def label_map_on_grid(label_map: LabelMap, geometry: Geometry) -> LabelMap:
    """The same labels on ``geometry``, whose voxel centres must coincide with those of the label map.

    Slicer saves segmentations cropped to their segments, and some libraries save images in an axis order of their
    own; both only move voxels. Voxels of the grid that the label map does not cover become 0.

    Args:
        label_map: uint8 ``(z, y, x)``.
        geometry: of the CT.

    Returns:
        uint8 labels of shape ``geometry.shape``; ``label_map`` itself when it already lies there.

    Raises:
        InputError: the grids' voxels do not coincide, or a label lies outside the CT.
    """
    if label_map.geometry.is_close_to(geometry):
        return label_map
    to_target = np.linalg.inv(geometry.affine) @ label_map.geometry.affine  # (x, y, z) indices to indices
    whole = np.rint(to_target)
    _require_same_lattice(label_map.geometry, geometry, to_target, whole)

    view = label_map.array.transpose([2 - int(np.abs(whole[2 - axis, :3]).argmax()) for axis in range(3)])
    source, target = [], []
    for axis in range(3):
        row = whole[2 - axis]
        first, length = int(row[3]), view.shape[axis]
        if row[:3].sum() < 0:
            view = np.flip(view, axis)
            first -= length - 1
        begin, end = max(first, 0), max(min(first + length, geometry.shape[axis]), max(first, 0))
        source.append(slice(begin - first, end - first))
        target.append(slice(begin, end))
    inside = view[tuple(source)]
    outside = np.count_nonzero(view) - np.count_nonzero(inside)
    if outside:
        raise InputError(f"{outside} labelled voxels lie outside the CT.", _HINT)
    array = np.zeros(geometry.shape, np.uint8)
    array[tuple(target)] = inside
    return LabelMap(array, geometry)


def _require_same_lattice(ours: Geometry, wanted: Geometry, to_target: np.ndarray, whole: np.ndarray) -> None:
    corners = np.array(
        [[x, y, z, 1] for z in (0, ours.shape[0]) for y in (0, ours.shape[1]) for x in (0, ours.shape[2])]
    )
    off_voxels = float(np.abs((to_target - whole) @ corners.T).max())
    axes = np.abs(whole[:3, :3])
    if off_voxels > _TOLERANCE_VOXELS or not (np.all(axes.sum(0) == 1) and np.all(axes.sum(1) == 1)):
        raise InputError(
            f"The label map does not lie on the CT's grid: {ours.shape} voxels (z, y, x) of {_rounded(ours)} mm, "
            f"the CT {wanted.shape} of {_rounded(wanted)} mm; voxel centres differ by up to {off_voxels:.2f} voxels.",
            _HINT,
        )


def _rounded(geometry: Geometry) -> tuple[float, ...]:
    return tuple(round(spacing, 3) for spacing in geometry.spacing_mm)
