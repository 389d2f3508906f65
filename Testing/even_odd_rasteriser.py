"""A rasteriser of our own: a pixel is inside when a ray from its centre crosses the contour an odd number of times."""

from __future__ import annotations

import numpy as np


def fill(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bool ``(y, x)`` of one closed contour in pixel coordinates, ``points`` ``(n, 2)`` as (x, y)."""
    inside = np.zeros(shape, bool)
    columns = np.arange(shape[1])
    x0, y0 = points.T
    x1, y1 = np.roll(points, -1, 0).T
    first, last = max(0, int(np.floor(y0.min()))), min(shape[0] - 1, int(np.ceil(y0.max())))
    for row in range(first, last + 1):
        crossing = (y0 <= row) != (y1 <= row)
        at = x0[crossing] + (row - y0[crossing]) / (y1[crossing] - y0[crossing]) * (x1[crossing] - x0[crossing])
        inside[row] = (at[:, None] > columns).sum(0) % 2 == 1
    return inside


def union(contours, shape: tuple[int, int, int]) -> np.ndarray:
    """Bool ``(z, y, x)``, each contour filled by itself and joined by OR, as the simplest reader does."""
    mask = np.zeros(shape, bool)
    for contour in contours:
        mask[contour.slice_index] |= fill(contour.points_px, shape[1:])
    return mask


def exclusive(contours, shape: tuple[int, int, int]) -> np.ndarray:
    """The same joined by XOR, as readers that know holes only as contours inside contours do."""
    mask = np.zeros(shape, bool)
    for contour in contours:
        mask[contour.slice_index] ^= fill(contour.points_px, shape[1:])
    return mask
