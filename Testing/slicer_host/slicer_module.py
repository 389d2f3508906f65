"""The module ``slicer`` of the stand-in: slicer-core's MRML classes, the stand-in widgets, one scene at a time."""

from __future__ import annotations

import importlib.util
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer_host import parameter_node, scripted_module
from slicer_host.inventory import inventory
from slicer_host.wrapper import wrapper_class


@dataclass
class Messages:
    """The message boxes shown, and what the user answers to the questions.

    Attributes:
        shown: (kind, text) in order; kind is info, warning, error, confirm or message.
        answer: what every confirmation returns.
    """

    shown: list[tuple[str, str]] = field(default_factory=list)
    answer: bool = True

    def texts(self, kind: str) -> list[str]:
        """The texts of one kind."""
        return [text for shown_kind, text in self.shown if shown_kind == kind]

    def show(self, kind: str, text: str) -> None:
        self.shown.append((kind, text))

    def ask(self, text: str) -> bool:
        self.shown.append(("confirm", text))
        return self.answer


class SlicerModule(types.ModuleType):
    """``slicer``: names come from the wheel or from the stand-in widgets; anything else is refused."""

    def __init__(self, core: types.ModuleType, widgets: dict[str, type]):
        super().__init__("slicer")
        self.__path__ = []
        self._core = core
        self._widgets = widgets
        self.mrmlScene: Any = None
        self.selfTests: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        names = inventory()
        if names is not None and not names.has_slicer_name(name):
            raise AttributeError(f"module 'slicer' has no attribute '{name}' in Slicer")
        if name in self._widgets:
            found: Any = wrapper_class(self._widgets[name])
        elif name.startswith("vtk") and hasattr(self._core, name):
            found = getattr(self._core, name)
        else:
            raise AttributeError(f"slicer.{name} exists in Slicer, but the stand-in has none")
        setattr(self, name, found)
        return found


def make_util(core: types.ModuleType, messages: Messages) -> types.ModuleType:
    """A copy of the wheel's ``slicer.util`` that runs on the stand-in and records what it would show."""
    spec = importlib.util.spec_from_file_location("slicer.util", core.util.__file__)
    util = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(util)

    def shows(kind: str) -> Any:
        return lambda text, windowTitle=None, parent=None, **_: messages.show(kind, text)

    def asks(text: str, windowTitle: str | None = None, parent: Any = None, **_: Any) -> bool:
        return messages.ask(text)

    def quietly(message: str, autoCloseMsec: int = 1000, parent: Any = None, **_: Any) -> None:
        messages.show("message", message)

    util.infoDisplay, util.warningDisplay, util.errorDisplay = shows("info"), shows("warning"), shows("error")
    util.confirmOkCancelDisplay = util.confirmYesNoDisplay = util.confirmRetryCloseDisplay = asks
    util.messageBox, util.delayDisplay = shows("message"), quietly
    util.showStatusMessage = lambda message, duration=0: messages.show("status", message)
    util.saveScene, util.loadScene, util.loadVolume = save_scene, load_scene, load_volume
    return util


def save_scene(filename: str, properties: dict | None = None) -> bool:
    """Write the scene to a .mrml file, with the data of its storable nodes beside it (a folder in real Slicer)."""
    import slicer

    scene, folder = slicer.mrmlScene, Path(filename).parent
    scene.SetRootDirectory(str(folder))
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLStorableNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLStorableNode")
        if not node.GetSaveWithScene() or (node.IsA("vtkMRMLVolumeNode") and node.GetImageData() is None):
            continue
        if node.GetStorageNode() is None and not node.AddDefaultStorageNode():
            continue
        storage = node.GetStorageNode()
        if storage is None:
            continue
        extension = storage.GetDefaultWriteFileExtension() or "nrrd"
        storage.SetFileName(str(folder / f"{node.GetID()}.{extension}"))
        if not storage.WriteData(node):
            return False
    scene.SetURL(str(filename))
    return bool(scene.Commit(str(filename)))


def load_scene(filename: str, properties: dict | None = None) -> bool:
    """Replace the scene's content by that of a .mrml file."""
    import slicer

    slicer.mrmlScene.SetURL(str(filename))
    slicer.mrmlScene.SetRootDirectory(str(Path(filename).parent))
    return bool(slicer.mrmlScene.Connect())


def load_volume(filename: str, properties: dict | None = None, returnNode: bool = False) -> Any:
    """Add a volume from an image file."""
    import slicer

    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(filename))
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", Path(filename).name.split(".")[0])
    if not storage.ReadData(node):
        slicer.mrmlScene.RemoveNode(node)
        raise RuntimeError(f"Failed to load volume from file: {filename}")
    node.CreateDefaultDisplayNodes()
    return node


def sub_modules(core: types.ModuleType, messages: Messages) -> dict[str, types.ModuleType]:
    """``slicer.util``, ``slicer.i18n`` and the other sub-modules by dotted name."""
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr = lambda text: text
    i18n.translate = lambda context, text: text
    i18n.getContext = lambda source_file: Path(source_file).stem

    scripted = types.ModuleType("slicer.ScriptedLoadableModule")
    scripted.__all__ = [name for name in vars(scripted_module) if name.startswith("ScriptedLoadableModule")]
    for name in scripted.__all__:
        setattr(scripted, name, getattr(scripted_module, name))

    wrapper = types.ModuleType("slicer.parameterNodeWrapper")
    wrapper.__all__ = ["parameterNodeWrapper", "Default", "Choice", "Minimum", "Maximum", "WithinRange"]
    for name in wrapper.__all__:
        setattr(wrapper, name, getattr(parameter_node, name))

    modules = {module.__name__: module for module in (i18n, scripted, wrapper)}
    modules["slicer.util"] = make_util(core, messages)
    return modules


def forget(names: set[str]) -> dict[str, types.ModuleType]:
    """Take modules out of sys.modules; returns those that were there."""
    return {name: sys.modules.pop(name) for name in names if name in sys.modules}
