"""Which of several closed contours in one plane are holes.

``CLOSEDPLANAR_XOR`` says it: contours are combined by exclusive or [DICOM PS3.3 C.8.8.6.3]. Plain ``CLOSED_PLANAR``
loops inside one another do not, and most planning systems write holes and islands that way; they are read by depth: a
loop inside another is a hole, a loop inside a hole an island. Loops that only overlap in part, as hand-drawn pieces
do, are united, and the second of two identical loops counts for nothing. For loops that are nested or apart this is
the even-odd rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .polygon_fill import fill_even_odd

# A hand-drawn hole may leave its outer loop by a pixel here and there; a piece drawn beside it shares less.
_INSIDE_SHARE = 0.9


@dataclass(frozen=True)
class PlanarLoop:
    """A closed contour in pixels.

    Attributes:
        layer: index of its plane.
        points_px: float64 ``(n, 2)``, (x, y), pixel centres at whole numbers.
        exclusive: its geometric type is CLOSEDPLANAR_XOR.
    """

    layer: int
    points_px: np.ndarray
    exclusive: bool = False


@dataclass(frozen=True)
class FilledLoops:
    """Result of `fill_loops`.

    Attributes:
        mask: bool (layer, y, x).
        united_layers: number of layers in which loops that overlap in part were united.
        repeated_loops: number of loops that repeat another one.
    """

    mask: np.ndarray
    united_layers: int
    repeated_loops: int


def fill_loops(loops: Sequence[PlanarLoop], shape: tuple[int, int, int]) -> FilledLoops:
    """Fill loops layer by layer as the module's docstring says; ``shape`` is (layer, y, x)."""
    by_layer: dict[int, list[PlanarLoop]] = {}
    for loop in loops:
        by_layer.setdefault(loop.layer, []).append(loop)
    # Loops that cannot touch one another are simply drawn, all at once; this is nearly every loop of nearly every ROI.
    doubtful = {layer for layer, members in by_layer.items() if _may_overlap(members)}
    simple = [loop for loop in loops if loop.layer not in doubtful]
    mask = fill_even_odd([loop.points_px for loop in simple], [loop.layer for loop in simple], shape)
    united = repeated = 0
    for layer in sorted(doubtful):
        partly, same = _fill_by_depth(by_layer[layer], mask[layer])
        united += partly
        repeated += same
    return FilledLoops(mask, united, repeated)


def _may_overlap(loops: Sequence[PlanarLoop]) -> bool:
    if len(loops) < 2 or any(loop.exclusive for loop in loops):
        return False
    low = np.array([loop.points_px.min(0) for loop in loops])
    high = np.array([loop.points_px.max(0) for loop in loops])
    order = np.argsort(low[:, 1])
    low, high = low[order], high[order]
    for i in range(len(loops) - 1):
        until = int(np.searchsorted(low[:, 1], high[i, 1], "right"))
        others = slice(i + 1, max(until, i + 1))
        if np.any((low[others, 0] <= high[i, 0]) & (high[others, 0] >= low[i, 0])):
            return True
    return False


@dataclass(frozen=True)
class _Patch:
    """A filled loop, cut to its bounding box in rows ``y0:y1`` and columns ``x0:x1``."""

    box: tuple[int, int, int, int]  # y0, y1, x0, x1
    mask: np.ndarray
    area: int

    def cut(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """The part of the mask inside a box within the patch's own."""
        top, _, left, _ = self.box
        return self.mask[y0 - top : y1 - top, x0 - left : x1 - left]


def _fill_by_depth(loops: Sequence[PlanarLoop], plane: np.ndarray) -> tuple[bool, int]:
    """Draw the loops of one layer into ``plane``; whether some were united, and how many repeat another."""
    patches = [patch for patch in (_patch(loop.points_px, plane.shape) for loop in loops) if patch.area]
    patches.sort(key=lambda patch: -patch.area)
    boxes = np.array([patch.box for patch in patches]).reshape(-1, 4)
    is_repeat = np.zeros(len(patches), bool)
    united = False
    for index, patch in enumerate(patches):
        y0, y1, x0, x1 = patch.box
        larger, other = patches[:index], boxes[:index]
        near = (other[:, 0] < y1) & (other[:, 1] > y0) & (other[:, 2] < x1) & (other[:, 3] > x0) & ~is_repeat[:index]
        shared = [(larger[i].area, _shared_area(patch, larger[i])) for i in np.flatnonzero(near)]
        if any(common == area == patch.area for area, common in shared):
            is_repeat[index] = True
            continue
        depth = sum(common >= _INSIDE_SHARE * patch.area for _, common in shared)
        united |= any(0 < common < _INSIDE_SHARE * patch.area for _, common in shared)
        box = plane[y0:y1, x0:x1]
        if depth % 2:
            box &= ~patch.mask
        else:
            box |= patch.mask
    return united, int(is_repeat.sum())


def _patch(points_px: np.ndarray, shape: tuple[int, int]) -> _Patch:
    size = np.array([shape[1], shape[0]])
    low = np.clip(np.floor(points_px.min(0)), 0, size)
    high = np.clip(np.ceil(points_px.max(0)) + 1, low, size)
    (x0, y0), (x1, y1) = low.astype(int).tolist(), high.astype(int).tolist()
    mask = fill_even_odd([points_px - low], [0], (1, y1 - y0, x1 - x0))[0]
    return _Patch((y0, y1, x0, x1), mask, int(np.count_nonzero(mask)))


def _shared_area(one: _Patch, other: _Patch) -> int:
    box = [pick(a, b) for pick, a, b in zip((max, min, max, min), one.box, other.box, strict=True)]
    return int(np.count_nonzero(one.cut(*box) & other.cut(*box)))
