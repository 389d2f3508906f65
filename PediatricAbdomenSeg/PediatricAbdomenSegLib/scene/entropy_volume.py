"""The map of the network's uncertainty beside the segmentation it belongs to: a volume, yellow to red, not shown yet.

The segmentation node refers to it, so a later result takes its place instead of leaving one more volume behind.
"""

from __future__ import annotations

import numpy as np
import slicer

from ..engine.cases.volume import ScalarMap
from .images import matrix_of, scalar_image
from .placement import place_beside, scene_batch, unused_name

ENTROPY_ROLE = "PediatricAbdomenSeg.entropy"
WARM_COLORS = "vtkMRMLColorTableNodeWarm1"  # one of Slicer's own tables: yellow to red
_LEAST_SHOWN = 0.01  # below that is what the network did not look at, or what it is certain of: transparent


def store_entropy(
    segmentation_node: slicer.vtkMRMLSegmentationNode,
    entropy: ScalarMap,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
) -> slicer.vtkMRMLScalarVolumeNode:
    """Put the map into the scene of a segmentation, beside its CT; an earlier map of the segmentation is replaced.

    No view shows it: the user chooses it as foreground over the CT.

    Args:
        entropy: 0 to 1, on the grid of the CT.
        volume_node: the CT, under whose parent transform the map comes too.
    """
    scene = segmentation_node.GetScene()
    node = segmentation_node.GetNodeReference(ENTROPY_ROLE)
    image = scalar_image(entropy.array.astype(np.float32, copy=False))
    with scene_batch(scene):
        if node is None:
            node = slicer.vtkMRMLScalarVolumeNode()
            node.SetName(unused_name(scene, f"{segmentation_node.GetName()} entropy"))
            scene.AddNode(node)
            segmentation_node.SetNodeReferenceID(ENTROPY_ROLE, node.GetID())
        node.SetIJKToRASMatrix(matrix_of(entropy.geometry.affine))
        node.SetAndObserveImageData(image)
        node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
        if node.GetDisplayNode() is None:
            _make_display(node)
        place_beside(scene, node, volume_node)
    return node


def _make_display(node: slicer.vtkMRMLScalarVolumeNode) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(1.0, 0.5)
    display.SetAndObserveColorNodeID(WARM_COLORS)
    display.SetThreshold(_LEAST_SHOWN, 1.0)
    display.SetApplyThreshold(True)
