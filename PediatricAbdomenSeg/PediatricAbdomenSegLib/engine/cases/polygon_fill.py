"""Fill closed polygons: a pixel belongs to a polygon when its centre lies inside by the even-odd rule.

The exact inverse of `contours.contours_of`. Even-odd is what makes a keyhole work: its two bridge edges coincide and
cancel. Edges are half-open, so that of two polygons sharing an edge exactly one owns a centre on that edge and a
filled area has no bias, wherever a contour runs through pixel centres.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CROSSINGS_AT_ONCE = 1 << 21  # bounds the memory a contour of a million zigzags needs to about 100 MB


def fill_even_odd(polygons: Sequence[np.ndarray], layers: Sequence[int], shape: tuple[int, int, int]) -> np.ndarray:
    """Bool ``shape`` (layer, y, x) of polygons, each drawn into its layer; polygons of one layer are joined by XOR.

    Args:
        polygons: float ``(n, 2)`` each, finite, (x, y) in pixels, centres at whole numbers; the last point joins the
            first. Parts outside the array are cut off.
        layers: index along the first axis, one per polygon.
        shape: of the result.
    """
    toggles = np.zeros(shape, np.uint8)
    if polygons and toggles.size:
        edges = _edges(polygons, np.asarray(layers, np.int64), shape[1])
        ends = np.cumsum(edges.rows)
        begin = 0
        while begin < len(ends):
            crossed = ends[begin - 1] if begin else 0
            end = max(int(np.searchsorted(ends, crossed + _CROSSINGS_AT_ONCE, "right")), begin + 1)
            _toggle(toggles, edges, slice(begin, end))
            begin = end
    # A pixel is inside when the number of crossings up to it is odd; uint8 wraps around without changing parity.
    np.add.accumulate(toggles, axis=2, dtype=np.uint8, out=toggles)
    toggles &= 1
    return toggles.view(bool)


class _Edges:
    """Edges that cross at least one row of centres, upper end first so that coinciding edges cross alike."""

    def __init__(self, layer, first_row, rows, upper, slope) -> None:
        self.layer, self.first_row, self.rows, self.upper, self.slope = layer, first_row, rows, upper, slope


def _edges(polygons: Sequence[np.ndarray], layers: np.ndarray, height: int) -> _Edges:
    lengths = np.array([len(polygon) for polygon in polygons])
    points = np.concatenate([np.asarray(polygon, float).reshape(-1, 2) for polygon in polygons])
    following = np.arange(1, len(points) + 1)
    ends = np.cumsum(lengths)
    occupied = lengths > 0
    following[ends[occupied] - 1] = (ends - lengths)[occupied]
    other = points[following]
    swap = (points[:, 1] > other[:, 1])[:, None]
    upper, lower = np.where(swap, other, points), np.where(swap, points, other)
    first = np.clip(np.ceil(upper[:, 1]), 0, height).astype(np.int64)
    rows = np.clip(np.ceil(lower[:, 1]), 0, height).astype(np.int64) - first
    crossing = rows > 0
    upper, lower = upper[crossing], lower[crossing]
    slope = (lower[:, 0] - upper[:, 0]) / (lower[:, 1] - upper[:, 1])
    return _Edges(np.repeat(layers, lengths)[crossing], first[crossing], rows[crossing], upper, slope)


def _toggle(toggles: np.ndarray, edges: _Edges, part: slice) -> None:
    """Count, at the first centre right of each crossing, that inside and outside change places."""
    _, height, width = toggles.shape
    rows = edges.rows[part]
    edge = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(rows) - rows, rows) + edges.first_row[part][edge]
    x = edges.upper[part, 0][edge] + (row - edges.upper[part, 1][edge]) * edges.slope[part][edge]
    column = np.clip(np.ceil(x), 0, width).astype(np.int64)
    seen = column < width
    index = (edges.layer[part][edge[seen]] * height + row[seen]) * width + column[seen]
    np.add.at(toggles.reshape(-1), index, np.uint8(1))
