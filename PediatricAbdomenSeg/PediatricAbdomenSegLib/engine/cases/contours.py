"""Closed planar contours whose rasterisation gives back exactly the mask they were made from.

A contour runs through the midpoints of the cracks between foreground and background, a hair (0.01 px) inside, so
that no pixel centre ever lies on it. RTSTRUCT has no reliable way to say "hole": readers either fill every contour or
ignore CLOSEDPLANAR_XOR, therefore a hole is joined to the boundary above it by a zero-width bridge ("keyhole",
DICOM PS3.3 C.8.8.6.3), which fillers by even-odd, non-zero winding and union all understand. It keeps off the pixel
centres too: readers that decide a tie by the direction of an edge would cut the organ along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .crack_tracing import INWARD_X, INWARD_Y, LEFT, RIGHT, STEP_X, STEP_Y, CrackLoops, trace_cracks
from .outline_style import EXACT, OutlineStyle, needed_vertices, smoothed

_INSET_PX = 0.01
# SlicerRT takes keyholes out again where bridge points coincide and lie more than three points apart; a point a hair
# beside each bridge end keeps the hole's outline whole when it does.
_SPACER_PX = 0.01
_BRIDGE_OFF_CENTRE_PX = 0.25
# Midpoints would halve the area of a single pixel; loops up to this many cracks keep their corners.
_EXACT_CORNERS_UP_TO = 12


@dataclass(frozen=True)
class Contour:
    """One closed contour; the last point joins the first.

    Attributes:
        slice_index: index along the first axis of the mask.
        points_px: float64 ``(n, 2)``, n ≥ 4, ``(x, y)`` = (column, row) index; pixel centres are whole numbers.
    """

    slice_index: int
    points_px: np.ndarray


def contours_of(mask: np.ndarray, style: OutlineStyle = EXACT) -> tuple[Contour, ...]:
    """Contours of a bool mask ``(z, y, x)``, sorted by slice; () for an empty mask.

    Foreground is 4-connected: pixels that touch by a corner only get a contour each. Loops of up to 12 cracks keep
    their corners in every style.
    """
    bounds = _bounding_slices(mask)
    if bounds is None:
        return ()
    loops = trace_cracks(mask[bounds])
    first_slice, first_row, first_column = (axis.start for axis in bounds)
    corners, midpoints = _inset_points(loops)
    bridges = _bridges(loops, midpoints)
    midpoints[_anchor_cracks(bridges), 0] += _BRIDGE_OFF_CENTRE_PX
    outlines = _outlines(loops, corners, midpoints, bridges, style)
    _splice_holes(outlines, bridges)
    is_hole = loops.is_hole
    shift = np.array([first_column, first_row], float)
    slices = loops.slice_index[loops.offsets[:-1]] + first_slice
    contours = [
        Contour(int(slices[loop]), outline.points + shift) for loop, outline in enumerate(outlines) if not is_hole[loop]
    ]
    return tuple(sorted(contours, key=lambda contour: contour.slice_index))


@dataclass
class _Outline:
    """Points of one loop; ``anchors`` holds the crack behind a point at which a bridge ends, else -1."""

    points: np.ndarray
    anchors: np.ndarray


@dataclass(frozen=True)
class _Bridge:
    """A vertical bridge from the crack above down to the topmost crack of a hole."""

    outer_loop: int
    outer_crack: int
    hole_loop: int
    hole_crack: int


def _bounding_slices(mask: np.ndarray) -> tuple[slice, slice, slice] | None:
    slices = np.flatnonzero(mask.any((1, 2)))
    if not slices.size:
        return None
    plane = mask[slices[0] : slices[-1] + 1].any(0)
    ranges = (slices, np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0)))
    return tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in ranges)


def _inset_points(loops: CrackLoops) -> tuple[np.ndarray, np.ndarray]:
    """Start corner and midpoint of each crack, moved inward by `_INSET_PX`; float64 ``(n, 2)`` each."""
    direction = loops.direction
    corners = np.stack([loops.corner_x, loops.corner_y], 1)
    inward = np.stack([INWARD_X[direction], INWARD_Y[direction]], 1)
    step = np.stack([STEP_X[direction], STEP_Y[direction]], 1)
    midpoints = corners + 0.5 * step + _INSET_PX * inward
    previous, _ = loops.neighbours
    straight = (direction == direction[previous])[:, None]
    corners = corners + _INSET_PX * np.where(straight, inward, inward + inward[previous])
    return corners, midpoints


def _bridges(loops: CrackLoops, midpoints: np.ndarray) -> list[_Bridge]:
    """One bridge per hole, holes from bottom to top, so that a hole is complete before it is hung into another."""
    hole_loops = np.flatnonzero(loops.is_hole)
    if not hole_loops.size:
        return []
    horizontal = np.flatnonzero((loops.direction == RIGHT) | (loops.direction == LEFT))
    columns, rows = midpoints[horizontal].T
    horizontal = horizontal[np.lexsort((rows, columns, loops.slice_index[horizontal]))]
    rank = np.empty(len(loops.direction), np.int64)
    rank[horizontal] = np.arange(len(horizontal))
    loop_of_crack = loops.loop_of_crack
    bridges = []
    for loop in hole_loops:
        cracks = np.arange(loops.offsets[loop], loops.offsets[loop + 1])
        tops = cracks[loops.direction[cracks] == LEFT]  # the pixel above such a crack is foreground
        top = int(tops[midpoints[tops, 1].argmin()])
        above = int(horizontal[rank[top] - 1])  # going up through foreground, the next crack is where it ends
        bridges.append(_Bridge(int(loop_of_crack[above]), above, int(loop), top))
    return sorted(bridges, key=lambda bridge: -midpoints[bridge.hole_crack, 1])


def _anchor_cracks(bridges: list[_Bridge]) -> np.ndarray:
    """The cracks on which bridges end; all are horizontal."""
    return np.array([(bridge.outer_crack, bridge.hole_crack) for bridge in bridges], np.int64).ravel()


def _outlines(
    loops: CrackLoops, corners: np.ndarray, midpoints: np.ndarray, bridges: list[_Bridge], style: OutlineStyle
) -> list[_Outline]:
    """Points of each loop without those that ``style`` can do without, bridge ends kept."""
    is_anchor = np.zeros(len(midpoints), bool)
    is_anchor[_anchor_cracks(bridges)] = True
    previous, following = loops.neighbours
    vertices = smoothed(midpoints, loops.neighbours, is_anchor, style.smooth_px) if style.smooth_px else midpoints
    before, after = vertices - vertices[previous], vertices[following] - vertices
    keep = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    if style.simplify_px:
        keep &= needed_vertices(vertices, loops.offsets, is_anchor, style.simplify_px)
    keep |= is_anchor
    is_corner = loops.direction != loops.direction[previous]
    anchors = np.where(is_anchor, np.arange(len(midpoints)), -1)
    outlines = []
    for begin, end in zip(loops.offsets[:-1].tolist(), loops.offsets[1:].tolist(), strict=True):
        span = slice(begin, end)
        if end - begin > _EXACT_CORNERS_UP_TO:
            kept = keep[span]
            outlines.append(_Outline(vertices[span][kept], anchors[span][kept]))
            continue
        # Corner where crack i starts, then the midpoint of crack i where a bridge ends on it.
        points = np.stack([corners[span], midpoints[span]], 1).reshape(-1, 2)
        tags = np.stack([np.full(end - begin, -1), anchors[span]], 1).ravel()
        kept = np.stack([is_corner[span], is_anchor[span]], 1).ravel()
        outlines.append(_Outline(points[kept], tags[kept]))
    return outlines


def _splice_holes(outlines: list[_Outline], bridges: list[_Bridge]) -> None:
    """Insert all holes into the outlines their bridges lead to; bridges come from bottom to top."""
    holes_of: dict[int, dict[int, _Bridge]] = {}
    for bridge in bridges:
        holes_of.setdefault(bridge.outer_loop, {})[bridge.outer_crack] = bridge
    hole_loops = [bridge.hole_loop for bridge in bridges]
    # A hole's own holes hang below it and come before it; outer boundaries come last, when every hole is complete.
    for loop in [*hole_loops, *sorted(holes_of.keys() - set(hole_loops))]:
        if loop in holes_of:
            outlines[loop] = _with_holes(outlines[loop], holes_of[loop], outlines)


def _with_holes(outer: _Outline, bridges: dict[int, _Bridge], outlines: list[_Outline]) -> _Outline:
    """The outline with a detour over a bridge and around a hole at each of its anchors in ``bridges``."""
    points, anchors = [], []
    done = 0
    for at in np.flatnonzero(outer.anchors >= 0).tolist():
        bridge = bridges.get(int(outer.anchors[at]))
        if bridge is None:  # the anchor of this loop's own bridge upwards
            continue
        hole = outlines[bridge.hole_loop]
        start = int(np.flatnonzero(hole.anchors == bridge.hole_crack)[0])
        ring = np.roll(hole.points, -start, 0)
        end, top = outer.points[at], ring[0]
        before, after = outer.points[at - 1], outer.points[(at + 1) % len(outer.points)]
        way_in = [_spacer(end, before), end, top, _spacer(top, ring[1])]
        way_out = [_spacer(top, ring[-1]), top, end, _spacer(end, after)]
        detour = np.vstack([*way_in, ring[1:], *way_out])
        points += [outer.points[done:at], detour]
        anchors += [outer.anchors[done:at], np.full(len(detour), -1)]
        done = at + 1
    return _Outline(np.vstack([*points, outer.points[done:]]), np.concatenate([*anchors, outer.anchors[done:]]))


def _spacer(anchor: np.ndarray, toward: np.ndarray) -> np.ndarray:
    """The point `_SPACER_PX` from ``anchor`` toward another point."""
    offset = toward - anchor
    return anchor + offset * (_SPACER_PX / max(_SPACER_PX, float(np.hypot(*offset))))
