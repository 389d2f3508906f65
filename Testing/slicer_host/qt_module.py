"""The modules ``qt`` and ``ctk``: classes are made when somebody asks for them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets

from slicer_host.inventory import inventory
from slicer_host.wrapper import QtType, wrapper_class

_QT_PACKAGES = (QtCore, QtGui, QtWidgets, QtNetwork, QtUiTools)


class PythonQtModule(types.ModuleType):
    """A module of wrapper classes: ``qt`` over PySide6, ``ctk`` over the stand-ins.

    Args:
        name: ``qt`` or ``ctk``.
        classes: raw classes that come before PySide6's own.
        with_qt: whether PySide6's own classes are in the module.
    """

    def __init__(self, name: str, classes: Mapping[str, type], with_qt: bool):
        super().__init__(name)
        self.__path__ = []
        self._classes = dict(classes)
        self._with_qt = with_qt
        if with_qt:
            self.SIGNAL = lambda signature: "2" + signature
            self.SLOT = lambda signature: "1" + signature

    def __getattr__(self, name: str) -> QtType:
        if name.startswith("_"):
            raise AttributeError(name)
        names = inventory()
        if names is not None and not names.has_class(self.__name__, name):
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}' in Slicer")
        raw = self._raw_class(name)
        if raw is None:
            raise AttributeError(f"{self.__name__}.{name} exists in Slicer, but the stand-in has none")
        made = wrapper_class(raw)
        setattr(self, name, made)
        return made

    def _raw_class(self, name: str) -> Any:
        if name in self._classes:
            return self._classes[name]
        if self._with_qt:
            return next((getattr(package, name) for package in _QT_PACKAGES if hasattr(package, name)), None)
        return None
