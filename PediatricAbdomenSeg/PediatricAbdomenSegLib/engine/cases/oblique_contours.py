"""Voxelise contours drawn in planes that are not parallel to the slices: sagittal, coronal or oblique ones.

Every voxel takes the nearest contour plane within half the planes' distance and asks whether its centre, projected
onto that plane, lies inside. Each plane is drawn once as a picture. Where the planes are parallel to the columns or
rows of an evenly spaced grid the pixels of the picture are the grid's own and the answer is exact; elsewhere they are
a quarter of the smallest voxel edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .contour_region import FLAT_SLICES, SAME_PLANE_SLICES, RoiRegion, empty_region, loop_notes, planes_of
from .nested_contours import PlanarLoop, fill_loops
from .rtstruct_file import RoiContour
from .slice_grid import SliceGrid

_PICTURE_PIXELS_PER_VOXEL = 4
_ROUNDING = 1e-6  # part of a voxel


@dataclass(frozen=True)
class _Frame:
    """Coordinates of a stack of parallel planes.

    Attributes:
        normal, u, v: orthonormal ``(3,)`` LPS.
        origin_mm: centre of a voxel, ``(3,)``.
        pixel_mm: of the pictures, along u and v.
        step_mm: distance between voxels along the normal.
    """

    normal: np.ndarray
    u: np.ndarray
    v: np.ndarray
    origin_mm: np.ndarray
    pixel_mm: tuple[float, float]
    step_mm: float

    def to_picture(self, points_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position along the normal in mm, and (u, v) in pixels, of points ``(..., 3)``."""
        relative = points_mm - self.origin_mm
        return relative @ self.normal, relative @ self.u / self.pixel_mm[0], relative @ self.v / self.pixel_mm[1]


def region_of_oblique_contours(contours: Sequence[RoiContour], grid: SliceGrid, name: str) -> RoiRegion:
    """Voxelise the contours of one ROI, all in planes parallel to one another.

    Args:
        contours: of one ROI.
        grid: the slices.
        name: of the ROI and its file, for messages.

    Raises:
        InputError: a contour is not planar, or the planes are not parallel to one another.
    """
    # The widest contour tells the planes' direction best; a small one says nothing, it only has to fit in.
    widest = max(contours, key=lambda contour: float(np.ptp(contour.points_mm, 0).max()))
    normal = _normal(widest)
    frame = _grid_frame(normal, grid)
    if not _is_even(grid) or _stray_voxels(contours, frame) > FLAT_SLICES:
        frame = _free_frame(normal, grid)
    stray = _stray_voxels(contours, frame)
    if stray > FLAT_SLICES:
        raise InputError(
            f"{name} has contours in planes that are not parallel, or not in a plane at all: points lie up to "
            f"{stray * frame.step_mm:.1f} mm off.",
            "Draw it in one direction, or read the other ROIs only.",
        )
    pictures, notes = _draw(contours, frame, grid)
    box = _box(contours, pictures.reach_mm, grid)
    if box is None:
        return empty_region(grid, "Contours beside the image are left out.")
    rows, columns = (np.arange(axis.start, axis.stop)[:, None] for axis in box[1:])
    in_slice_mm = rows[:, None] * grid.row_step_mm + columns[None] * grid.column_step_mm
    mask = np.stack([pictures.at(grid.corners_mm[index] + in_slice_mm) for index in range(box[0].start, box[0].stop)])
    return RoiRegion(grid.shape, tuple(axis.start for axis in box), mask, tuple(notes))


def _normal(contour: RoiContour) -> np.ndarray:
    """Unit normal of the plane that fits a contour best."""
    centred = contour.points_mm - contour.points_mm.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # in ascending order of spread
    return axes[:, 0]


def _stray_voxels(contours: Sequence[RoiContour], frame: _Frame) -> float:
    """How far points lie off a plane of the frame at most."""
    return max(float(np.ptp(contour.points_mm @ frame.normal)) / 2 for contour in contours) / frame.step_mm


def _grid_frame(normal: np.ndarray, grid: SliceGrid) -> _Frame:
    """The grid's own directions, the one across the planes being that nearest to their normal."""
    directions, lengths, across, (first, second) = _axes(normal, grid)
    pixel_mm = float(lengths[first]), float(lengths[second])
    return _Frame(
        *(directions[axis] for axis in (across, first, second)), grid.corners_mm[0], pixel_mm, float(lengths[across])
    )


def _free_frame(normal: np.ndarray, grid: SliceGrid) -> _Frame:
    directions, lengths, across, (first, _) = _axes(normal, grid)
    u = directions[first] - normal * (directions[first] @ normal)
    u /= np.linalg.norm(u)
    pixel = float(lengths.min()) / _PICTURE_PIXELS_PER_VOXEL
    return _Frame(normal, u, np.cross(normal, u), grid.corners_mm[0], (pixel, pixel), float(lengths[across]))


def _axes(normal: np.ndarray, grid: SliceGrid) -> tuple[np.ndarray, np.ndarray, int, list[int]]:
    """Unit vectors and lengths of the grid's steps (column, row, slice); the one most along ``normal``, the others."""
    steps = np.stack([grid.column_step_mm, grid.row_step_mm, grid.normal * grid.usual_distance_mm])
    lengths = np.linalg.norm(steps, axis=1)
    directions = steps / lengths[:, None]
    across = int(np.abs(directions @ normal).argmax())
    return directions, lengths, across, [axis for axis in range(3) if axis != across]


