"""From the contours of an ROI to voxels of a CT.

Contours parallel to the slices, the usual case, go to the slice they lie on, or to the nearest one within half the
slices' usual distance. Of several contour planes that fall to one slice the nearest counts: uniting them would thicken
the structure. Slices between two contour planes stay empty unless they are asked to be filled by shape.
Contours in any other planes are left to `oblique_contours`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .nested_contours import FilledLoops, PlanarLoop, fill_loops
from .rtstruct_file import RoiContour
from .shape_interpolation import between
from .slice_grid import SliceGrid

# A contour whose points stray from a plane parallel to the slices by less than this part of their distance belongs to
# that plane: headers round direction cosines.
FLAT_SLICES = 0.25
# Contours this close together (in slices' distances) lie in one plane; files round to 0.01 mm and rarely to 0.1 mm.
SAME_PLANE_SLICES = 0.05
_HALF = 0.5 + 1e-6
_EDGE_PX = 0.1  # rounding of a contour along the border of the image


@dataclass(frozen=True)
class RoiRegion:
    """The voxels of an ROI, cut to their bounding box.

    Attributes:
        shape: of the whole grid, ``(z, y, x)``.
        origin: index of the first voxel of ``mask``, ``(z, y, x)``.
        mask: bool, may have no voxels at all.
        notes: what was dropped or assumed, sentences.
    """

    shape: tuple[int, int, int]
    origin: tuple[int, int, int]
    mask: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def voxels(self) -> int:
        """Number of voxels inside."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """Where ``mask`` lies in an array of ``shape``."""
        return tuple(slice(begin, begin + length) for begin, length in zip(self.origin, self.mask.shape, strict=True))

    def full(self) -> np.ndarray:
        """The mask on the whole grid, bool ``(z, y, x)``; a new array."""
        whole = np.zeros(self.shape, bool)
        whole[self.box] = self.mask
        return whole


def empty_region(grid: SliceGrid, *notes: str) -> RoiRegion:
    """A region without voxels."""
    return RoiRegion(grid.shape, (0, 0, 0), np.zeros((0, 0, 0), bool), notes)


def is_parallel(contour: RoiContour, grid: SliceGrid) -> bool:
    """Whether a contour lies in a plane parallel to the slices."""
    offsets = contour.points_mm @ grid.normal
    return bool(np.ptp(offsets) <= 2 * FLAT_SLICES * grid.usual_distance_mm)


def region_of_parallel_contours(contours: Sequence[RoiContour], grid: SliceGrid, fill_gaps: bool = False) -> RoiRegion:
    """Voxelise contours of which `is_parallel` is true.

    Args:
        contours: of one ROI.
        grid: the slices.
        fill_gaps: fill slices between two contour planes by interpolating the shapes on these.
    """
    if not contours:
        return empty_region(grid)
    planes = _planes(contours, grid)
    notes: list[str] = []
    plane_of_slice = _plane_of_slice(planes, grid, notes)
    gaps = _gaps(planes, plane_of_slice, grid)
    if gaps:
        handled = "filled by the shape of the contours around them" if fill_gaps else "left empty"
        notes.append(f"Slices without a contour between slices with one: {len(gaps)}, {handled}.")
    drawn = [loop for index, plane in plane_of_slice.items() for loop in _loops(planes[plane].contours, index, grid)]
    gap_ends = {
        index: tuple(_loops(planes[plane].contours, index, grid) for plane in pair)
        for index, pair in (gaps if fill_gaps else {}).items()
    }
    box = _bounding_box([*drawn, *(loop for ends in gap_ends.values() for end in ends for loop in end)], grid, notes)
    if box is None:
        return empty_region(grid, *notes)
    size = tuple(axis.stop - axis.start for axis in box)
    filled = fill_loops([_cut_to(box, loop) for loop in drawn], size)
    for index, ends in gap_ends.items():
        below, above = (fill_loops([_cut_to(box, loop, index) for loop in end], (1, *size[1:])).mask[0] for end in ends)
        offset_below, offset_above = (planes[plane].offset_mm for plane in gaps[index])
        share = (grid.offsets_mm[index] - offset_below) / (offset_above - offset_below)
        filled.mask[index - box[0].start] = between(below, above, float(share), grid.spacing_mm[1:])
    notes += loop_notes(filled)
    return RoiRegion(grid.shape, tuple(axis.start for axis in box), filled.mask, tuple(notes))


def loop_notes(filled: FilledLoops) -> list[str]:
    """Sentences about how loops in one plane were combined."""
    notes = []
    if filled.united_layers:
        notes.append(f"Contours that overlap in part are united, slices: {filled.united_layers}.")
    if filled.repeated_loops:
        notes.append(f"Contours that repeat another one are left out: {filled.repeated_loops}.")
    return notes


@dataclass(frozen=True)
class _Plane:
    """Contours at one distance along the slices' normal."""

    offset_mm: float
    contours: tuple[RoiContour, ...]


