"""Signed distances of simple solids on a deformed grid, evaluated only where the solid can be.

Distances are in millimetres and positive inside. Coordinates are patient LPS millimetres: x to the left, y to
posterior, z to superior; arrays are ``(z, y, x)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FAR_OUTSIDE_MM = -1e3


@dataclass(frozen=True)
class Region:
    """A box of the grid with the anatomy's coordinates of its voxels.

    Attributes:
        box: three slices ``(z, y, x)`` into the whole grid.
        x, y, z: float32 coordinates in mm, each of the box's shape.
    """

    box: tuple[slice, slice, slice]
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """All coordinates as ``(n, 3)`` in (x, y, z) order."""
        return np.stack([self.x.ravel(), self.y.ravel(), self.z.ravel()], axis=1)


class DeformedGrid:
    """A regular grid whose voxels know where in the undeformed anatomy they lie.

    Args:
        axes_mm: patient coordinates of the grid lines ``(z, y, x)``.
        displacement_mm: float32 ``(3, z, y, x)``, added to the (x, y, z) coordinates.
    """

    def __init__(self, axes_mm: tuple[np.ndarray, np.ndarray, np.ndarray], displacement_mm: np.ndarray) -> None:
        z, y, x = (axis.astype(np.float32) for axis in axes_mm)
        self.axes_mm = (z, y, x)
        self.shape = (len(z), len(y), len(x))
        self.x = x[None, None, :] + displacement_mm[0]
        self.y = y[None, :, None] + displacement_mm[1]
        self.z = z[:, None, None] + displacement_mm[2]
        self._reach_mm = float(np.abs(displacement_mm).max()) if displacement_mm.size else 0.0

    def everywhere(self) -> Region:
        """The whole grid."""
        return Region((slice(None), slice(None), slice(None)), self.x, self.y, self.z)

    def around(self, low_xyz: Sequence[float], high_xyz: Sequence[float], margin_mm: float = 5.0) -> Region:
        """The part of the grid that can hold a solid lying between two corners (x, y, z) of the anatomy."""
        reach = margin_mm + self._reach_mm
        box = []
        for axis_mm, low, high in zip(self.axes_mm, low_xyz[::-1], high_xyz[::-1], strict=True):
            first = int(np.searchsorted(axis_mm, low - reach))
            last = int(np.searchsorted(axis_mm, high + reach))
            box.append(slice(first, max(last, first)))
        index = tuple(box)
        return Region(index, self.x[index], self.y[index], self.z[index])

    def embed(self, box: tuple[slice, slice, slice], values: np.ndarray) -> np.ndarray:
        """Signed distances of a box as an array of the whole grid, far outside everywhere else."""
        whole = np.full(self.shape, FAR_OUTSIDE_MM, np.float32)
        whole[box] = values
        return whole


def rotation(degrees_x: float, degrees_y: float, degrees_z: float) -> np.ndarray:
    """Rotation matrix about the x, then y, then z axis."""
    ax, ay, az = np.deg2rad([degrees_x, degrees_y, degrees_z])
    cx, sx, cy, sy, cz, sz = np.cos(ax), np.sin(ax), np.cos(ay), np.sin(ay), np.cos(az), np.sin(az)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def ellipsoid(
    region: Region, centre: Sequence[float], radii: Sequence[float], turn: np.ndarray | None = None
) -> np.ndarray:
    """Approximate signed distance to an ellipsoid; exact on its surface."""
    dx, dy, dz = region.x - centre[0], region.y - centre[1], region.z - centre[2]
    if turn is not None:
        inverse = turn.T.astype(np.float32)
        dx, dy, dz = (inverse[i, 0] * dx + inverse[i, 1] * dy + inverse[i, 2] * dz for i in range(3))
    squares = [(d / r) ** 2 for d, r in zip((dx, dy, dz), radii, strict=True)]
    radial = np.sqrt(squares[0] + squares[1] + squares[2])
    gradient = np.sqrt(sum(s / r**2 for s, r in zip(squares, radii, strict=True)))
    return (radial * (1 - radial) / np.maximum(gradient, 1e-4 / max(radii))).astype(np.float32)


def bend(waypoints: Sequence[Sequence[float]], step_mm: float) -> np.ndarray:
    """Smooth curve through waypoints whose columns start with (x, y, z); further columns (radius) ride along.

    Returns:
        float32 ``(n, columns)``, points about ``step_mm`` apart.
    """
    from scipy.interpolate import PchipInterpolator

    points = np.asarray(waypoints, float)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1))])
    samples = np.linspace(0, along[-1], max(2, int(np.ceil(along[-1] / step_mm)) + 1))
    return PchipInterpolator(along, points)(samples).astype(np.float32)


def tube(grid: DeformedGrid, curve: np.ndarray) -> tuple[Region, np.ndarray, np.ndarray]:
    """Signed distance to balls of radius ``curve[:, 3]`` along a curve.

    Returns:
        the region, the distance, and the index of the nearest point of the curve for each voxel.
    """
    from scipy.spatial import cKDTree

    largest = float(curve[:, 3].max())
    region = grid.around(curve[:, :3].min(0) - largest, curve[:, :3].max(0) + largest)
    if region.x.size == 0:
        return region, np.zeros(region.x.shape, np.float32), np.zeros(region.x.shape, np.int64)
    distance, nearest = cKDTree(curve[:, :3]).query(region.points, distance_upper_bound=largest + 12.0)
    found = np.minimum(nearest, len(curve) - 1)
    signed = np.where(np.isfinite(distance), curve[found, 3] - distance, FAR_OUTSIDE_MM)
    shape = region.x.shape
    return region, signed.reshape(shape).astype(np.float32), found.reshape(shape)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma_voxels: float) -> np.ndarray:
    """Gaussian random field of unit standard deviation, float32, smooth over ``sigma_voxels``."""
    from scipy import ndimage

    factor = max(1, int(sigma_voxels / 2))
    coarse = tuple(int(np.ceil(n / factor)) + 2 for n in shape)
    field = ndimage.gaussian_filter(rng.standard_normal(coarse).astype(np.float32), sigma_voxels / factor, mode="wrap")
    field /= max(float(field.std()), 1e-6)
    for axis, n in enumerate(shape):
        if factor > 1 or field.shape[axis] != n:
            at = np.linspace(0, (n - 1) / factor, n, dtype=np.float32)
            field = resample_axis(field, at, axis)
    return field


def resample_axis(array: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along one axis at fractional indices; beyond the ends the end value holds."""
    last = array.shape[axis] - 1
    inside = np.clip(positions, 0, last)
    low = np.minimum(np.floor(inside).astype(np.intp), max(last - 1, 0))
    weight = (inside - low).astype(np.float32)
    if not weight.any():
        return np.take(array, low, axis)
    shape = [1] * array.ndim
    shape[axis] = len(positions)
    weight = weight.reshape(shape)
    result = np.take(array, low, axis)
    result += (np.take(array, np.minimum(low + 1, last), axis) - result) * weight
    return result
