"""``slicer.parameterNodeWrapper``: typed parameters kept in a MRML node and connected to widgets.

What a module needs of the real one: bool, int, float, str, Path, Enum and MRML node parameters and lists of the plain
types, defaults, the validators below, ``connectGui`` through the dynamic property ``SlicerParameterName``.
"""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer_host.gui_connectors import connector_for

PROPERTY_NAME = "SlicerParameterName"
_RESERVED = {
    *("allParameters", "default", "isCached", "dataType", "getValue", "setValue"),
    *("connectGui", "connectParametersToGui", "disconnectGui"),
    *("StartModify", "EndModify", "AddObserver", "RemoveObserver", "Modified"),
}


@dataclass(frozen=True)
class Default:
    value: Any


@dataclass(frozen=True)
class Choice:
    choices: list

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Must be one of {self.choices}, got {value!r}")


@dataclass(frozen=True)
class Minimum:
    minimum: float

    def validate(self, value: float) -> None:
        if value < self.minimum:
            raise ValueError(f"Must be at least {self.minimum}, got {value}")


@dataclass(frozen=True)
class Maximum:
    maximum: float

    def validate(self, value: float) -> None:
        if value > self.maximum:
            raise ValueError(f"Must be at most {self.maximum}, got {value}")


@dataclass(frozen=True)
class WithinRange:
    minimum: float
    maximum: float

    def validate(self, value: float) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Must be within [{self.minimum}, {self.maximum}], got {value}")


@dataclass(frozen=True)
class Parameter:
    """One annotated attribute of a wrapper class."""

    name: str
    kind: Any
    default: Any
    annotations: tuple[Any, ...]

    @property
    def is_node(self) -> bool:
        return isinstance(self.kind, type) and hasattr(self.kind, "GetNodeTagName")

    def validate(self, value: Any) -> None:
        """Raise for a value that the real wrapper refuses to store: TypeError by type, ValueError by validator."""
        container = typing.get_origin(self.kind) or self.kind
        accepted = (int, float) if container is float else container
        if value is None and self.is_node:
            return
        if not isinstance(value, accepted) or (container is int and isinstance(value, bool)):
            raise TypeError(f"{self.name}: expected {self.kind}, got {type(value).__name__}")
        for annotation in self.annotations:
            if hasattr(annotation, "validate"):
                annotation.validate(value)

    def write(self, node: Any, value: Any) -> None:
        self.validate(value)
        if self.is_node:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, None if value is None else value.GetID())
        else:
            node.SetParameter(self.name, self._to_text(value))

    def _to_text(self, value: Any) -> str:
        if isinstance(value, enum.Enum):
            return value.name
        if isinstance(value, list | tuple | dict):
            return json.dumps(value)
        return str(value)

    def read(self, node: Any) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        container = typing.get_origin(self.kind) or self.kind
        if container is bool:
            return text == "True"
        if container in (list, tuple, dict):
            return container(json.loads(text))
        if issubclass(container, enum.Enum):
            return container[text]
        return container(text)


def _default_of(kind: Any) -> Any:
    container = typing.get_origin(kind) or kind
    if isinstance(container, type) and issubclass(container, enum.Enum):
        return next(iter(container))
    plain = (bool, int, float, str, list, tuple, dict, Path)
    return container() if container in plain else None


def _parameter(cls: type, name: str, hint: Any) -> Parameter:
    kind, *annotations = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    annotated = [each.value for each in annotations if isinstance(each, Default)]
    default = getattr(cls, name, annotated[0] if annotated else _default_of(kind))
    kept = tuple(each for each in annotations if not isinstance(each, Default))
    return Parameter(name, kind, default, kept)


class ParameterNodeWrapper:
    """The methods that the decorator adds to a class."""

    allParameters: dict[str, Parameter]

    def __init__(self, parameter_node: Any):
        self.parameterNode = parameter_node
        self._connections: dict[int, dict[str, Any]] = {}
        self._next_tag = 0
        self._updating_gui = False
        for parameter in self.allParameters.values():
            if not parameter_node.HasParameter(parameter.name):
                parameter.write(parameter_node, parameter.default)

    def getValue(self, name: str) -> Any:
        return self._parameter(name).read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        self._parameter(name).write(self.parameterNode, value)

    def default(self, name: str) -> Default:
        return Default(self._parameter(name).default)

    def _parameter(self, name: str) -> Parameter:
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}; there are {[*self.allParameters]}")
        return self.allParameters[name]

    def connectGui(self, gui: Any) -> int:
        import qt

        widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "isWidgetType") else gui.__dict__.values()
        named = {widget.property(PROPERTY_NAME): widget for widget in widgets if widget.property(PROPERTY_NAME)}
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        connectors = {
            name: connector_for(widget, self._parameter(name).kind, self._parameter(name).annotations)
            for name, widget in mapping.items()
        }
        tag = self._next_tag
        self._next_tag += 1
        self._connections[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.connect(self._store(name, connector))
        self.AddObserver("ModifiedEvent", lambda *_: self._show_values())
        return tag

    def _store(self, name: str, connector: Any) -> Callable[[], None]:
        def store() -> None:
            if not self._updating_gui:
                self.setValue(name, connector.read())

        return store

    def _show_values(self) -> None:
        if self._updating_gui:
            return
        self._updating_gui = True
        try:
            for connectors in self._connections.values():
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            self._updating_gui = False

    def disconnectGui(self, tag: int) -> None:
        for connector in self._connections.pop(tag, {}).values():
            connector.disconnect()

    def StartModify(self) -> bool:
        return self.parameterNode.StartModify()

    def EndModify(self, was_modifying: bool) -> None:
        self.parameterNode.EndModify(was_modifying)

    def AddObserver(self, event: Any, callback: Callable, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def parameterNodeWrapper(cls: type) -> type:
    """The class decorator of the same name."""
    hints = typing.get_type_hints(cls, include_extras=True)
    reserved = _RESERVED & {*vars(cls), *hints}
    if reserved:
        raise ValueError(f"Cannot use reserved names {sorted(reserved)} in a parameterNodeWrapper")
    parameters = {name: _parameter(cls, name, hint) for name, hint in hints.items()}
    namespace: dict[str, Any] = {"allParameters": parameters, "__doc__": cls.__doc__, "__module__": cls.__module__}
    for name in parameters:
        namespace[name] = property(
            lambda self, name=name: self.getValue(name), lambda self, value, name=name: self.setValue(name, value)
        )
    own = {name: value for name, value in vars(cls).items() if name not in namespace and not name.startswith("__")}
    return type(cls.__name__, (ParameterNodeWrapper,), {**own, **namespace})