def _planes(contours: Sequence[RoiContour], grid: SliceGrid) -> list[_Plane]:
    """Planes in ascending order."""
    offsets = np.array([float((contour.points_mm @ grid.normal).mean()) for contour in contours])
    groups = planes_of(offsets, SAME_PLANE_SLICES * grid.usual_distance_mm)
    return [_Plane(float(offsets[group].mean()), tuple(contours[i] for i in group)) for group in groups]


def planes_of(offsets_mm: np.ndarray, tolerance_mm: float) -> list[list[int]]:
    """Indices of contours by plane, planes in ascending order; a plane is at most ``tolerance_mm`` thick."""
    planes: list[list[int]] = []
    for index in np.argsort(offsets_mm, kind="stable").tolist():
        if planes and offsets_mm[index] - offsets_mm[planes[-1][0]] <= tolerance_mm:
            planes[-1].append(index)
        else:
            planes.append([index])
    return planes


def _plane_of_slice(planes: Sequence[_Plane], grid: SliceGrid, notes: list[str]) -> dict[int, int]:
    """The plane each slice takes its contours from."""
    slices = grid.offsets_mm
    chosen: dict[int, int] = {}
    outside = between_slices = crowded = 0
    for index, plane in enumerate(planes):
        distances = np.abs(slices - plane.offset_mm)
        nearest = int(distances.argmin())
        if distances[nearest] > _reach_mm(nearest, plane.offset_mm, grid):
            outside += len(plane.contours)
            continue
        if distances[nearest] > SAME_PLANE_SLICES * grid.usual_distance_mm:
            between_slices += len(plane.contours)
        other = chosen.get(nearest)
        if other is None:
            chosen[nearest] = index
            continue
        crowded += 1
        if distances[nearest] < abs(planes[other].offset_mm - slices[nearest]):
            chosen[nearest] = index
    if outside:
        notes.append(f"Contours where the image has no slice are left out: {outside}.")
    if between_slices:
        notes.append(f"Contours between slices are moved to the nearest one: {between_slices}.")
    if crowded:
        notes.append(f"Contour planes closer together than the slices are left out: {crowded}.")
    return chosen


def _reach_mm(slice_index: int, offset_mm: float, grid: SliceGrid) -> float:
    """How far from a slice a contour may lie: half way to the next, but not into a gap where slices are missing."""
    slices = grid.offsets_mm
    neighbour = slice_index + (1 if offset_mm > slices[slice_index] else -1)
    distance = grid.usual_distance_mm
    if 0 <= neighbour < len(slices):
        distance = min(distance, abs(float(slices[neighbour] - slices[slice_index])))
    return _HALF * distance


def _gaps(planes: Sequence[_Plane], plane_of_slice: dict[int, int], grid: SliceGrid) -> dict[int, tuple[int, int]]:
    """For each slice without a plane of its own between two planes, these planes."""
    offsets = np.array([plane.offset_mm for plane in planes])
    gaps = {}
    for slice_index in range(min(plane_of_slice, default=0), max(plane_of_slice, default=0)):
        above = int(np.searchsorted(offsets, grid.offsets_mm[slice_index]))
        if slice_index not in plane_of_slice and 0 < above < len(planes):
            gaps[slice_index] = (above - 1, above)
    return gaps


def _loops(contours: Sequence[RoiContour], slice_index: int, grid: SliceGrid) -> list[PlanarLoop]:
    """Contours projected onto a slice, in its pixels."""
    return [
        PlanarLoop(slice_index, grid.to_pixels(contour.points_mm, slice_index), contour.exclusive)
        for contour in contours
    ]


def _cut_to(box: tuple[slice, slice, slice], loop: PlanarLoop, first_slice: int | None = None) -> PlanarLoop:
    first_slice = box[0].start if first_slice is None else first_slice
    return PlanarLoop(loop.layer - first_slice, loop.points_px - [box[2].start, box[1].start], loop.exclusive)


def _bounding_box(loops: Sequence[PlanarLoop], grid: SliceGrid, notes: list[str]) -> tuple[slice, slice, slice] | None:
    """The part of the grid that loops reach; None when that is nothing."""
    if not loops:
        return None
    low = np.min([loop.points_px.min(0) for loop in loops], 0)
    high = np.max([loop.points_px.max(0) for loop in loops], 0)
    size = np.array([grid.columns, grid.rows])
    if np.any(low < -0.5 - _EDGE_PX) or np.any(high > size - 0.5 + _EDGE_PX):
        notes.append("Contours reach beyond the image and are cut off at its border.")
    x0, y0 = np.clip(np.floor(low), 0, size).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(high) + 1, 0, size).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return None
    slices = [loop.layer for loop in loops]
    return slice(min(slices), max(slices) + 1), slice(y0, y1), slice(x0, x1)