def _is_even(grid: SliceGrid) -> bool:
    """Whether the slices are evenly spaced, one exactly above the other."""
    expected = grid.corners_mm[0] + np.arange(len(grid.corners_mm))[:, None] * grid.normal * grid.usual_distance_mm
    return bool(np.abs(grid.corners_mm - expected).max() < 0.01 * min(grid.spacing_mm))


@dataclass(frozen=True)
class _Pictures:
    """A filled picture of each contour plane, one after the other in ``pixels``; plane ``k`` of ``n``.

    Attributes:
        frame: their coordinates.
        offsets_mm: float64 ``(n,)``, ascending, along the frame's normal.
        reach_mm: how far along the normal a plane speaks for voxels.
        first: int64 ``(n, 2)``, (u, v) of each picture's first pixel.
        size: int64 ``(n, 2)``, width and height.
        start: int64 ``(n,)``, index of the first pixel in ``pixels``.
    """

    frame: _Frame
    offsets_mm: np.ndarray
    reach_mm: float
    first: np.ndarray
    size: np.ndarray
    start: np.ndarray
    pixels: np.ndarray

    def at(self, points_mm: np.ndarray) -> np.ndarray:
        """Whether points ``(..., 3)`` LPS mm are inside, bool ``(...)``."""
        w, u, v = self.frame.to_picture(points_mm)
        plane = np.searchsorted((self.offsets_mm[1:] + self.offsets_mm[:-1]) / 2, w)
        distance = w - self.offsets_mm[plane]
        # Half-open, so that a plane half way between two voxels speaks for one of them.
        slack = _ROUNDING * self.frame.step_mm
        column = np.rint(u).astype(np.int64) - self.first[plane, 0]
        row = np.rint(v).astype(np.int64) - self.first[plane, 1]
        seen = (distance >= -self.reach_mm - slack) & (distance < self.reach_mm - slack)
        seen &= (column >= 0) & (column < self.size[plane, 0]) & (row >= 0) & (row < self.size[plane, 1])
        inside = np.zeros(seen.shape, bool)
        index = self.start[plane[seen]] + row[seen] * self.size[plane[seen], 0] + column[seen]
        inside[seen] = self.pixels[index]
        return inside


def _draw(contours: Sequence[RoiContour], frame: _Frame, grid: SliceGrid) -> tuple[_Pictures, list[str]]:
    mapped = [frame.to_picture(contour.points_mm) for contour in contours]
    offsets = np.array([float(w.mean()) for w, _, _ in mapped])
    groups = planes_of(offsets, SAME_PLANE_SLICES * frame.step_mm)
    lowest, highest = _picture_bounds(frame, grid)
    firsts, sizes, pixels = [], [], []
    notes = ["Contours across the slices: every voxel takes the nearest contour plane."]
    for group in groups:
        points = [np.stack(mapped[index][1:], 1) for index in group]
        low = np.clip(np.floor(np.min([one.min(0) for one in points], 0)), lowest, highest)
        high = np.clip(np.ceil(np.max([one.max(0) for one in points], 0)) + 1, low, highest)
        size = (high - low).astype(np.int64)
        loops = [PlanarLoop(0, one - low, contours[index].exclusive) for one, index in zip(points, group, strict=True)]
        filled = fill_loops(loops, (1, int(size[1]), int(size[0])))
        notes += [note for note in loop_notes(filled) if note not in notes]
        firsts.append(low.astype(np.int64))
        sizes.append(size)
        pixels.append(filled.mask.ravel())
    planes_mm = np.array([offsets[group].mean() for group in groups])
    distances = np.diff(planes_mm)
    usual = float(np.median(distances)) if len(distances) else frame.step_mm
    if np.any(distances > 1.5 * usual):
        notes.append("Contour planes are missing between others; their voxels are left empty.")
    lengths = [len(picture) for picture in pixels]
    start = np.cumsum([0, *lengths[:-1]])
    pictures = _Pictures(frame, planes_mm, usual / 2, np.array(firsts), np.array(sizes), start, np.concatenate(pixels))
    return pictures, notes


def _picture_bounds(frame: _Frame, grid: SliceGrid) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest (u, v) at which the image has voxels, whole pixels."""
    across = np.array([[0, 0], [grid.columns - 1, 0], [0, grid.rows - 1], [grid.columns - 1, grid.rows - 1]])
    in_slice_mm = across[:, :1] * grid.column_step_mm + across[:, 1:] * grid.row_step_mm
    _, u, v = frame.to_picture(grid.corners_mm[[0, -1]][:, None] + in_slice_mm)
    return np.array([np.floor(u.min()), np.floor(v.min())]), np.array([np.ceil(u.max()), np.ceil(v.max())]) + 1


def _box(contours: Sequence[RoiContour], reach_mm: float, grid: SliceGrid) -> tuple[slice, slice, slice] | None:
    """The voxels within reach of contours; None when there are none."""
    points = np.concatenate([contour.points_mm for contour in contours])
    offsets = points @ grid.normal
    low_mm, high_mm = offsets.min() - reach_mm, offsets.max() + reach_mm
    first, last = np.searchsorted(grid.offsets_mm, [low_mm, high_mm])
    ends = [grid.to_pixels(points, index) for index in (0, grid.shape[0] - 1)]
    margin = np.ceil(reach_mm / np.array(grid.spacing_mm[:0:-1])) + 1
    size = np.array([grid.columns, grid.rows])
    x0, y0 = np.clip(np.min([end.min(0) for end in ends], 0) - margin, 0, size).astype(int).tolist()
    x1, y1 = np.clip(np.max([end.max(0) for end in ends], 0) + margin + 1, 0, size).astype(int).tolist()
    if first >= last or x0 >= x1 or y0 >= y1:
        return None
    return slice(int(first), int(last)), slice(y0, y1), slice(x0, x1)
