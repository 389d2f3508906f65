"""Which slices of a segment were edited by hand: they differ from the model's result and no tool drew them."""

from __future__ import annotations

import zlib

import numpy as np
import slicer

from .edit_history import SegmentChange
from .images import bounding_box, lattice_offset
from .model_result import model_patch
from .segment_arrays import Patch, read_patch, segment_of
from .segment_properties import tag_of

INTERPOLATED_TAG = "PediatricAbdomenSeg.Interpolated"


def edited_slices(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, patch: Patch, axis: int
) -> list[int]:
    """Lattice indices of the slices that were edited by hand; [] when there is no result to compare with."""
    wanted = model_patch(segmentation_node, segment_id)
    if wanted is None or lattice_offset(wanted.affine, patch.affine) is None:
        return []
    change = SegmentChange.between(segment_id, patch, wanted)
    differs = change.changed.any(axis=tuple(other for other in range(3) if other != axis))
    edited = [int(index) + change.first[axis] for index in np.flatnonzero(differs)]
    ours = _interpolated(segmentation_node, segment_id)
    return [index for index in edited if ours.get(index) != _checksum(patch, axis, index)]


def remember_interpolated(
    segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, axis: int, indices: list[int]
) -> None:
    """Checksums of the slices this tool drew, so that one edited by hand afterwards counts as edited."""
    patch = read_patch(segmentation_node, segment_id)
    sums = _interpolated(segmentation_node, segment_id) | {i: _checksum(patch, axis, i) for i in indices}
    text = " ".join(f"{index}={value}" for index, value in sorted(sums.items()))
    segment_of(segmentation_node, segment_id).SetTag(INTERPOLATED_TAG, text)


def _interpolated(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> dict[int, int]:
    text = tag_of(segment_of(segmentation_node, segment_id), INTERPOLATED_TAG)
    return {int(index): int(value) for index, value in (item.split("=") for item in text.split())}


def _checksum(patch: Patch, axis: int, index: int) -> int:
    """Of one slice's voxels and where they lie; 0 for an empty one."""
    inside = index - patch.first[axis]
    if not 0 <= inside < patch.mask.shape[axis]:
        return 0
    plane = np.take(patch.mask, inside, axis)
    box = bounding_box(plane[np.newaxis])
    if box is None:
        return 0
    rows, columns = box[1:]
    starts = [start for other, start in enumerate(patch.first) if other != axis]
    place = f"{starts[0] + rows.start} {starts[1] + columns.start} {plane[box[1:]].shape}"
    return zlib.crc32(np.packbits(plane[box[1:]]).tobytes(), zlib.crc32(place.encode()))
