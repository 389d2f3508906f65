"""The stand-in Slicer: installs ``qt``, ``ctk``, ``slicer`` and friends, makes scenes, loads modules."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

# Before PySide6's first window: no display is needed.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from slicer_host import ui_loader, wrapper
from slicer_host.application import the_application
from slicer_host.ctk_widgets import CTK_CLASSES
from slicer_host.dicom import DICOM_CLASSES, ctkDICOMDatabase, dicom_lib
from slicer_host.module_widget import qSlicerScriptedLoadableModuleWidget
from slicer_host.mrml_widgets import qMRMLNodeComboBox, qMRMLWidget
from slicer_host.qt_module import PythonQtModule
from slicer_host.sample_data import sample_data_module
from slicer_host.scene_setup import SceneWithLogics, new_scene
from slicer_host.scripted_module import ModuleProperties
from slicer_host.segment_editor_widget import qMRMLSegmentEditorWidget
from slicer_host.slice_rendering import SliceView, open_slice_view
from slicer_host.slicer_module import Messages, SlicerModule, forget, sub_modules

SLICER_WIDGETS: dict[str, type] = {
    cls.__name__: cls
    for cls in (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentEditorWidget, qSlicerScriptedLoadableModuleWidget)
}


class LoadedModule:
    """``slicer.modules.<name>``: the module object of the application."""

    def __init__(self, name: str, path: Path, properties: Any, logic: Any = None):
        self.name, self.path, self._properties, self._logic = name, str(path), properties, logic
        self.container: Any = None

    @property
    def panel(self) -> Any:
        """The Python object of the open panel."""
        return self.container.self()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._properties, name)

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> Any:
        return self.container


class SlicerHost:
    """One stand-in application for the whole process, with a fresh scene whenever one is asked for.

    Attributes:
        messages: the message boxes shown since the last ``fresh_scene``.
    """

    def __init__(self) -> None:
        import slicer as core

        self._core = core
        self._raw_application = the_application()
        ui_loader.QUiLoader.custom_classes = {**CTK_CLASSES, **SLICER_WIDGETS}
        self.messages = Messages()
        self.qt = PythonQtModule("qt", {"QUiLoader": ui_loader.QUiLoader}, with_qt=True)
        self.ctk = PythonQtModule("ctk", {**CTK_CLASSES, **DICOM_CLASSES}, with_qt=False)
        self.slicer = SlicerModule(core, SLICER_WIDGETS)
        self.slicer.app = wrapper.wrap(self._raw_application)
        self._dicom_database = ctkDICOMDatabase()
        self.slicer.dicomDatabase = wrapper.wrap(self._dicom_database)
        self.sample_data = sample_data_module()
        self._modules: dict[str, types.ModuleType] = {
            **sub_modules(core, self.messages),
            **dicom_lib(self._dicom_database),
            "qt": self.qt,
            "ctk": self.ctk,
            "slicer": self.slicer,
            "SampleData": self.sample_data,
        }
        for name, module in self._modules.items():
            if name.startswith("slicer."):
                setattr(self.slicer, name.partition(".")[2], module)
        self._setup: SceneWithLogics | None = None
        self._open: list[LoadedModule] = []
        self.fresh_scene()

    @property
    def scene(self) -> Any:
        """The current scene (``slicer.mrmlScene``)."""
        return self.slicer.mrmlScene

    @property
    def app(self) -> Any:
        """``slicer.app``."""
        return self.slicer.app

    def fresh_scene(self) -> None:
        """Start as Slicer starts: an empty scene, no modules, no messages, empty settings."""
        self._setup = new_scene(self._core)
        self._raw_application.scene = self._setup.scene
        self._raw_application.logic = self._setup.application_logic
        self._raw_application.layoutManager().show_views_of(
            self._setup.slice_logics, self._setup.slice_logic_collection
        )
        self._raw_application.moduleManager().loaded.clear()
        self._raw_application.settings().clear()
        self.slicer.mrmlScene = self._setup.scene
        self.slicer.modules = types.SimpleNamespace()
        for name, logic in self._setup.module_logics.items():
            setattr(self.slicer.modules, name.lower(), LoadedModule(name, Path(), types.SimpleNamespace(), logic))
        self.slicer.selfTests.clear()
        self.messages.shown.clear()
        self.messages.answer = True
        self.sample_data.sources.clear()
        self._dicom_database.clear()

    def series_uids(self) -> tuple[str, ...]:
        """The series in ``slicer.dicomDatabase``."""
        return tuple({str(header.SeriesInstanceUID): None for header in self._dicom_database.headers.values()})

    @contextmanager
    def installed(self) -> Iterator[SlicerHost]:
        """Make ``import qt``, ``import ctk`` and ``import slicer`` find the stand-in for a while."""
        # A reload replaces the modules under test; the next test gets those it has imported already.
        saved = dict(sys.modules)
        forget({name for name in sys.modules if name in self._modules or name.startswith("slicer.")})
        sys.modules.update(self._modules)
        try:
            yield self
        finally:
            for loaded in list(self._open):
                self.close_panel(loaded)
            forget({*self._modules, *self._raw_application.moduleManager().loaded})
            sys.modules.update(saved)

    def load_module(self, path: Path) -> LoadedModule:
        """Load a scripted module as the application does at start, without its panel."""
        name = path.stem
        source = self._import(name, path)
        properties = ModuleProperties(path)
        getattr(source, name)(properties)
        loaded = LoadedModule(name, path, properties)
        setattr(self.slicer.modules, name.lower(), loaded)
        self._raw_application.moduleManager().loaded[name] = loaded
        self._raw_application.startupCompleted.emit()
        return loaded

    def _import(self, name: str, path: Path) -> types.ModuleType:
        folder = str(path.parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        spec = importlib.util.spec_from_file_location(name, path)
        source = importlib.util.module_from_spec(spec)
        sys.modules[name] = source
        spec.loader.exec_module(source)
        return source

    def open_panel(self, loaded: LoadedModule, width_px: int = 420, height_px: int = 700) -> Any:
        """Make, show and enter a module's panel; the Python object is also ``slicer.modules.<Name>Widget``."""
        container = self.slicer.qSlicerScriptedLoadableModuleWidget()
        container.setLayout(self.qt.QVBoxLayout())
        container.setMRMLScene(self.scene)

        def make_panel() -> Any:
            panel = getattr(sys.modules[loaded.name], loaded.name + "Widget")(container)
            setattr(self.slicer.modules, loaded.name + "Widget", panel)
            return panel

        wrapper.raw_object(container).make_panel = make_panel
        loaded.container = container
        self._open.append(loaded)
        container.reload()
        container.resize(width_px, height_px)
        container.show()
        container.enter()
        return loaded.panel

    def reload_module(self, loaded: LoadedModule) -> Any:
        """Press the Reload button; returns the new panel object."""
        loaded.panel.onReload()
        return loaded.panel

    def close_panel(self, loaded: LoadedModule) -> None:
        """Leave a module and unload its panel, as the application does when it quits."""
        self._open.remove(loaded)
        container, loaded.container = loaded.container, None
        if container.isEntered:
            container.exit()
        self._raw_application.moduleManager().moduleAboutToBeUnloaded.emit(loaded.name)
        container.delete()

    def open_slice_view(self, name: str, size_px: tuple[int, int], volume_node: Any) -> SliceView:
        """A window for the Red, Yellow or Green view, fitted to a volume; see `slice_rendering`."""
        logic = self._setup.slice_logics[name]
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume_node.GetID())
        view = open_slice_view(self._core, logic, self._setup.application_logic, size_px)
        logic.FitSliceToBackground()
        logic.SnapSliceOffsetToIJK()
        return view

    def close_scene(self) -> None:
        """File / Close scene."""
        self.scene.Clear(0)

    def process_events(self, until: Callable[[], bool] | None = None, timeout_s: float = 10.0) -> None:
        """Run Qt's event loop once, or until a condition holds.

        Raises:
            TimeoutError: the condition did not hold in time.
        """
        deadline = time.monotonic() + timeout_s
        self._raw_application.processEvents()
        self._raw_application.sendPostedEvents(None, 52)  # QEvent::DeferredDelete: no event loop runs that would
        while until is not None and not until():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout_s} s in vain for {getattr(until, '__name__', until)}")
            time.sleep(0.005)
            self._raw_application.processEvents()


@lru_cache(maxsize=1)
def the_host() -> SlicerHost:
    """The one stand-in of the process; Qt allows one application."""
    return SlicerHost()
