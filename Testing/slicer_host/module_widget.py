"""The widget in which the application shows a scripted module's panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal, Slot


class qSlicerScriptedLoadableModuleWidget(QtWidgets.QWidget):
    """Parent of the panel; makes the panel's Python object, again after a reload.

    Attributes:
        make_panel: makes and sets up the Python object in this widget; set by the host.
        panel: that object.
    """

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self.make_panel: Callable[[], Any] | None = None
        self.panel: Any = None
        self._entered = False

    @Slot("PyObject")
    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)

    def self(self) -> Any:
        return self.panel

    def reload(self) -> None:
        self.panel = self.make_panel()
        self.panel.setup()
        if self._entered:
            self.enter()

    def enter(self) -> None:
        self._entered = True
        if hasattr(self.panel, "enter"):
            self.panel.enter()

    def exit(self) -> None:
        self._entered = False
        if hasattr(self.panel, "exit"):
            self.panel.exit()

    isEntered = Property(bool, lambda self: self._entered)
