"""Optional smoothing and simplification of outlines, for planning systems that prefer few points and no steps.

A pixel centre is at least 0.346 px away from the exact outline (half a pixel's diagonal, less the inset of 0.01 px),
0.27 px where a bridge ends. Smoothing moves no vertex by more than its bound, and the ends of bridges not at all;
simplification leaves no vertex farther from the new outline than its own bound. An outline can pass a pixel centre only
where the two together reach it: up to the bounds of `OutlineStyle.is_exact`, every reader that asks for pixel centres
still gets exactly the mask.

Measured on the 19 organs of a phantom (102 × 400 × 400, 1 mm): exact outlines have 58 000 points. Smoothing and
simplification in pixels, points left, lowest Dice of an organ and largest change of its volume after pixel-centre
rasterisation: 0.16 + 0.18 (the defaults) 49 000, 1, 0 %; 0.25 + 0.25 35 000, 0.9995, -0.1 %; 0.5 + 0.5 24 000, 0.987,
-2.2 %; 1 + 1 18 000, 0.949, -9.1 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import UsageError

EXACT_SUM_PX, EXACT_SIMPLIFY_PX = 0.34, 0.18
DEFAULT_SMOOTH_PX, DEFAULT_SIMPLIFY_PX = 0.16, 0.18  # exact together
_LARGEST_PX = 2.0
_FEWEST_POINTS = 4
# Taubin (SIGGRAPH 1995): shrinking and swelling by turns smooths without making the organ smaller.
_SHRINK, _SWELL, _ROUNDS = 0.5, -0.52, 6


@dataclass(frozen=True)
class OutlineStyle:
    """How far an outline may leave the edges between pixels; both 0 by default.

    Attributes:
        smooth_px: a vertex is moved by at most this part of a pixel.
        simplify_px: vertices that lie within this part of a pixel of the remaining outline are left out.

    Raises:
        UsageError: a value is negative, not a number, or above 2.
    """

    smooth_px: float = 0.0
    simplify_px: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("smoothing", self.smooth_px), ("simplification", self.simplify_px)):
            if not 0 <= value <= _LARGEST_PX:
                raise UsageError(f"A {name} of {value} pixels is not possible.", f"Choose 0 to {_LARGEST_PX:g} pixels.")

    @property
    def is_exact(self) -> bool:
        """Whether readers that ask for pixel centres get the mask back."""
        return self.simplify_px <= EXACT_SIMPLIFY_PX and self.smooth_px + self.simplify_px <= EXACT_SUM_PX + 1e-9


EXACT = OutlineStyle()


def smoothed(
    points: np.ndarray, neighbours: tuple[np.ndarray, np.ndarray], pinned: np.ndarray, bound_px: float
) -> np.ndarray:
    """Vertices of closed loops, moved toward a smooth curve by at most ``bound_px``.

    Args:
        points: float64 ``(n, 2)``.
        neighbours: previous and next vertex of each.
        pinned: bool ``(n,)``, vertices that stay.
    """
    previous, following = neighbours
    moved = points
    for weight in (_SHRINK, _SWELL) * _ROUNDS:
        moved = moved + weight * (0.5 * (moved[previous] + moved[following]) - moved)
    offset = moved - points
    length = np.hypot(*offset.T)
    offset *= np.minimum(1.0, bound_px / np.maximum(length, 1e-12))[:, None]
    offset[pinned] = 0.0
    return points + offset


def needed_vertices(points: np.ndarray, offsets: np.ndarray, pinned: np.ndarray, tolerance_px: float) -> np.ndarray:
    """Which vertices of closed loops have to stay so that none lies farther than ``tolerance_px`` from the outline.

    Douglas and Peucker's algorithm, breadth first on all loops at once. Loops that would lose their area stay whole.

    Args:
        points: float64 ``(n, 2)``.
        offsets: int64 ``(m + 1,)``; loop ``l`` is ``offsets[l]:offsets[l + 1]``.
        pinned: bool ``(n,)``, vertices that stay.

    Returns:
        bool ``(n,)``.
    """
    begins = offsets[:-1]
    loop = np.repeat(np.arange(len(begins)), np.diff(offsets))
    keep = pinned.copy()
    keep[begins] = True
    keep[_first_largest(np.hypot(*(points - points[begins][loop]).T), loop, begins)] = True
    while True:
        starts = np.flatnonzero(keep)
        is_last = np.append(loop[starts][1:] != loop[starts][:-1], True)
        ends = np.where(is_last, begins[loop[starts]], np.append(starts[1:], 0))
        segment = np.cumsum(keep) - 1
        distance = _distance_to_segment(points, points[starts][segment], points[ends][segment])
        distance[keep] = 0.0
        too_far = np.maximum.reduceat(distance, starts) > tolerance_px
        if not too_far.any():
            break
        worst = _first_largest(distance, segment, starts)
        keep[worst[too_far]] = True
    counts = np.add.reduceat(keep.astype(np.int64), begins)
    return keep | (counts < _FEWEST_POINTS)[loop]


def _first_largest(values: np.ndarray, group: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Index of the first largest value of each group of consecutive values."""
    candidates = np.flatnonzero(values == np.maximum.reduceat(values, begins)[group])
    _, first = np.unique(group[candidates], return_index=True)
    return candidates[first]


def _distance_to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    squared = np.maximum((along**2).sum(1), 1e-12)
    part = np.clip(((points - start) * along).sum(1) / squared, 0.0, 1.0)
    return np.hypot(*(points - start - part[:, None] * along).T)
