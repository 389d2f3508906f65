"""Bring a label map of any grid onto the slices of a CT: voxels are moved where that suffices, else resampled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry import LPS_TO_RAS, Geometry
from .image_file import itk_image
from .volume import DicomReferences, DicomSlice, LabelMap

# A label map written from the CT differs from its grid only by rounding in headers, far below this part of a voxel.
_TOLERANCE_VOXELS = 0.05
_HINT = "Give the label map that was made on this CT, or remove what was painted beyond its images."


@dataclass(frozen=True)
class LabelsOnSlices:
    """A label map on the slices of a CT.

    Attributes:
        array: uint8 ``(slices, rows, columns)``, one slice per image.
        is_resampled: the grids did not coincide, and each pixel took the label of the voxel its centre lies in.
        lost_slices: slices with labels between the CT's images, which no image shows.
    """

    array: np.ndarray
    is_resampled: bool = False
    lost_slices: int = 0


def labels_on_slices(label_map: LabelMap, references: DicomReferences) -> LabelsOnSlices:
    """The labels on ``references.slices``, whatever the distances of the slices and the grid of the label map.

    Slicer saves segmentations cropped to their segments, some libraries save images in an axis order of their own, and
    of a series with missing slices a volume has more than there are images: all these only move voxels. A label map on
    another grid, such as one drawn on a resampled or finer volume, is resampled with nearest neighbour: what a pixel's
    centre lies in, nothing in between is made up. Pixels that the label map does not cover become 0.

    Args:
        label_map: uint8 ``(z, y, x)``; its own array is returned where it already lies there.

    Raises:
        InputError: a label lies outside the CT.
    """
    maps = [_index_map(one, label_map.geometry) for one in references.slices]
    shape = references.plane_shape
    whole = [np.rint(one) for one in maps]
    corners = np.array([[x, y, 1] for y in (0, shape[0]) for x in (0, shape[1])]).T
    off_voxels = max(float(np.abs((exact - round_) @ corners).max()) for exact, round_ in zip(maps, whole, strict=True))
    if off_voxels > _TOLERANCE_VOXELS or not _only_moves_voxels(whole):
        _require_inside(label_map, references)
        return LabelsOnSlices(_resampled(label_map, references), is_resampled=True)
    if _is_identity(whole) and label_map.geometry.shape == (len(whole), *shape):
        return LabelsOnSlices(label_map.array)
    return _picked(label_map.array, [one.astype(int) for one in whole], shape)


def _index_map(one: DicomSlice, geometry: Geometry) -> np.ndarray:
    """``(3, 3)`` matrix from ``(column, row, 1)`` of an image to the index ``(x, y, z)`` of a grid."""
    to_index = np.linalg.inv(LPS_TO_RAS @ geometry.affine)
    columns = [to_index[:3, :3] @ one.column_step_mm, to_index[:3, :3] @ one.row_step_mm]
    return np.stack([*columns, to_index[:3, :3] @ one.corner_mm + to_index[:3, 3]], 1)


def _only_moves_voxels(whole: list[np.ndarray]) -> bool:
    """Whether rows and columns run along two axes of the grid, the same for all slices."""
    steps = whole[0][:, :2]
    axes = np.abs(steps)
    is_permutation = np.all(axes.sum(0) == 1) and np.all(axes.sum(1) <= 1)
    return bool(is_permutation) and all(np.array_equal(one[:, :2], steps) for one in whole)


def _is_identity(whole: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, [[1, 0, 0], [0, 1, 0], [0, 0, z]]) for z, one in enumerate(whole))


def _picked(labels: np.ndarray, maps: list[np.ndarray], shape: tuple[int, int]) -> LabelsOnSlices:
    column_axis, row_axis = (int(np.abs(maps[0][:, step]).argmax()) for step in (0, 1))
    slice_axis = 3 - column_axis - row_axis
    view = labels.transpose(2 - slice_axis, 2 - row_axis, 2 - column_axis)
    array = np.zeros((len(maps), *shape), np.uint8)
    labelled = np.flatnonzero(view.any((1, 2)))
    shown: set[int] = set()
    outside = 0
    for target, index_map in zip(array, maps, strict=True):
        z = int(index_map[slice_axis, 2])
        if not 0 <= z < len(view) or z in shown:
            continue
        shown.add(z)
        plane = view[z]
        rows, row_span = _overlap(index_map[row_axis, 1], index_map[row_axis, 2], plane.shape[0], shape[0])
        columns, column_span = _overlap(index_map[column_axis, 0], index_map[column_axis, 2], plane.shape[1], shape[1])
        part = plane[rows, columns]
        target[row_span, column_span] = part
        outside += np.count_nonzero(plane) - np.count_nonzero(part)
    positions = sorted(int(one[slice_axis, 2]) for one in maps)
    hidden = [z for z in labelled.tolist() if z not in shown]
    between = [z for z in hidden if positions[0] < z < positions[-1]]
    outside += sum(np.count_nonzero(view[z]) for z in set(hidden) - set(between))
    if outside:
        raise InputError(f"Some labelled voxels lie outside the CT: {outside}.", _HINT)
    return LabelsOnSlices(array, lost_slices=len(between))


def _overlap(step: int, first: int, source_length: int, target_length: int) -> tuple[slice, slice]:
    """Where target index ``t`` is source index ``first + step * t``: the slices of both that belong together."""
    ends = sorted((int(-first * step), int((source_length - 1 - first) * step)))  # targets of the source's two ends
    begin, end = max(ends[0], 0), min(ends[1] + 1, target_length)
    if begin >= end:
        return slice(0, 0), slice(0, 0)
    start, stop = first + step * begin, first + step * end
    return slice(int(start), None if stop < 0 else int(stop), int(step)), slice(begin, end)


def _resampled(label_map: LabelMap, references: DicomReferences) -> np.ndarray:
    image = itk_image(label_map.array, label_map.geometry)
    resample = sitk.ResampleImageFilter()
    resample.SetInterpolator(sitk.sitkNearestNeighbor)
    rows, columns = references.plane_shape
    planes = []
    for one in references.slices:
        resample.SetSize((columns, rows, 1))
        resample.SetOutputOrigin(one.corner_mm.tolist())
        resample.SetOutputSpacing((one.pixel_spacing_mm[1], one.pixel_spacing_mm[0], 1.0))
        axes = np.stack([one.row_direction, one.column_direction, one.normal], 1)
        resample.SetOutputDirection(axes.ravel().tolist())
        planes.append(sitk.GetArrayFromImage(resample.Execute(image))[0])
    return np.stack(planes)


def _require_inside(label_map: LabelMap, references: DicomReferences) -> None:
    """Raise `InputError` unless every labelled voxel's centre lies in the box of the images, give or take half.

    Half a voxel of the labels, and half a pixel and slice distance of the images, whose box ends at pixel centres.
    """
    first = references.slices[0]
    axes = np.stack([first.row_direction, first.column_direction, first.normal])
    corners = np.array([axes @ one.corner_mm for one in references.slices])
    slice_distance_mm = float(np.median(np.diff(corners[:, 2]))) if len(corners) > 1 else 0.0
    pixel = np.array([first.pixel_spacing_mm[1], first.pixel_spacing_mm[0], slice_distance_mm])
    margin = (max(label_map.geometry.spacing_mm) + pixel) / 2
    low = corners.min(0) - margin
    rows, columns = references.plane_shape
    high = corners.max(0) + [(columns - 1) * pixel[0], (rows - 1) * pixel[1], 0.0] + margin
    to_lps = LPS_TO_RAS @ label_map.geometry.affine
    outside = 0
    for index_xyz in _labelled_voxels(label_map.array):
        place = (index_xyz @ to_lps[:3, :3].T + to_lps[:3, 3]) @ axes.T
        outside += int(np.count_nonzero(((place < low) | (place > high)).any(1)))
    if outside:
        raise InputError(f"Some labelled voxels lie outside the CT: {outside}.", _HINT)


def _labelled_voxels(labels: np.ndarray) -> Iterator[np.ndarray]:
    """Indices ``(n, 3)`` in ``(x, y, z)`` order, slice by slice."""
    for z, plane in enumerate(labels):
        y, x = np.nonzero(plane)
        if len(x):
            yield np.stack([x, y, np.full(len(x), z)], 1)
