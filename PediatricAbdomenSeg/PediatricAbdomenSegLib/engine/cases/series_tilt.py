"""A tilted gantry: slices that do not lie behind one another, sheared onto a grid whose slices do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .hounsfield import AIR_HU
from .series_checks import required_numbers
from .series_geometry import SliceStack
from .series_spacing import RELATIVE_TOLERANCE, ROUNDING_MM

_LARGEST_TILT_DEGREES = 45.0  # no gantry tilts by more than 30; beyond, the positions are wrong
_HINT = "Reconstruct the series without gantry tilt."


@dataclass(frozen=True)
class Tilt:
    """How each slice is moved in its own plane.

    Attributes:
        degrees: angle between the normal and the way from slice to slice.
        shifts_px: float64 ``(n, 2)``, columns and rows from the first pixel of each image to that of the grid's slice.
        margin_px: columns and rows that the grid has more than the images.
    """

    degrees: float
    shifts_px: np.ndarray
    margin_px: tuple[int, int]

    def note(self) -> str:
        """What was done, for the user."""
        return (
            f"The gantry was tilted by {self.degrees:.1f} degrees: the slices were shifted in their planes by up to "
            f"{np.ptp(self.shifts_px, axis=0).max():.1f} pixels (linear interpolation) to lie behind one another."
        )


def tilt_of(stack: SliceStack) -> Tilt | None:
    """The tilt of a stack of at least two slices without duplicates; None when they lie behind one another.

    Raises:
        InputError: the slices are shifted in their planes, but not evenly, or by more than any gantry.
    """
    heights = stack.heights_mm - stack.heights_mm[0]
    sideways = stack.positions_mm - stack.positions_mm[0]
    sideways = sideways - np.outer(heights, stack.normal)
    tolerance_mm = max(ROUNDING_MM, RELATIVE_TOLERANCE * float(np.median(np.diff(heights))))
    if np.linalg.norm(sideways, axis=1).max() <= tolerance_mm:
        return None
    slope = heights @ sideways / (heights @ heights)
    uneven_mm = np.linalg.norm(sideways - np.outer(heights, slope), axis=1)
    worst = int(uneven_mm.argmax())
    degrees = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    if uneven_mm[worst] > tolerance_mm or degrees > _LARGEST_TILT_DEGREES:
        raise InputError(
            f"The slices do not lie behind one another: {stack.headers[worst].name} is shifted by "
            f"{np.linalg.norm(sideways[worst]):.2f} mm in its plane against {stack.headers[0].name}, and not as a "
            f"tilted gantry does (Image Position (Patient) (0020,0032)).",
            _HINT,
        )
    row_spacing_mm, column_spacing_mm = required_numbers(stack.headers[0], "PixelSpacing", 2)
    axes = np.stack([stack.row_direction / column_spacing_mm, stack.column_direction / row_spacing_mm])
    offsets_px = sideways @ axes.T
    lowest, highest = np.floor(offsets_px.min(axis=0) + 1e-6), np.ceil(offsets_px.max(axis=0) - 1e-6)
    columns, rows = (highest - lowest).astype(int).tolist()
    return Tilt(degrees, lowest - offsets_px, (columns, rows))


def sheared(array: np.ndarray, tilt: Tilt) -> np.ndarray:
    """Slices moved by ``tilt``, int16 ``(n, rows + margin, columns + margin)``; air where there was no image."""
    more_columns, more_rows = tilt.margin_px
    result = np.empty((len(array), array.shape[1] + more_rows, array.shape[2] + more_columns), np.int16)
    for image, (columns, rows), out in zip(array, tilt.shifts_px, result, strict=True):
        moved = _shifted(image, rows, out.shape[0])
        out[:] = np.rint(_shifted(moved.T, columns, out.shape[1]).T)
    return result


def _shifted(image: np.ndarray, shift: float, length: int) -> np.ndarray:
    """Row ``j`` of the result lies at ``j + shift`` in the image; linear between rows, air outside."""
    whole = int(np.floor(shift + 1e-6))
    fraction = max(shift - whole, 0.0)
    padded = np.full((length + 1, image.shape[1]), AIR_HU, np.float32)
    first, last = max(0, -whole), min(length + 1, len(image) - whole)
    padded[first:last] = image[first + whole : last + whole]
    return padded[:-1] if fraction < 1e-6 else (1 - fraction) * padded[:-1] + fraction * padded[1:]
