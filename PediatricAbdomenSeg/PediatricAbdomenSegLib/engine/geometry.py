"""Where voxels lie in the patient: affines, spacing and orientation.

Arrays are indexed ``(z, y, x)``. An affine is a 4 × 4 float64 matrix that maps the homogeneous voxel index
``(x, y, z, 1)`` (as in NIfTI, reversed to the array's order) to RAS millimetres: +x right, +y anterior, +z superior.
DICOM and ITK use LPS, which differs by the sign of the first two rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Geometry:
    """A voxel grid in the patient.

    Attributes:
        shape: number of voxels ``(z, y, x)``.
        affine: float64 ``(4, 4)``, index ``(x, y, z, 1)`` to RAS mm; see the module's docstring.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along ``(z, y, x)`` in mm."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[2]), float(lengths[1]), float(lengths[0])

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def is_close_to(self, other: Geometry, tolerance_mm: float = 1e-2) -> bool:
        """Whether two grids have the same shape and no corner differs by more than ``tolerance_mm``."""
        if self.shape != other.shape:
            return False
        return bool(np.abs((self.affine - other.affine) @ self.corners()).max() <= tolerance_mm)

    def corners(self) -> np.ndarray:
        """Index ``(x, y, z, 1)`` of the eight corners as columns, ``(4, 8)``: two grids differ most at one of them."""
        z, y, x = self.shape
        return np.array([[i, j, k, 1] for k in (0, z) for j in (0, y) for i in (0, x)]).T

    def to_ras(self, index_zyx: np.ndarray) -> np.ndarray:
        """Map voxel indices ``(..., 3)`` in ``(z, y, x)`` order to RAS mm ``(..., 3)``."""
        index_xyz = np.asarray(index_zyx, float)[..., ::-1]
        return index_xyz @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, ras_mm: np.ndarray) -> np.ndarray:
        """Map RAS mm ``(..., 3)`` to voxel indices ``(..., 3)`` in ``(z, y, x)`` order, not rounded."""
        inverse = np.linalg.inv(self.affine)
        return (np.asarray(ras_mm, float) @ inverse[:3, :3].T + inverse[:3, 3])[..., ::-1]


@dataclass(frozen=True)
class Reorientation:
    """The axis permutation and flips that bring an array into canonical order; undone by `undo`.

    Attributes:
        axes: for each canonical array axis (z, y, x) the source array axis.
        flips: for each canonical array axis whether the source axis runs the other way.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    def apply(self, array: np.ndarray) -> np.ndarray:
        """View of a ``(z, y, x)`` array in canonical order."""
        view = array.transpose(self.axes)
        return view[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips)]

    def undo(self, array: np.ndarray) -> np.ndarray:
        """View of a canonical array in the source's order."""
        view = array[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips)]
        return view.transpose(np.argsort(self.axes))


def canonical_reorientation(affine: np.ndarray) -> Reorientation:
    """Permutation and flips after which x runs to the patient's left, y to posterior and z to superior.

    This is the voxel order of an axial head-first supine CT read by ITK (LPS), which is what CT networks are trained
    on. Oblique grids are brought to the nearest such order without resampling.

    Args:
        affine: ``(4, 4)``, index ``(x, y, z, 1)`` to RAS mm.

    Raises:
        ValueError: the affine is singular.
    """
    columns = np.asarray(affine, float)[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    if (
        not np.all(np.isfinite(columns))
        or np.any(lengths == 0)
        or abs(np.linalg.det(columns / np.where(lengths, lengths, 1))) < 1e-3
    ):
        raise ValueError("the affine is singular")
    cosines = np.diag([-1.0, -1.0, 1.0]) @ (columns / lengths)  # rows: patient L, P, S; columns: index x, y, z
    axes, flips, free = [0, 0, 0], [False, False, False], [0, 1, 2]
    magnitude = np.abs(cosines)
    pairs = sorted(((magnitude[row, col], row, col) for row in range(3) for col in range(3)), reverse=True)
    taken_rows: set[int] = set()
    for _, row, col in pairs:
        if row in taken_rows or col not in free:
            continue
        taken_rows.add(row)
        free.remove(col)
        axes[2 - row] = 2 - col
        flips[2 - row] = bool(cosines[row, col] < 0)
    return Reorientation(tuple(axes), tuple(flips))


def reoriented_geometry(geometry: Geometry, reorientation: Reorientation) -> Geometry:
    """The geometry of ``reorientation.apply(array)`` for an array on ``geometry``."""
    affine = np.eye(4)
    origin = geometry.affine[:3, 3].copy()
    for canonical_axis in range(3):
        source_axis = reorientation.axes[canonical_axis]
        column = geometry.affine[:3, 2 - source_axis]
        if reorientation.flips[canonical_axis]:
            origin = origin + column * (geometry.shape[source_axis] - 1)
            column = -column
        affine[:3, 2 - canonical_axis] = column
    affine[:3, 3] = origin
    return Geometry(tuple(geometry.shape[axis] for axis in reorientation.axes), affine)
