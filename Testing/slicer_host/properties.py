"""Qt properties as attributes: read and written through the meta-object."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore

# PySide6's singleShot property hides the static method that PythonQt finds under the name.
_NOT_AS_ATTRIBUTE = {"singleShot"}
_ALIASES = {"name": "objectName"}


def exists(raw: QtCore.QObject, name: str) -> bool:
    """Whether a declared (not dynamic) property of that name exists."""
    return name not in _NOT_AS_ATTRIBUTE and raw.metaObject().indexOfProperty(_ALIASES.get(name, name)) >= 0


def dynamic_names(raw: QtCore.QObject) -> set[str]:
    """The names of the properties that were set on this object only."""
    return {bytes(name.data()).decode() for name in raw.dynamicPropertyNames()}


def read(raw: QtCore.QObject, name: str) -> Any:
    """A property's value, or ``None`` where there is none."""
    name = _ALIASES.get(name, name)
    try:
        return raw.property(name)
    except RuntimeError:
        # PySide6 has no converter for some enums; their getters return them all the same.
        return getattr(raw, name)()


def write(raw: QtCore.QObject, name: str, value: Any, writable: bool) -> None:
    """Set a property as PythonQt does: anything becomes a str for a str property.

    Raises:
        AttributeError: read-only, or the value does not fit.
    """
    name = _ALIASES.get(name, name)
    meta_property = raw.metaObject().property(raw.metaObject().indexOfProperty(name))
    owner = raw.metaObject().className()
    if not (writable and meta_property.isWritable()):
        raise AttributeError(f"Property '{name}' of {owner} object is not writable")
    if meta_property.typeName() == "QString" and not isinstance(value, str):
        value = str(value)
    try:
        accepted = raw.setProperty(name, value)
    except (TypeError, RuntimeError):
        accepted = False
    if not accepted:
        raise AttributeError(
            f"Property '{name}' of type '{meta_property.typeName()}' does not accept an object of type "
            f"{type(value).__name__} ({value!r})"
        )
