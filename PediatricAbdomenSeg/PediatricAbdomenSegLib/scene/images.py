"""Between VTK and numpy: matrices, voxel arrays and `Geometry`.

Arrays are ``(z, y, x)``; a VTK extent is ``(x0, x1, y0, y1, z0, z1)``, both ends included. An oriented image maps its
extent's indices, not offsets from the extent's corner, to RAS mm.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..engine.geometry import Geometry

Index = tuple[int, int, int]
# Two lattices are the same where rounding in file headers is the only difference, far below this part of a voxel.
_TOLERANCE_VOXELS = 0.01


def affine_of(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """float64 ``(4, 4)`` of a VTK matrix."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrix_of(affine: np.ndarray) -> vtk.vtkMatrix4x4:
    """VTK matrix of a ``(4, 4)`` array."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(affine, float).ravel().tolist())
    return matrix


def shifted(affine: np.ndarray, index_zyx: Index) -> np.ndarray:
    """The affine of the same lattice counted from ``index_zyx``."""
    result = np.array(affine, float)
    result[:3, 3] += affine[:3, :3] @ np.array(index_zyx[::-1], float)
    return result


def voxels_of(image: vtk.vtkImageData) -> np.ndarray:
    """View of an image's first component, ``(z, y, x)``; shape ``(0, 0, 0)`` when it holds no voxel."""
    scalars = image.GetPointData().GetScalars()
    shape = tuple(reversed(image.GetDimensions()))
    if scalars is None or 0 in shape:
        return np.zeros((0, 0, 0), np.uint8)
    array = vtk_to_numpy(scalars)
    return (array if array.ndim == 1 else array[:, 0]).reshape(shape)


def first_index(image: vtk.vtkImageData) -> Index:
    """Index ``(z, y, x)`` of the first voxel of an image's extent."""
    extent = image.GetExtent()
    return extent[4], extent[2], extent[0]


def lattice_affine(image: slicer.vtkOrientedImageData) -> np.ndarray:
    """Affine that maps an oriented image's indices to RAS mm."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return affine_of(matrix)


def oriented_image(array: np.ndarray, affine: np.ndarray, first: Index = (0, 0, 0)) -> slicer.vtkOrientedImageData:
    """A copy of ``array`` as an oriented image.

    Args:
        array: uint8 or bool ``(z, y, x)``.
        affine: of the lattice, index ``(x, y, z, 1)`` to RAS mm; without shear, which VTK's images cannot have.
        first: lattice index of ``array[0, 0, 0]``.
    """
    image = slicer.vtkOrientedImageData()
    extent = [
        bound for low, size in zip(first[::-1], array.shape[::-1], strict=True) for bound in (low, low + size - 1)
    ]
    image.SetExtent(extent)
    scalars = numpy_to_vtk(np.ascontiguousarray(array, np.uint8).ravel(), deep=True)
    scalars.SetName("ImageScalars")
    image.GetPointData().SetScalars(scalars)
    image.SetImageToWorldMatrix(matrix_of(affine))
    return image


def scalar_image(array: np.ndarray) -> vtk.vtkImageData:
    """A copy of ``(z, y, x)`` as an image of a volume node, whose grid the node keeps itself."""
    image = vtk.vtkImageData()
    image.SetDimensions(array.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
    return image


def lattice_offset(source: np.ndarray, target: np.ndarray, reach_voxels: int = 1024) -> Index | None:
    """What to add to an index ``(z, y, x)`` of lattice ``source`` to get that of the same voxel in ``target``.

    None when voxel centres do not coincide, or do so only with axes exchanged or turned around.

    Args:
        source, target: affines.
        reach_voxels: how far from the origin the lattices have to agree.
    """
    between = np.linalg.inv(target) @ source
    whole = np.eye(4)
    whole[:3, 3] = np.rint(between[:3, 3])
    corners = np.array([[x, y, z, 1] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float) * (*[reach_voxels] * 3, 1)
    if np.abs((between - whole) @ corners.T).max() > _TOLERANCE_VOXELS:
        return None
    return tuple(int(value) for value in whole[2::-1, 3])


def bounding_box(mask: np.ndarray) -> tuple[slice, slice, slice] | None:
    """Smallest box around the true voxels of ``(z, y, x)``; None when there are none."""
    in_plane = mask.any(axis=0) if mask.size else np.zeros((0, 0), bool)
    if not in_plane.any():
        return None
    profiles = (mask.any(axis=(1, 2)), in_plane.any(axis=1), in_plane.any(axis=0))
    edges = [np.flatnonzero(profile)[[0, -1]].tolist() for profile in profiles]
    return tuple(slice(low, high + 1) for low, high in edges)


def window_of(image: slicer.vtkOrientedImageData, affine: np.ndarray, first: Index, shape: Index) -> np.ndarray:
    """The voxels of an image in a window of a lattice, ``shape`` ``(z, y, x)``; 0 where the image has none.

    A view where the window is the image; otherwise a copy. Lattices that do not coincide are resampled with nearest
    neighbour.

    Args:
        affine: of the window's lattice.
        first: lattice index of the window's first voxel.
    """
    array = voxels_of(image)
    if not array.size:
        return np.zeros(shape, np.uint8)
    offset = lattice_offset(lattice_affine(image), affine)
    if offset is None:
        array, begin = _resampled(image, affine, first, shape), first
    else:
        begin = tuple(a + b for a, b in zip(first_index(image), offset, strict=True))
    if begin == tuple(first) and array.shape == tuple(shape):
        return array
    window = np.zeros(shape, array.dtype)
    source, target = [], []
    for low, length, start, size in zip(begin, array.shape, first, shape, strict=True):
        left, right = max(low, start), max(min(low + length, start + size), max(low, start))
        source.append(slice(left - low, right - low))
        target.append(slice(left - start, right - start))
    window[tuple(target)] = array[tuple(source)]
    return window


def _resampled(image: slicer.vtkOrientedImageData, affine: np.ndarray, first: Index, shape: Index) -> np.ndarray:
    reference = oriented_image(np.zeros(shape, np.uint8), affine, first)
    result = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, result, False)
    return voxels_of(result).copy()  # the image dies with this function


def geometry_of_volume(volume_node: slicer.vtkMRMLVolumeNode) -> Geometry:
    """Grid of a volume node in its own coordinates, parent transforms not applied."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    image = volume_node.GetImageData()
    return Geometry(tuple(reversed(image.GetDimensions())), affine_of(matrix))
