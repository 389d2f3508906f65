"""Which widget shows which type of parameter, as in Slicer's parameterNodeWrapper."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any


@dataclass
class Connector:
    """Reads, writes and follows one widget."""

    signal: Any
    read: Callable[[], Any]
    write: Callable[[Any], None]
    _callback: Callable[[], None] | None = None

    def connect(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self.signal.connect(callback)

    def disconnect(self) -> None:
        if self._callback is not None:
            self.signal.disconnect(self._callback)
            self._callback = None


def connector_for(widget: Any, kind: Any, annotations: tuple[Any, ...]) -> Connector:
    """The connector of a widget for a type.

    Raises:
        RuntimeError: the pair is none that Slicer knows.
    """
    name = type(widget).__name__
    if kind is bool and name in ("QCheckBox", "QPushButton"):
        signal = widget.stateChanged if name == "QCheckBox" else widget.toggled
        return _of_property(widget, "checked", signal)
    if kind is int and name in ("QSlider", "QSpinBox"):
        _apply_range(widget, annotations)
        return _of_property(widget, "value", widget.valueChanged)
    if kind is float and name in ("QDoubleSpinBox", "ctkSliderWidget"):
        _apply_range(widget, annotations)
        return _of_property(widget, "value", widget.valueChanged)
    if name == "QComboBox" and isinstance(kind, type):
        return _of_combo_box(widget, kind, annotations)
    if kind is str and name == "QLineEdit":
        return _of_property(widget, "text", widget.textChanged)
    if kind is str and name == "QTextEdit":
        return Connector(widget.textChanged, widget.toPlainText, widget.setPlainText)
    if isinstance(kind, type) and issubclass(kind, PurePath) and name == "ctkPathLineEdit":
        return Connector(
            widget.currentPathChanged,
            lambda: kind(widget.currentPath),
            lambda value: setattr(widget, "currentPath", str(value)),
        )
    if name == "qMRMLNodeComboBox" and hasattr(kind, "GetNodeTagName"):
        widget.nodeTypes = [kind.__name__]
        return Connector(widget.currentNodeChanged, widget.currentNode, widget.setCurrentNode)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{kind}' to widget type '{name}'")


def _of_property(widget: Any, name: str, signal: Any) -> Connector:
    return Connector(signal, lambda: getattr(widget, name), lambda value: setattr(widget, name, value))


def _apply_range(widget: Any, annotations: tuple[Any, ...]) -> None:
    for annotation in annotations:
        for bound in ("minimum", "maximum"):
            if hasattr(annotation, bound):
                setattr(widget, bound, getattr(annotation, bound))


def _of_combo_box(widget: Any, kind: type, annotations: tuple[Any, ...]) -> Connector:
    if issubclass(kind, enum.Enum):
        label = getattr(kind, "label", lambda member: member.name)
        values, labels = list(kind), [label(member) for member in kind]
    else:
        choices = [each.choices for each in annotations if hasattr(each, "choices")]
        if not choices:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        values, labels = list(choices[0]), [str(choice) for choice in choices[0]]
    widget.clear()
    widget.addItems(labels)
    return Connector(
        widget.currentIndexChanged,
        lambda: values[widget.currentIndex],
        lambda value: setattr(widget, "currentIndex", values.index(value)),
    )
