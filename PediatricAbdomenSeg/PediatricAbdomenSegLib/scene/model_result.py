"""The model's own labels, kept beside the segmentation that people edit: to restore an organ and to see what changed.

They are a label map volume that the segmentation node refers to, so they are saved, loaded and closed with the scene.
The node is not hidden from editors, because Slicer's save dialog leaves hidden nodes out.
"""

from __future__ import annotations

import numpy as np
import slicer

from ..engine.cases.volume import LabelMap
from .images import bounding_box, geometry_of_volume, matrix_of, oriented_image, voxels_of
from .segment_arrays import Patch, segment_of, volume_to_segmentation
from .segment_properties import organ_of_segment

MODEL_RESULT_ROLE = "PediatricAbdomenSeg.modelResult"


def store_model_result(
    segmentation_node: slicer.vtkMRMLSegmentationNode, label_map: LabelMap
) -> slicer.vtkMRMLLabelMapVolumeNode:
    """Keep a copy of ``label_map`` with a segmentation that is in a scene; an earlier copy is replaced.

    The grid is taken to be in the coordinates of the segmentation's CT, whose parent transform the copy gets.
    """
    scene = segmentation_node.GetScene()
    node = segmentation_node.GetNodeReference(MODEL_RESULT_ROLE)
    if node is None:
        node = slicer.vtkMRMLLabelMapVolumeNode()
        node.SetName(f"{segmentation_node.GetName()} (model result)")
        scene.AddNode(node)
        segmentation_node.SetNodeReferenceID(MODEL_RESULT_ROLE, node.GetID())
    image = oriented_image(label_map.array, np.eye(4))
    node.SetIJKToRASMatrix(matrix_of(label_map.geometry.affine))
    node.SetAndObserveImageData(image)
    node.SetAndObserveTransformNodeID(segmentation_node.GetTransformNodeID())
    return node


def model_result(segmentation_node: slicer.vtkMRMLSegmentationNode) -> LabelMap | None:
    """The labels stored with a segmentation, None when there are none; the array is a view, not to be changed."""
    node = segmentation_node.GetNodeReference(MODEL_RESULT_ROLE)
    if node is None or node.GetImageData() is None:
        return None
    return LabelMap(voxels_of(node.GetImageData()).astype(np.uint8, copy=False), geometry_of_volume(node))


def update_model_result(
    segmentation_node: slicer.vtkMRMLSegmentationNode, label_map: LabelMap, labels: set[int]
) -> None:
    """Replace only ``labels`` in the stored result by those of ``label_map``, on the same grid.

    A newly found voxel takes the place of another organ's: one label map holds one label a voxel.
    """
    stored = model_result(segmentation_node)
    if stored is None or not stored.geometry.is_close_to(label_map.geometry):
        kept = np.where(np.isin(label_map.array, list(labels)), label_map.array, np.uint8(0))
    else:
        kept = np.where(np.isin(stored.array, list(labels)), np.uint8(0), stored.array)
        found = np.isin(label_map.array, list(labels))
        kept[found] = label_map.array[found]
    store_model_result(segmentation_node, LabelMap(kept, label_map.geometry))


def model_patch(segmentation_node: slicer.vtkMRMLSegmentationNode, segment_id: str) -> Patch | None:
    """What the model found, in the segmentation's coordinates; None when that is not known."""
    organ = organ_of_segment(segment_of(segmentation_node, segment_id), segment_id)
    stored = model_result(segmentation_node)
    if organ is None or stored is None:
        return None
    mask = stored.array == organ.label
    box = bounding_box(mask) or (slice(0, 0),) * 3
    node = segmentation_node.GetNodeReference(MODEL_RESULT_ROLE)
    affine = volume_to_segmentation(segmentation_node, node) @ stored.geometry.affine
    return Patch(mask[box], tuple(edge.start for edge in box), affine)
