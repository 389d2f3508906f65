"""Trace the boundary of a binary mask along the edges between pixels ("cracks"), all slices at once.

Coordinates are in pixels, x along columns and y along rows (downwards), with pixel centres at whole numbers, so that
pixel corners lie at halves. Every crack separates a foreground pixel from a background pixel and is directed such
that the foreground lies on its right: outer boundaries run clockwise on the screen, holes counter-clockwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RIGHT, DOWN, LEFT, UP = range(4)
STEP_X = np.array([1, 0, -1, 0])
STEP_Y = np.array([0, 1, 0, -1])
# From a crack toward its foreground pixel, per direction.
INWARD_X = np.array([0, -1, 0, 1])
INWARD_Y = np.array([1, 0, -1, 0])


@dataclass(frozen=True)
class CrackLoops:
    """All closed boundaries of a mask; crack ``i`` of ``n``, loop ``l`` of ``m``.

    Attributes:
        slice_index: int64 ``(n,)``, slice of each crack.
        corner_x, corner_y: float64 ``(n,)``, pixel corner where each crack starts.
        direction: int8 ``(n,)``, `RIGHT`, `DOWN`, `LEFT` or `UP`.
        offsets: int64 ``(m + 1,)``; loop ``l`` is cracks ``offsets[l]:offsets[l + 1]`` in order of travel.
    """

    slice_index: np.ndarray
    corner_x: np.ndarray
    corner_y: np.ndarray
    direction: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Number of cracks per loop, int64 ``(m,)``."""
        return np.diff(self.offsets)

    @property
    def loop_of_crack(self) -> np.ndarray:
        """Loop of each crack, int64 ``(n,)``."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.lengths)

    @property
    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Previous and next crack of each crack along its loop, int64 ``(n,)`` each."""
        following = np.arange(1, len(self.direction) + 1)
        following[self.offsets[1:] - 1] = self.offsets[:-1]
        previous = np.empty_like(following)
        previous[following] = np.arange(len(following))
        return previous, following

    @property
    def is_hole(self) -> np.ndarray:
        """Whether each loop surrounds background, bool ``(m,)``: its signed area is negative."""
        _, following = self.neighbours
        twice_area = self.corner_x * self.corner_y[following] - self.corner_x[following] * self.corner_y
        return np.add.reduceat(twice_area, self.offsets[:-1]) < 0


def trace_cracks(mask: np.ndarray) -> CrackLoops:
    """Boundaries of a bool mask ``(z, y, x)``, each slice by itself; foreground is 4-connected, background 8-connected.

    An empty mask has no cracks and no loops.
    """
    depth, height, width = mask.shape
    padded = np.zeros((depth, height + 2, width + 2), np.int8)
    padded[:, 1:-1, 1:-1] = mask
    # Corners form a lattice of (height + 1) × (width + 1); corner (i, j) is the upper left one of pixel (i, j).
    corner_columns = width + 1
    corners_per_slice = (height + 1) * corner_columns
    across_rows = padded[:, 1:, 1:-1] - padded[:, :-1, 1:-1]  # +1: foreground below the crack, -1: above
    across_columns = padded[:, 1:-1, 1:] - padded[:, 1:-1, :-1]  # +1: foreground right of the crack, -1: left

    starts, directions = [], []
    for change, sign, direction, row_shift, column_shift in (
        (across_rows, 1, RIGHT, 0, 0),
        (across_columns, -1, DOWN, 0, 0),
        (across_rows, -1, LEFT, 0, 1),
        (across_columns, 1, UP, 1, 0),
    ):
        z, y, x = np.nonzero(change == sign)
        starts.append(z * corners_per_slice + (y + row_shift) * corner_columns + x + column_shift)
        directions.append(np.full(len(z), direction, np.int8))
    start, direction = np.concatenate(starts), np.concatenate(directions)
    by_corner = np.argsort(start * 4 + direction, kind="stable")
    start, direction = start[by_corner], direction[by_corner]

    order, offsets = _ordered_loops(_following(start, direction, corner_columns))
    start, direction = start[order], direction[order]
    slice_index, corner = np.divmod(start, corners_per_slice)
    row, column = np.divmod(corner, corner_columns)
    return CrackLoops(slice_index, column - 0.5, row - 0.5, direction, offsets)


def _following(start: np.ndarray, direction: np.ndarray, corner_columns: int) -> np.ndarray:
    """Index of the crack that starts where each one ends; cracks are sorted by start, then direction."""
    end = start + np.array([1, corner_columns, -1, -corner_columns])[direction]
    first = np.searchsorted(start, end, "left")
    second = np.minimum(first + 1, len(start) - 1)
    # Where two foreground pixels touch by a corner, two cracks leave it: turning right keeps the pixels apart.
    turns_right = (start[second] == end) & (direction[second] == (direction + 1) % 4) & (second != first)
    return np.where(turns_right, second, first)


def _ordered_loops(following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cracks in order of travel, loop after loop, and where each loop begins."""
    # A plain loop over a list: following a chain is sequential, and doubling pointers in numpy is slower here.
    next_crack = following.tolist()
    seen = bytearray(len(next_crack))
    order: list[int] = []
    offsets = [0]
    for first in range(len(next_crack)):
        if seen[first]:
            continue
        crack = first
        while not seen[crack]:
            seen[crack] = 1
            order.append(crack)
            crack = next_crack[crack]
        offsets.append(len(order))
    return np.array(order, np.int64), np.array(offsets, np.int64)
