"""Slices to voxelise contours on: those of a DICOM series at any distances, or of a volume's grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..errors import InputError
from ..geometry import LPS_TO_RAS, Geometry
from .volume import DicomReferences, DicomSlice, Volume

_SINGLE_SLICE_MM = 1.0  # thickness of a lone slice: a contour on it lies within rounding of its plane


@dataclass(frozen=True)
class SliceGrid:
    """Parallel slices of equal size.

    Attributes:
        corners_mm: float64 ``(n, 3)``, LPS: centre of the first pixel of each slice, sorted along `normal`.
        column_step_mm, row_step_mm: ``(3,)`` LPS: to the next column and to the next row.
        rows, columns: size of every slice.
        slices_of_image: indices of the slices each SOP Instance UID stands for, several for a multi-frame image; empty
            where no DICOM images are known.
    """

    corners_mm: np.ndarray
    column_step_mm: np.ndarray
    row_step_mm: np.ndarray
    rows: int
    columns: int
    slices_of_image: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a mask on the grid, ``(z, y, x)``."""
        return len(self.corners_mm), self.rows, self.columns

    @cached_property
    def normal(self) -> np.ndarray:
        """Unit vector ``(3,)`` LPS across the slices, in which their index increases."""
        normal = np.cross(self.column_step_mm, self.row_step_mm)
        normal /= np.linalg.norm(normal)
        return -normal if (self.corners_mm[-1] - self.corners_mm[0]) @ normal < 0 else normal

    @cached_property
    def offsets_mm(self) -> np.ndarray:
        """Position of each slice along `normal`, float64 ``(n,)``, ascending."""
        return self.corners_mm @ self.normal

    @cached_property
    def usual_distance_mm(self) -> float:
        """Median distance of neighbouring slices; 1 mm for a single one."""
        return float(np.median(np.diff(self.offsets_mm))) if len(self.corners_mm) > 1 else _SINGLE_SLICE_MM

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Usual distance of slices, of rows, of columns."""
        return (
            self.usual_distance_mm,
            float(np.linalg.norm(self.row_step_mm)),
            float(np.linalg.norm(self.column_step_mm)),
        )

    @cached_property
    def _to_pixels(self) -> np.ndarray:
        return np.linalg.pinv(np.stack([self.column_step_mm, self.row_step_mm], 1)).T

    def to_pixels(self, points_mm: np.ndarray, slice_index: int) -> np.ndarray:
        """Orthogonal projection of points ``(n, 3)`` LPS mm onto a slice, ``(n, 2)`` as (x, y) in pixels."""
        return (points_mm - self.corners_mm[slice_index]) @ self._to_pixels


def slice_grid(image: Volume | DicomReferences) -> SliceGrid:
    """The slices of a volume, or of a series of which only the headers are known.

    Raises:
        InputError: the slices have no extent or are not sorted.
    """
    if isinstance(image, Volume):
        grid = _of_geometry(image.geometry, _images_of(image.references))
    else:
        grid = _of_slices(image)
    if grid.column_step_mm @ grid.column_step_mm == 0 or grid.row_step_mm @ grid.row_step_mm == 0:
        raise InputError("The image's pixels have no size.", "Export the series again.")
    if len(grid.corners_mm) > 1 and not np.all(np.diff(grid.offsets_mm) > 0):
        raise InputError(
            "Two slices of the image lie at the same place.", "Choose one series with one slice per place."
        )
    return grid


def _images_of(references: DicomReferences | None) -> dict[str, tuple[int, ...]]:
    images: dict[str, tuple[int, ...]] = {}
    if references is not None:
        indices = references.grid_indices or range(len(references.slices))
        for one, index in zip(references.slices, indices, strict=True):
            images[one.sop_instance_uid] = (*images.get(one.sop_instance_uid, ()), index)
    return images


def _of_geometry(geometry: Geometry, slices_of_image: Mapping[str, tuple[int, ...]]) -> SliceGrid:
    lps = LPS_TO_RAS @ geometry.affine
    corners = lps[:3, 3] + np.arange(geometry.shape[0])[:, None] * lps[:3, 2]
    return SliceGrid(corners, lps[:3, 0], lps[:3, 1], geometry.shape[1], geometry.shape[2], slices_of_image)


def _of_slices(references: DicomReferences) -> SliceGrid:
    first: DicomSlice = references.slices[0]
    return SliceGrid(
        np.array([one.corner_mm for one in references.slices]),
        first.column_step_mm,
        first.row_step_mm,
        *references.plane_shape,
        _images_of(replace(references, grid_indices=None)),
    )
