"""Where new nodes go: a name nobody has yet, and the folder, study and patient of the CT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import slicer


def unused_name(scene: slicer.vtkMRMLScene, name: str) -> str:
    """``name``, followed by 2, 3, … where a node of the scene has it already."""
    number, candidate = 1, name
    while scene.GetFirstNodeByName(candidate) is not None:
        number += 1
        candidate = f"{name} {number}"
    return candidate


def place_beside(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLNode, volume_node: slicer.vtkMRMLVolumeNode) -> None:
    """Put a node where ``volume_node`` is in the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    volume_item = hierarchy.GetItemByDataNode(volume_node)
    parent = hierarchy.GetItemParent(volume_item) if volume_item else hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(node)  # the application has made one already, a bare scene has not
    if item:
        hierarchy.SetItemParent(item, parent)
    else:
        hierarchy.CreateItem(parent, node)


@contextmanager
def scene_batch(scene: slicer.vtkMRMLScene) -> Iterator[None]:
    """The scene tells its observers once, at the end, also when something fails."""
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    try:
        yield
    finally:
        scene.EndState(slicer.vtkMRMLScene.BatchProcessState)


@contextmanager
def one_modification(node: slicer.vtkMRMLNode) -> Iterator[None]:
    """The node tells its observers once, at the end, also when something fails."""
    modified = node.StartModify()
    try:
        yield
    finally:
        node.EndModify(modified)
