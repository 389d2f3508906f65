"""A scene as Slicer has it at start: registered node classes, three slice views, module logics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slicer_host.application import SLICE_VIEWS

# Their SetMRMLScene registers the node classes of the module.
_LOGICS = {
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Colors": "vtkMRMLColorLogic",
    "Sequences": "vtkSlicerSequencesLogic",
}


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
    from vtkmodules.vtkCommonCore import vtkCollection

    scene = core.vtkMRMLScene()
    application_logic = core.vtkMRMLApplicationLogic()
    application_logic.SetMRMLScene(scene)
    logics = {}
    for name, class_name in _LOGICS.items():
        if hasattr(core, class_name):
            logics[name] = getattr(core, class_name)()
            logics[name].SetMRMLScene(scene)
    core.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
    slice_logics = {}
    collection = vtkCollection()
    for name, orientation in SLICE_VIEWS.items():
        logic = core.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        node = logic.AddSliceNode(name)
        node.SetLayoutLabel(name[0])
        node.SetOrientationToDefault() if not node.SetOrientation(orientation) else None
        slice_logics[name] = logic
        collection.AddItem(logic)
    application_logic.SetSliceLogics(collection)
    return SceneWithLogics(scene, application_logic, logics, slice_logics, collection)
