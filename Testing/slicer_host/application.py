"""``slicer.app``, its layout manager and module manager: the part of the application that a panel touches."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property, Signal

SLICE_VIEWS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}


class qMRMLSliceWidget(QtWidgets.QWidget):
    """One slice view: its nodes and logic, no picture."""

    def __init__(self, logic: Any):
        super().__init__()
        self._logic = logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceLogic(self) -> Any:
        return self._logic

    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()


class qSlicerLayoutManager(QtCore.QObject):
    """The slice views of the scene."""

    def __init__(self, parent: QtCore.QObject):
        super().__init__(parent)
        self._widgets: dict[str, qMRMLSliceWidget] = {}
        self._logics: Any = None

    def show_views_of(self, logics: dict[str, Any], collection: Any) -> None:
        """Take the slice logics of a new scene."""
        self._widgets = {name: qMRMLSliceWidget(logic) for name, logic in logics.items()}
        self._logics = collection

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self._widgets)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        return self._logics

    threeDViewCount = Property(int, lambda _: 0)


class qSlicerModuleManager(QtCore.QObject):
    """The loaded modules by name."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self, parent: QtCore.QObject):
        super().__init__(parent)
        self.loaded: dict[str, Any] = {}

    def module(self, name: str) -> Any:
        return self.loaded.get(name)

    def modulesNames(self) -> tuple[str, ...]:
        return tuple(self.loaded)


class qSlicerApplication(QtWidgets.QApplication):
    """The application object; there is one in a process."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)

    def __init__(self) -> None:
        super().__init__([sys.argv[0]])
        self.setQuitOnLastWindowClosed(False)
        self.setOrganizationName("NA-MIC")
        self.setApplicationName("Slicer")
        self.setApplicationVersion("5.12.0")
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        ini = QtCore.QSettings.Format.IniFormat
        QtCore.QSettings.setDefaultFormat(ini)
        QtCore.QSettings.setPath(ini, QtCore.QSettings.Scope.UserScope, self._folder.name)
        self._settings = QtCore.QSettings()
        self._layout_manager = qSlicerLayoutManager(self)
        self._module_manager = qSlicerModuleManager(self)
        self.scene: Any = None
        self.logic: Any = None
        self.render_pauses = 0

    def settings(self) -> QtCore.QSettings:
        return self._settings

    userSettings = revisionUserSettings = settings

    def layoutManager(self) -> qSlicerLayoutManager:
        return self._layout_manager

    def moduleManager(self) -> qSlicerModuleManager:
        return self._module_manager

    def mrmlScene(self) -> Any:
        return self.scene

    def applicationLogic(self) -> Any:
        return self.logic

    def startupEnvironment(self) -> QtCore.QProcessEnvironment:
        return QtCore.QProcessEnvironment.systemEnvironment()

    environment = startupEnvironment

    @staticmethod
    def testingEnabled() -> bool:
        return False

    def pauseRender(self) -> None:
        self.render_pauses += 1

    def resumeRender(self) -> None:
        self.render_pauses -= 1

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"https://slicer.readthedocs.io/en/latest/user_guide/modules/{name.lower()}.html"

    @property
    def temporary_folder(self) -> str:
        """A folder that goes with the process."""
        path = Path(self._folder.name) / "tmp"
        path.mkdir(exist_ok=True)
        return str(path)

    temporaryPath = Property(str, lambda self: self.temporary_folder)
    cachePath = Property(str, lambda self: self.temporary_folder)
    slicerHome = Property(str, lambda self: str(Path(sys.prefix)))
    majorVersion = Property(int, lambda _: 5)
    minorVersion = Property(int, lambda _: 12)
    revision = Property(str, lambda _: "34000")
    slicerUserSettingsFilePath = Property(str, lambda self: self._settings.fileName())
    documentationBaseUrl = Property(str, lambda _: "https://slicer.readthedocs.io/en/latest/")


def the_application() -> qSlicerApplication:
    """The one application of the process; made on the first call."""
    running = QtWidgets.QApplication.instance()
    if running is None:
        return qSlicerApplication()
    if not isinstance(running, qSlicerApplication):
        raise RuntimeError("another QApplication runs in this process; the stand-in host needs its own")
    return running
