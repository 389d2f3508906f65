"""A scene as Slicer has it at start: registered node classes, three slice views, module logics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vtkmodules.util.misc import calldata_type
from vtkmodules.util.vtkConstants import VTK_OBJECT
from vtkmodules.vtkCommonCore import vtkCollection

from slicer_host.application import SLICE_VIEWS

# Their SetMRMLScene registers the node classes of the module.
_LOGICS = {
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Colors": "vtkMRMLColorLogic",
    "Sequences": "vtkSlicerSequencesLogic",
}

_DATA_NODES = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLModelNode", "vtkMRMLTransformNode")


@dataclass(frozen=True)
class SceneWithLogics:
    """A scene and what the application keeps beside it."""

    scene: Any
    application_logic: Any
    module_logics: dict[str, Any]
    slice_logics: dict[str, Any]
    slice_logic_collection: Any


def new_scene(core: Any) -> SceneWithLogics:
    """A fresh scene.

    Args:
        core: the slicer-core wheel's module ``slicer``.
    """
    scene = core.vtkMRMLScene()
    application_logic = core.vtkMRMLApplicationLogic()
    application_logic.SetMRMLScene(scene)
    logics = {}
    for name, class_name in _LOGICS.items():
        if hasattr(core, class_name):
            logics[name] = getattr(core, class_name)()
            logics[name].SetMRMLScene(scene)
    _keep_subject_hierarchy(core, scene)
    slice_logics = {}
    collection = vtkCollection()
    for name, orientation in SLICE_VIEWS.items():
        logic = core.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        node = logic.AddSliceNode(name)
        node.SetLayoutLabel(name[0])
        node.SetOrientation(orientation)
        slice_logics[name] = logic
        collection.AddItem(logic)
    application_logic.SetSliceLogics(collection)
    return SceneWithLogics(scene, application_logic, logics, slice_logics, collection)


def _keep_subject_hierarchy(core: Any, scene: Any) -> None:
    """An item for every data node, from its coming to its going, as the plugins of Slicer's subject hierarchy do."""
    core.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
    scene.AddObserver(scene.NodeAddedEvent, _node_added)
    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, _node_about_to_go)


# Functions of the module, not closures: an observer that held the scene would keep it alive for ever.


@calldata_type(VTK_OBJECT)
def _node_added(scene: Any, event: str, node: Any) -> None:
    if scene.IsImporting() or node.GetHideFromEditors() or not any(node.IsA(name) for name in _DATA_NODES):
        return
    hierarchy = scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    if hierarchy is not None and not hierarchy.GetItemByDataNode(node):
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


@calldata_type(VTK_OBJECT)
def _node_about_to_go(scene: Any, event: str, node: Any) -> None:
    if scene is None:  # the wrapper of a scene that is being freed at the interpreter's end
        return
    hierarchy = scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None and not scene.IsClosing() else 0
    if item:
        hierarchy.RemoveItem(item, False, False)
