"""Checksums of segments, to notice which of them somebody has corrected."""

from __future__ import annotations

import zlib

import numpy as np
import slicer

from ..engine.cases.label_boxes import bounding_boxes
from .images import first_index, voxels_of
from .segment_arrays import labelmap_of, segments_of


def contour_checksums(segmentation_node: slicer.vtkMRMLSegmentationNode) -> dict[str, int]:
    """Segment ID to a checksum of its voxels and where they lie; 0 for an empty segment. Errors as in `labelmap_of`."""
    boxes: dict[str, dict] = {}
    sums = {}
    for segment_id, segment, _ in segments_of(segmentation_node):
        image = labelmap_of(segmentation_node, segment_id)
        address, voxels = image.GetAddressAsString(""), voxels_of(image)
        if address not in boxes:  # one pass for the segments that share a labelmap
            boxes[address] = bounding_boxes(voxels) if voxels.size else {}
        box = boxes[address].get(segment.GetLabelValue())
        sums[segment_id] = 0 if box is None else _checksum(voxels[box] == segment.GetLabelValue(), box, image)
    return sums


def _checksum(mask: np.ndarray, box: tuple[slice, ...], image: slicer.vtkOrientedImageData) -> int:
    corner = [edge.start + first for edge, first in zip(box, first_index(image), strict=True)]
    return zlib.crc32(np.packbits(mask).tobytes(), zlib.crc32(f"{corner} {mask.shape}".encode()))
