"""The way of one axis between a volume's grid and the network's: positions, spline matrices, separate-z rule.

The grid is stock nnU-Net's (nnunetv2 ``resample_data_or_seg_to_shape``, which calls scikit-image's ``resize`` with
mode ``edge``): both grids span the same length, so index ``i`` of ``m`` lies at ``(i + 0.5) * n / m - 0.5`` of ``n``.
A cubic spline along the three axes is three matrix products, which is what makes a part of the grid computable alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..progress import Check, never_stop

ANISOTROPY_THRESHOLD = 3.0
"""Spacing ratio above which nnU-Net resamples the coarse axis apart (nnunetv2's ANISO_THRESHOLD)."""

_NEGLIGIBLE = 1e-7  # spline weights fall off to denormal numbers, which cost ten times the time and change nothing


@dataclass(frozen=True)
class AxisGrid:
    """One axis of the source grid and of the network's grid over the same length.

    Attributes:
        source_size, model_size: voxels of the whole axis in either grid.
        start, stop: the part of the model axis that is computed.
        image_order: spline order from source to model grid; 0 is nearest neighbour.
        label_order: 1 (linear) or 0 (nearest) for the network's output on its way back.
    """

    source_size: int
    model_size: int
    start: int
    stop: int
    image_order: int = 3
    label_order: int = 1

    @property
    def length(self) -> int:
        """Voxels of the computed part."""
        return self.stop - self.start

    def source_range(self) -> tuple[int, int]:
        """Half-open range of the source voxels whose centres lie in the computed part; at least one voxel."""
        ratio = self.source_size / self.model_size
        first = 0 if self.start == 0 else int(np.ceil(self.start * ratio - 0.5))
        last = self.source_size if self.stop == self.model_size else int(np.ceil(self.stop * ratio - 0.5))
        first = min(first, self.source_size - 1)
        return first, max(last, first + 1)

    def image_weights(self) -> tuple[np.ndarray | None, slice]:
        """Matrix ``(length, source voxels)`` that resamples this axis, and the source voxels it needs.

        None stands for the identity.
        """
        if self.source_size == self.model_size:
            return None, slice(self.start, self.stop)
        rows = interpolation_matrix(self.source_size, self.model_size, self.image_order)[self.start : self.stop]
        used = np.flatnonzero(rows.any(axis=0))
        needed = slice(int(used[0]), int(used[-1]) + 1)
        return np.ascontiguousarray(rows[:, needed]), needed

    def label_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """How a source voxel's logits come from the computed part: ``(1 - weight) * [index] + weight * [index + 1]``.

        Returns:
            index: int64, one per voxel of `source_range`, relative to ``start``.
            weight: float32; all 0 where no interpolation is needed, and then ``index + 1`` may lie outside.
        """
        position = _positions(self.source_size, self.model_size)[slice(*self.source_range())]
        if self.label_order == 0:
            position = np.floor(position + 0.5)
        position = np.clip(position, self.start, self.stop - 1) - self.start
        index = np.minimum(np.floor(position), max(0, self.length - 2)) if position.size else position
        if self.label_order == 0 or not (position % 1).any():
            return position.astype(np.int64), np.zeros(len(position), np.float32)
        return index.astype(np.int64), (position - index).astype(np.float32)


def model_shape(
    shape: Sequence[int], spacing_mm: Sequence[float], model_spacing_mm: Sequence[float]
) -> tuple[int, ...]:
    """Shape of the whole field on the network's grid, at least one voxel along each axis."""
    sizes = zip(shape, spacing_mm, model_spacing_mm, strict=True)
    return tuple(max(1, int(round(spacing / model * size))) for size, spacing, model in sizes)


def separate_axis(
    spacing_mm: Sequence[float], new_spacing_mm: Sequence[float], force_separate_z: bool | None = None
) -> int | None:
    """The axis nnU-Net resamples apart from the other two, None where all three are resampled at once.

    It is the coarsest axis of the present grid when that one is anisotropic, else of the new grid when that one is.
    ``force_separate_z`` True takes the present grid's coarsest axis in any case, False never separates. Two or three
    equally coarse axes are never separated.
    """
    if force_separate_z is False:
        return None
    for spacing in (np.asarray(spacing_mm, float), np.asarray(new_spacing_mm, float)):
        if force_separate_z or spacing.max() / spacing.min() > ANISOTROPY_THRESHOLD:
            coarsest = np.flatnonzero(spacing == spacing.max())
            return int(coarsest[0]) if len(coarsest) == 1 else None
    return None


@lru_cache(maxsize=16)
def interpolation_matrix(source_size: int, model_size: int, order: int) -> np.ndarray:
    """Spline interpolation of an axis as a float32 matrix ``(model_size, source_size)``, read-only."""
    from scipy.ndimage import zoom

    matrix = np.zeros((model_size, source_size), np.float32)
    if order == 0:
        nearest = np.floor(_positions(model_size, source_size) + 0.5).clip(0, source_size - 1).astype(int)
        matrix[np.arange(model_size), nearest] = 1
    else:
        unit = np.zeros(source_size)
        for index in range(source_size):
            unit[index] = 1
            matrix[:, index] = zoom(unit, model_size / source_size, order=order, mode="nearest", grid_mode=True)
            unit[index] = 0
        matrix[np.abs(matrix) < _NEGLIGIBLE] = 0
    matrix.setflags(write=False)
    return matrix


def resample_image(
    image: np.ndarray, axes: Sequence[AxisGrid], separate: int | None = None, check: Check = never_stop
) -> np.ndarray:
    """Resample a float32 array ``(z, y, x)`` that holds exactly the source voxels of ``image_weights`` per axis.

    Args:
        image: normalised intensities.
        axes: one per array axis.
        separate: the axis that is resampled after the others (`separate_axis`).
        check: called between slices.

    Returns:
        float32, ``length`` voxels per axis. Like in scikit-image, a spline's overshoot is clipped to the input's range:
        to that of the whole image, or to that of each plane where one axis is resampled separately.
    """
    weights = [axis.image_weights()[0] for axis in axes]
    together = [index for index in range(3) if index != separate]
    if any(weights[index] is not None for index in together):
        lowest = image.min(axis=tuple(together), keepdims=True)
        highest = image.max(axis=tuple(together), keepdims=True)
        for index in together:
            image = _apply_along(image, weights[index], index, check)
        np.clip(image, lowest, highest, out=image)
    if separate is not None:
        image = _apply_along(image, weights[separate], separate, check)
    return np.ascontiguousarray(image)


def _positions(size: int, other_size: int) -> np.ndarray:
    """Where the voxels of an axis of ``size`` lie on one of ``other_size`` over the same length."""
    if size == other_size:
        return np.arange(size, dtype=float)
    return (np.arange(size) + 0.5) * (other_size / size) - 0.5


def _apply_along(image: np.ndarray, matrix: np.ndarray | None, axis: int, check: Check) -> np.ndarray:
    """Plane by plane, each a product of two matrices, so that a large image can be given up midway."""
    if matrix is None:
        return image
    shape = [len(matrix) if axis == other else size for other, size in enumerate(image.shape)]
    result = np.empty(shape, np.float32)
    across = 1 if axis == 0 else 0
    for index in range(shape[across]):
        check()
        plane, target = (image[:, index], result[:, index]) if axis == 0 else (image[index], result[index])
        np.matmul(plane, matrix.T, out=target) if axis == 2 else np.matmul(matrix, plane, out=target)
    return result
