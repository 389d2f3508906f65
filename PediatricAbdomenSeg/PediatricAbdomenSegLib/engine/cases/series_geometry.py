"""The grid that a sorted stack of DICOM slices spans in the patient."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..geometry import LPS_TO_RAS
from .dicom_headers import ImageHeader
from .series_checks import check_grey_images, check_uniform, required_integer, required_numbers

# Scanners write direction cosines with as few as three decimals.
_COSINE_TOLERANCE = 5e-3


@dataclass(frozen=True)
class SliceStack:
    """Slices sorted by position along their normal.

    Attributes:
        headers: one per slice.
        positions_mm: float64 ``(n, 3)``, Image Position (Patient), LPS mm.
        row_direction: unit vector in which the column index increases, LPS.
        column_direction: unit vector in which the row index increases, LPS.
        normal: unit vector along which the slices are sorted, LPS.
    """

    headers: tuple[ImageHeader, ...]
    positions_mm: np.ndarray
    row_direction: np.ndarray
    column_direction: np.ndarray
    normal: np.ndarray

    @property
    def heights_mm(self) -> np.ndarray:
        """Position of each slice along the normal, ``(n,)``, ascending."""
        return self.positions_mm @ self.normal

    def without(self, indices: Collection[int]) -> SliceStack:
        """The stack without some of its slices."""
        kept = [index for index in range(len(self.headers)) if index not in indices]
        return replace(self, headers=tuple(self.headers[i] for i in kept), positions_mm=self.positions_mm[kept])


def sorted_stack(headers: Sequence[ImageHeader]) -> SliceStack:
    """The images of one series in the order of their positions along the normal; a single one is fine.

    Raises:
        InputError: the images differ in orientation, size, pixel spacing, modality or frame of reference, or lack one
            of these.
    """
    check_grey_images(headers)
    check_uniform(headers, "ImageOrientationPatient", 6, tolerance=1e-3)
    row_direction, column_direction, normal = orientation_of(headers[0])
    positions = np.array([required_numbers(header, "ImagePositionPatient", 3) for header in headers])
    for attribute in ("Modality", "FrameOfReferenceUID", "Rows", "Columns"):
        check_uniform(headers, attribute)
    check_uniform(headers, "PixelSpacing", 2, tolerance=1e-4)
    if any(spacing <= 0 for spacing in required_numbers(headers[0], "PixelSpacing", 2)):
        raise InputError(f"{headers[0].where}: Pixel Spacing (0028,0030) is not positive.", "Export the series again.")
    for attribute in ("Rows", "Columns"):
        required_integer(headers[0], attribute)
    order = np.argsort(positions @ normal, kind="stable")
    return SliceStack(tuple(headers[i] for i in order), positions[order], row_direction, column_direction, normal)


def orientation_of(header: ImageHeader) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal row direction, column direction and normal from Image Orientation (Patient), LPS.

    Raises:
        InputError: the attribute is missing or does not hold two perpendicular unit vectors.
    """
    values = required_numbers(header, "ImageOrientationPatient", 6)
    return orthonormal_axes(values, header.where)


def orthonormal_axes(values: np.ndarray, source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal row direction, column direction and normal from the six direction cosines of ``source``."""
    row, column = values[:3], values[3:]
    if not np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=_COSINE_TOLERANCE):
        raise InputError(
            f"{source}: Image Orientation (Patient) (0020,0037) {values.tolist()} "
            "are not two perpendicular unit vectors.",
            "Export the series again.",
        )
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    row = row / np.linalg.norm(row)
    return row, np.cross(normal, row), normal


def stack_affine(stack: SliceStack, corner_mm: np.ndarray, slice_spacing_mm: float) -> np.ndarray:
    """Affine ``(4, 4)`` from index ``(x, y, z, 1)`` to RAS mm of a grid behind whose first slice the others lie.

    Args:
        corner_mm: centre of the grid's first voxel, ``(3,)`` LPS mm.
        slice_spacing_mm: from slice to slice along the normal.
    """
    row_spacing_mm, column_spacing_mm = required_numbers(stack.headers[0], "PixelSpacing", 2)
    lps = np.eye(4)
    lps[:3, 0] = stack.row_direction * column_spacing_mm  # PixelSpacing is (between rows, between columns)
    lps[:3, 1] = stack.column_direction * row_spacing_mm
    lps[:3, 2] = stack.normal * slice_spacing_mm
    lps[:3, 3] = corner_mm
    return LPS_TO_RAS @ lps
