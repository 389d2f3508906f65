"""A case that somebody scores: its CT and its contours as nodes whose names and tags say nothing about the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer

from ..engine.cases.volume import LabelMap, Volume
from ..engine.organs import Organ
from .display import apply_default_display
from .images import Index, bounding_box, matrix_of, oriented_image, scalar_image
from .placement import scene_batch, unused_name
from .segment_arrays import BINARY_LABELMAP
from .segment_properties import NO_MODEL, SegmentProperties


@dataclass(frozen=True)
class CaseNodes:
    """The nodes of one case."""

    volume: slicer.vtkMRMLScalarVolumeNode
    segmentation: slicer.vtkMRMLSegmentationNode


def add_case(
    scene: slicer.vtkMRMLScene, image: Volume, layers: Sequence[LabelMap], organs: Sequence[Organ], name: str
) -> CaseNodes:
    """Put a case into the scene; an organ without contours gets an empty segment, so that it can be drawn.

    Args:
        image: the CT.
        layers: label maps with `Organ.label` values, each on a grid of its own; organs of several may overlap.
        organs: the segments, in this order.
        name: of the CT, and with "contours" of the segmentation; a number follows where a node has it.
    """
    volume = slicer.vtkMRMLScalarVolumeNode()
    volume.SetName(unused_name(scene, name))
    volume.SetIJKToRASMatrix(matrix_of(image.geometry.affine))
    volume.SetAndObserveImageData(scalar_image(image.array))
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(unused_name(scene, f"{name} contours"))
    empty = LabelMap(np.zeros((1, 1, 1), np.uint8), image.geometry)
    node.SetAndObserveSegmentation(_segmentation(layers or [empty], organs))
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    with scene_batch(scene):
        for added in (volume, node):
            scene.AddNode(added)
            added.CreateDefaultDisplayNodes()
        node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), volume.GetID())
        apply_default_display(node)
    return CaseNodes(volume, node)


def remove_case(scene: slicer.vtkMRMLScene, nodes: CaseNodes) -> None:
    """Take a case and its displays out of the scene; nodes that are gone already do not matter."""
    with scene_batch(scene):
        for node in (nodes.segmentation, nodes.volume):
            if node.GetScene() is scene:
                displays = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
                scene.RemoveNode(node)
                for display in displays:
                    scene.RemoveNode(display)


def show_in_slice_views(scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLScalarVolumeNode) -> None:
    """Make a CT the background of every slice view, without a foreground."""
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode")
        composite.SetBackgroundVolumeID(volume_node.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)


def _segmentation(layers: Sequence[LabelMap], organs: Sequence[Organ]) -> slicer.vtkSegmentation:
    cropped = [_cropped(layer) for layer in layers]
    images = [
        oriented_image(array, layer.geometry.affine, first)
        for layer, (array, first) in zip(layers, cropped, strict=True)
    ]
    segmentation = slicer.vtkSegmentation()
    segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
    for organ in organs:
        segment = slicer.vtkSegment()
        SegmentProperties.of_organ(organ, NO_MODEL).to_segment(segment)
        segment.SetLabelValue(organ.label)
        place = next((index for index, (array, _) in enumerate(cropped) if np.any(array == organ.label)), 0)
        segment.AddRepresentation(BINARY_LABELMAP, images[place])
        segmentation.AddSegment(segment, organ.key)
    return segmentation


def _cropped(layer: LabelMap) -> tuple[np.ndarray, Index]:
    """The labels cut to their bounding box, and where that begins ``(z, y, x)``."""
    box = bounding_box(layer.array) or (slice(0, 1),) * 3  # an empty labelmap still has to know its lattice
    return layer.array[box], tuple(edge.start for edge in box)
