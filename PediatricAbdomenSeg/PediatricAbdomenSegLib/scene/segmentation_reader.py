"""From edited segments back to arrays on the CT's grid: masks that may overlap, or one label map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import slicer

from ..engine.cases.volume import LabelMap
from ..engine.errors import InputError
from ..engine.geometry import Geometry
from ..engine.organs import Organ
from .images import bounding_box, geometry_of_volume, lattice_affine, lattice_offset, voxels_of, window_of
from .model_result import model_result
from .segment_arrays import labelmap_of, segments_of, volume_to_segmentation

_MOST_SEGMENTS = 10_000  # more than Slicer can show; keeps priority before order in one number
_LABEL_VALUES = 2**16  # of a labelmap; Slicer's are unsigned char or short
_OUTSIDE_HINT = "Remove what was painted outside the CT (Segment Editor, Scissors), or choose the CT it was drawn on."


@dataclass(frozen=True)
class SegmentMask:
    """One segment on the grid of a volume.

    Attributes:
        segment_id: in its segmentation.
        name: as shown to people.
        organ: row of the organ table, None for a structure that is not in it.
        labels: ``(z, y, x)``, the labelmap of the segment, shared with the segments that do not overlap it; read only.
        label_value: what marks this segment in ``labels``.
        edited: whether it differs from the model's result; True where no result is stored to compare with.
    """

    segment_id: str
    name: str
    organ: Organ | None
    labels: np.ndarray
    label_value: int
    edited: bool

    @property
    def mask(self) -> np.ndarray:
        """The segment's voxels, a new bool array ``(z, y, x)`` of the whole grid."""
        return self.labels == self.label_value


def read_masks(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLVolumeNode
) -> tuple[SegmentMask, ...]:
    """Every segment on the volume's grid, in the segmentation's order; overlapping segments each keep all voxels.

    Segments drawn on another grid are resampled with nearest neighbour. () for a segmentation without segments.

    Raises:
        InputError: a segment reaches outside the volume, a warp lies between the two, or a segment cannot be turned
            into voxels.
    """
    segments = _segments_on_grid(segmentation_node, volume_node)
    stored = model_result(segmentation_node)
    if stored is None or not stored.geometry.is_close_to(geometry_of_volume(volume_node)):
        return segments
    layers = {id(mask.labels): mask.labels for mask in segments}
    unchanged = {
        mask.segment_id
        for labels in layers.values()
        for mask in _unchanged([mask for mask in segments if mask.labels is labels], stored.array)
    }
    return tuple(replace(mask, edited=mask.segment_id not in unchanged) for mask in segments)


def read_label_map(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLVolumeNode
) -> LabelMap:
    """All organs in one label map on the volume's grid; where segments overlap the higher `Organ.priority` wins.

    Of equal priorities the earlier segment wins. Segments that are no organ of the table are left out. Errors as in
    `read_masks`.
    """
    return resolve(_segments_on_grid(segmentation_node, volume_node), geometry_of_volume(volume_node))


def resolve(masks: Iterable[SegmentMask], geometry: Geometry) -> LabelMap:
    """Merge masks on one grid into a label map, as `read_label_map` does."""
    rank = np.zeros(256, np.int32)
    layers: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for place, mask in enumerate(masks):
        if mask.organ is None:
            continue
        rank[mask.organ.label] = max(rank[mask.organ.label], (1 + mask.organ.priority) * _MOST_SEGMENTS - place)
        labels, table = layers.setdefault(id(mask.labels), (mask.labels, np.zeros(_LABEL_VALUES, np.uint8)))
        table[mask.label_value] = mask.organ.label
    result = np.zeros(geometry.shape, np.uint8)
    for labels, table in layers.values():
        box = bounding_box(labels)
        if box is not None:
            found, target = table[labels[box]], result[box]
            if len(layers) == 1:
                target[...] = found
            else:
                np.copyto(target, found, where=rank[found] > rank[target])
    return LabelMap(result, geometry)


def _segments_on_grid(
    segmentation_node: slicer.vtkMRMLSegmentationNode, volume_node: slicer.vtkMRMLVolumeNode
) -> tuple[SegmentMask, ...]:
    """Every segment, all of them taken for edited."""
    geometry = geometry_of_volume(volume_node)
    affine = volume_to_segmentation(segmentation_node, volume_node) @ geometry.affine
    layers: dict[str, np.ndarray] = {}
    segments = []
    for segment_id, segment, organ in segments_of(segmentation_node):
        image = labelmap_of(segmentation_node, segment_id)
        address = image.GetAddressAsString("")
        if address not in layers:
            layers[address] = _on_grid(image, affine, geometry.shape)
        name = segment.GetName() or segment_id
        segments.append(SegmentMask(segment_id, name, organ, layers[address], segment.GetLabelValue(), edited=True))
    return tuple(segments)


def _on_grid(image: slicer.vtkOrientedImageData, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    labels = window_of(image, affine, (0, 0, 0), shape)
    if lattice_offset(lattice_affine(image), affine) is not None:
        outside = np.count_nonzero(voxels_of(image)) - np.count_nonzero(labels)
        if outside:
            raise InputError(f"{outside} voxels of the segmentation lie outside the CT.", _OUTSIDE_HINT)
    return labels


def _unchanged(masks: list[SegmentMask], stored: np.ndarray) -> list[SegmentMask]:
    """Those organs of one labelmap that are as in ``stored``; all are compared in one pass over the voxels."""
    organs = [mask for mask in masks if mask.organ is not None]
    if not organs:
        return []
    labels = organs[0].labels
    ours, wanted = np.zeros(_LABEL_VALUES, np.uint8), np.zeros(256, np.uint8)
    for mask in organs:
        ours[mask.label_value] = wanted[mask.organ.label] = mask.organ.label
    if all(mask.label_value == mask.organ.label for mask in organs):
        at = labels != stored  # equal values mean equal organs: only the few others have to be looked up
        now, then = ours[labels[at]], wanted[stored[at]]
    else:
        now, then = ours[labels], wanted[stored]
    different = now != then
    differs = np.zeros(256, bool)
    differs[now[different]] = differs[then[different]] = True
    return [mask for mask in organs if not differs[mask.organ.label]]
