"""A tilted gantry: slices that do not lie behind one another, sheared onto a grid whose slices do."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .hounsfield import AIR_HU
from .series_spacing import RELATIVE_TOLERANCE, ROUNDING_MM
from .volume import ROUNDING_PX, DicomReferences

_LARGEST_TILT_DEGREES = 45.0  # no gantry tilts by more than 30; beyond, the positions are wrong
_HINT = "Reconstruct the series without gantry tilt."


@dataclass(frozen=True)
class Tilt:
    """How each slice is moved in its own plane.

    Attributes:
        degrees: angle between the normal and the way from slice to slice.
        shifts_px: float64 ``(n, 2)``, columns and rows from the first pixel of each image to that of the grid's slice.
    """

    degrees: float
    shifts_px: np.ndarray

    def note(self) -> str:
        """What was done, for the user."""
        return (
            f"The gantry was tilted by {self.degrees:.1f} degrees: the slices were shifted in their planes by up to "
            f"{np.ptp(self.shifts_px, axis=0).max():.1f} pixels (linear interpolation) to lie behind one another."
        )


def tilt_of(references: DicomReferences) -> Tilt | None:
    """The tilt of the slices as they were recorded; None when they lie behind one another.

    Raises:
        InputError: the slices are shifted in their planes, but not evenly, or by more than any gantry.
    """
    first = references.slices[0]
    sideways = np.array([one.position_mm for one in references.slices]) - first.position_mm
    heights = sideways @ first.normal
    sideways = sideways - np.outer(heights, first.normal)
    if len(heights) == 1:
        return None
    tolerance_mm = max(ROUNDING_MM, RELATIVE_TOLERANCE * float(np.median(np.diff(heights))))
    if np.linalg.norm(sideways, axis=1).max() <= tolerance_mm:
        return None
    slope = heights @ sideways / (heights @ heights)
    uneven_mm = np.linalg.norm(sideways - np.outer(heights, slope), axis=1)
    worst = int(uneven_mm.argmax())
    degrees = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    if uneven_mm[worst] > tolerance_mm or degrees > _LARGEST_TILT_DEGREES:
        raise InputError(
            f"The slices do not lie behind one another: {references.slices[worst].name} is shifted by "
            f"{np.linalg.norm(sideways[worst]):.2f} mm in its plane against {first.name}, and not as a "
            f"tilted gantry does (Image Position (Patient) (0020,0032)).",
            _HINT,
        )
    row_spacing_mm, column_spacing_mm = first.pixel_spacing_mm
    axes = np.stack([first.row_direction, first.column_direction])
    offsets_px = sideways @ axes.T / (column_spacing_mm, row_spacing_mm)
    return Tilt(degrees, np.floor(offsets_px.min(axis=0) + ROUNDING_PX) - offsets_px)


def on_sheared_grid(references: DicomReferences, tilt: Tilt | None) -> DicomReferences:
    """References whose slices are those of the sheared grid; unchanged without a tilt."""
    if tilt is None:
        return references
    shifted = (
        replace(one, shift_px=tuple(shift))
        for one, shift in zip(references.slices, tilt.shifts_px.tolist(), strict=True)
    )
    return replace(references, slices=tuple(shifted))


def sheared(array: np.ndarray, references: DicomReferences) -> np.ndarray:
    """Images moved onto the slices of ``references``, int16 ``(n, rows, columns)``; air where there was no image."""
    result = np.empty((len(array), *references.plane_shape), np.int16)
    for image, one, out in zip(array, references.slices, result, strict=True):
        columns, rows = one.shift_px
        moved = _shifted(image, rows, out.shape[0])
        out[:] = np.rint(_shifted(moved.T, columns, out.shape[1]).T)
    return result


def _shifted(image: np.ndarray, shift: float, length: int) -> np.ndarray:
    """Row ``j`` of the result lies at ``j + shift`` in the image; linear between rows, air outside."""
    whole = int(np.floor(shift + ROUNDING_PX))
    fraction = max(shift - whole, 0.0)
    padded = np.full((length + 1, image.shape[1]), AIR_HU, np.float32)
    first, last = max(0, -whole), min(length + 1, len(image) - whole)
    padded[first:last] = image[first + whole : last + whole]
    return padded[:-1] if fraction < ROUNDING_PX else (1 - fraction) * padded[:-1] + fraction * padded[1:]
