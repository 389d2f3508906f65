"""From the engine's label map to a segmentation node: one shared labelmap, built before the scene sees it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import slicer

from ..engine.cases.volume import LabelMap
from ..engine.errors import InputError
from ..engine.organs import ALL_STRUCTURES, Organ, organ_by_key
from .display import apply_default_display
from .edit_history import SegmentChange, record_step
from .images import Index, bounding_box, geometry_of_volume, oriented_image
from .model_result import model_result, store_model_result, update_model_result
from .placement import one_modification, place_beside, scene_batch, unused_name
from .segment_arrays import (
    BINARY_LABELMAP,
    Patch,
    read_patch,
    reference_volume,
    segment_id_of_organ,
    segment_of,
    segments_of,
    volume_to_segmentation,
    write_patch,
)
from .segment_properties import NO_MODEL, ModelTags, SegmentProperties, tag_of, write_tags

MODULE_ATTRIBUTE = "PediatricAbdomenSeg.Model"
_INPUT_HINT = "Segment this volume again: the result belongs to another one."


def build_segmentation(
    scene: slicer.vtkMRMLScene,
    label_map: LabelMap,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    structures: Sequence[Organ],
    provenance: ModelTags,
    name: str | None = None,
) -> slicer.vtkMRMLSegmentationNode:
    """Put a result into the scene as a new segmentation node; nothing that is there already is changed.

    The node lies on the CT's grid and under its parent transform, its segments come in the order of ``structures``,
    empty ones too, and the labels are kept for `restore_model_result`.

    Args:
        label_map: on the grid of ``volume_node``.
        volume_node: the CT, in ``scene``.
        provenance: the model, written into every segment's tags.
        name: None: the volume's name and "segmentation"; a number follows where a node has that name.

    Raises:
        InputError: the label map does not lie on the volume's grid.
    """
    _check_grid(label_map, volume_node)
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(unused_name(scene, name or f"{volume_node.GetName()} segmentation"))
    node.SetAttribute(MODULE_ATTRIBUTE, provenance.name)
    # Segments are added while nobody observes them: once the node is in the scene, each would redraw views and tables.
    node.SetAndObserveSegmentation(_segmentation(label_map, structures, provenance))
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    with scene_batch(scene):
        scene.AddNode(node)
        node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), volume_node.GetID())
        node.CreateDefaultDisplayNodes()
        apply_default_display(node)
        for added in (node, store_model_result(node, label_map)):
            place_beside(scene, added, volume_node)
    return node


def replace_organs(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    label_map: LabelMap,
    keys: Collection[str],
    provenance: ModelTags | None = None,
) -> None:
    """Take over only chosen organs of a new result; every other segment stays as it was edited.

    An organ that has no segment yet gets one, at its place in the table's order. Where a new organ overlaps an edited
    neighbour both keep their voxels. A verdict on an organ that changes is void: nobody has looked at the new contour.
    One step of `undo_last`, which brings back the verdicts and the tags as well, and removes the segments it made.

    Args:
        label_map: on the grid of the segmentation's CT.
        provenance: the model of the new result; None keeps the tags of segments that exist.

    Raises:
        UsageError: an unknown organ. InputError: the label map does not lie on the CT's grid.
    """
    organs = [organ_by_key(key) for key in keys]
    volume_node = reference_volume(segmentation_node)
    affine = label_map.geometry.affine
    if volume_node is not None:
        _check_grid(label_map, volume_node)
        affine = volume_to_segmentation(segmentation_node, volume_node) @ affine
    changes, earlier_result = [], model_result(segmentation_node)
    with one_modification(segmentation_node):
        for organ in organs:
            is_new = segment_id_of_organ(segmentation_node, organ.key) is None
            segment_id = _segment_for(segmentation_node, organ)
            segment = segment_of(segmentation_node, segment_id)
            new_tags = provenance.as_tags() if provenance is not None else {}
            before = read_patch(segmentation_node, segment_id)
            after = _organ_patch(label_map, organ, affine)
            change = SegmentChange.between(segment_id, before, after)
            if change.changed.any():
                new_tags |= {slicer.vtkSlicerSegmentationsModuleLogic.GetStatusTagName(): ""}
            changes.append(replace(change, tags={name: tag_of(segment, name) for name in new_tags}, is_new=is_new))
            write_patch(segmentation_node, segment_id, after)
            write_tags(segment, new_tags)
        update_model_result(segmentation_node, label_map, {organ.label for organ in organs})
    record_step(segmentation_node, "Replace organs", changes, earlier_result)


def _segmentation(label_map: LabelMap, structures: Sequence[Organ], provenance: ModelTags) -> slicer.vtkSegmentation:
    box = bounding_box(label_map.array) or (slice(0, 1),) * 3  # an empty labelmap still has to know its lattice
    first: Index = tuple(edge.start for edge in box)
    image = oriented_image(_only(label_map.array[box], structures), label_map.geometry.affine, first)
    segmentation = slicer.vtkSegmentation()
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    for organ in structures:
        segment = slicer.vtkSegment()
        SegmentProperties.of_organ(organ, provenance).to_segment(segment)
        segment.SetLabelValue(organ.label)
        segment.AddRepresentation(BINARY_LABELMAP, image)
        segmentation.AddSegment(segment, organ.key)
    return segmentation


def _only(labels: np.ndarray, structures: Sequence[Organ]) -> np.ndarray:
    """Labels that have a segment; others would stay in the shared labelmap as voxels of nobody."""
    table = np.zeros(256, np.uint8)
    for organ in structures:
        table[organ.label] = organ.label
    return table[labels]


def _organ_patch(label_map: LabelMap, organ: Organ, affine: np.ndarray) -> Patch:
    mask = label_map.array == organ.label
    box = bounding_box(mask)
    if box is None:
        return Patch(np.zeros((0, 0, 0), bool), (0, 0, 0), affine)
    return Patch(mask[box], tuple(edge.start for edge in box), affine)


def _segment_for(segmentation_node: slicer.vtkMRMLSegmentationNode, organ: Organ) -> str:
    """ID of the organ's segment, made where there is none."""
    segment_id = segment_id_of_organ(segmentation_node, organ.key)
    if segment_id is None:
        segment_id = segmentation_node.GetSegmentation().AddEmptySegment(organ.key, organ.display_name)
        SegmentProperties.of_organ(organ, NO_MODEL).to_segment(segment_of(segmentation_node, segment_id))
        _sort_in(segmentation_node, segment_id, organ)
    return segment_id


def _sort_in(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str, organ: Organ) -> None:
    order = {known.key: place for place, known in enumerate(ALL_STRUCTURES)}
    for place, (other_id, _, other) in enumerate(segments_of(segmentation_node)):
        if other_id != segment_id and other is not None and order[other.key] > order[organ.key]:
            segmentation_node.GetSegmentation().SetSegmentIndex(segment_id, place)
            return


def _check_grid(label_map: LabelMap, volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
    geometry = geometry_of_volume(volume_node)
    if not label_map.geometry.is_close_to(geometry):
        raise InputError(
            f'The result has {label_map.geometry.shape} voxels (z, y, x), "{volume_node.GetName()}" has '
            f"{geometry.shape}, or they lie in different places.",
            _INPUT_HINT,
        )
