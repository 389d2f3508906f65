"""The distances between slices: even ones make a grid as they are, gaps and changes are refused or filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..errors import InputError, UsageError

Gaps = Literal["refuse", "fill"]

# Positions are often rounded to 0.01 mm, so a distance may be off by 0.02 mm; beyond 5 % of the slice distance a
# uniform grid would misplace anatomy visibly over a whole stack.
ROUNDING_MM = 0.02
RELATIVE_TOLERANCE = 0.05
# Between slices further apart than this there is anatomy that nobody can guess.
_LARGEST_FILLED_MM = 25.0
_FINEST_FRACTION = 4  # of the smallest distance: 3 mm and 4 mm fit on a grid of 1 mm, at twice the slices
_MOST_SLICES = 200  # of a grid for few images; for many it is what the finest fraction allows
_FILL_HINT = "Export the complete series again, or interpolate over gaps with --fill-gaps."


@dataclass(frozen=True)
class EvenGrid:
    """An even grid along the normal.

    Attributes:
        spacing_mm: from one of its slices to the next.
        slices: how many it has.
        indices: which of them each image is, ascending; None when they are the images one by one.
        heights: where each image lies on it, in slices, not rounded, ``(n,)``.
    """

    spacing_mm: float
    slices: int
    indices: tuple[int, ...] | None
    heights: np.ndarray

    def note(self) -> str:
        """What filling meant, for the user; "" when nothing was filled."""
        if self.indices is None:
            return ""
        off_mm = float(np.abs(self.heights - np.array(self.indices)).max()) * self.spacing_mm
        moved = f"; images lie up to {off_mm:.2f} mm beside it" if off_mm > ROUNDING_MM else ""
        return (
            f"{len(self.indices)} images were put onto an even grid of {self.slices} slices of "
            f"{self.spacing_mm:.2f} mm: {self.slices - len(self.indices)} interpolated{moved}."
        )


def even_grid(heights_mm: np.ndarray, names: Sequence[str], gaps: Gaps = "refuse") -> EvenGrid:
    """The grid of slices at given heights.

    Args:
        heights_mm: ascending positions along the normal without duplicates, ``(n,)``, at least two.
        names: of the images, for messages.
        gaps: what to do with missing slices and with several distances in one series: "refuse", or "fill" them by
            interpolating onto an even grid.

    Raises:
        InputError: the distances differ and are not to be filled, or a gap is too large for that.
        UsageError: another value of ``gaps``.
    """
    if gaps not in get_args(Gaps):
        raise UsageError(f"Unknown treatment of gaps: {gaps}.", f"Choose {' or '.join(get_args(Gaps))}.")
    heights_mm = np.asarray(heights_mm) - heights_mm[0]
    distances = np.diff(heights_mm)
    usual = _usual(distances)
    spacing_mm = float(heights_mm[-1]) / len(distances)
    even = np.arange(len(heights_mm), dtype=float)
    off = np.flatnonzero(np.abs(distances - usual) > _tolerance_mm(usual))
    # Distances that each differ little, but all in the same direction, still lead away from an even grid.
    drift_mm = float(np.abs(heights_mm - even * spacing_mm).max())
    if not off.size and drift_mm <= 2 * _tolerance_mm(usual):
        return EvenGrid(spacing_mm, len(heights_mm), None, even)
    off = off if off.size else np.arange(len(distances))
    if gaps == "refuse":
        raise _uneven(distances, usual, off, names)
    widest = int(distances.argmax())
    if distances[widest] > _LARGEST_FILLED_MM:
        raise InputError(
            f"{distances[widest]:.2f} mm between {names[widest]} and {names[widest + 1]} are too far to interpolate "
            f"(at most {_LARGEST_FILLED_MM:g} mm).",
            "Export the complete series again, or give the connected part in a folder of its own.",
        )
    grid = _coarsest_grid(heights_mm)
    if grid.slices > max(_MOST_SLICES, _FINEST_FRACTION * len(heights_mm)):
        raise InputError(
            f"The slices lie so unevenly ({distances.min():.2f} to {distances.max():.2f} mm) that an even grid would "
            f"need {grid.slices} for {len(heights_mm)} images.",
            "Export a series with equal slice distance.",
        )
    return grid


def lone_slice(thickness_mm: float) -> EvenGrid:
    """The grid of a single slice."""
    return EvenGrid(thickness_mm, 1, None, np.zeros(1))


def filled(array: np.ndarray, grid: EvenGrid) -> np.ndarray:
    """Images on the slices of a grid, int16 ``(slices, rows, columns)``, linear between the two nearest images.

    Args:
        array: int16 ``(n, rows, columns)``, the images at ``grid.heights``.
    """
    result = np.empty((grid.slices, *array.shape[1:]), np.int16)
    tolerance = _tolerance_mm(grid.spacing_mm) / grid.spacing_mm
    for index in range(grid.slices):
        above = int(np.searchsorted(grid.heights, index - tolerance))
        if above < len(array) and abs(grid.heights[above] - index) <= tolerance:
            result[index] = array[above]
            continue
        above = min(max(above, 1), len(array) - 1)
        low, high = grid.heights[above - 1 : above + 1]
        weight = min(max((index - low) / (high - low), 0.0), 1.0)
        result[index] = np.rint((1 - weight) * array[above - 1].astype(np.float32) + weight * array[above])
    return result


def _coarsest_grid(heights_mm: np.ndarray) -> EvenGrid:
    """The coarsest grid that all images lie on; if none does, that of the smallest distance."""
    distances = np.diff(heights_mm)
    smallest = float(np.median(distances[distances <= distances.min() + _tolerance_mm(float(distances.min()))]))
    for fraction in range(1, _FINEST_FRACTION + 1):
        indices = np.r_[0, np.cumsum(np.rint(distances * fraction / smallest))].astype(int)
        spacing_mm = float(heights_mm[-1]) / int(indices[-1])
        if np.abs(heights_mm - indices * spacing_mm).max() <= _tolerance_mm(spacing_mm):
            return EvenGrid(spacing_mm, int(indices[-1]) + 1, tuple(indices.tolist()), heights_mm / spacing_mm)
    # Distances of at least one slice each: two images never share the nearest slice.
    spacing_mm = float(distances.min())
    heights = heights_mm / spacing_mm
    indices = np.floor(heights + 0.5).astype(int)
    return EvenGrid(spacing_mm, int(indices[-1]) + 1, tuple(indices.tolist()), heights)


def _usual(distances: np.ndarray) -> float:
    # The median of two is their mean: of two distances the smaller is the usual one.
    return float(distances.min() if len(distances) == 2 else np.median(distances))


def _tolerance_mm(distance_mm: float) -> float:
    return max(2 * ROUNDING_MM, RELATIVE_TOLERANCE * distance_mm)


def _uneven(distances: np.ndarray, usual: float, off: np.ndarray, names: Sequence[str]) -> InputError:
    worst = int(off[np.abs(distances[off] - usual).argmax()])
    missing = distances[worst] / usual
    between = f"between {names[worst]} and {names[worst + 1]}"
    if off.size <= len(distances) // 3 + 1 and missing > 1.5 and abs(missing - round(missing)) < 0.1:
        return InputError(
            f"A gap of {distances[worst]:.2f} mm {between}; elsewhere the slices are {usual:.2f} mm apart "
            f"({round(missing) - 1} missing here, {off.size} gaps in all).",
            _FILL_HINT,
        )
    return InputError(
        f"Mixed slice spacing: {distances[worst]:.2f} mm {between}, {usual:.2f} mm elsewhere.", _FILL_HINT
    )
