"""What a class of Qt offers to Python: the inventory's word where there is one, PySide6's otherwise."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore

from slicer_host.inventory import Members, inventory


def attribute_of(raw: Any, name: str) -> Any:
    """``raw.name``, where ``exec_`` and ``raise_`` find what Python keywords hide."""
    for candidate in (name, name.removesuffix("_"), name + "_"):
        if hasattr(raw, candidate):
            return getattr(raw, candidate)
    owner = raw if isinstance(raw, type) else type(raw)
    raise AttributeError(f"{owner.__name__} has {name} in Slicer, but neither PySide6 nor the stand-in has it")


def known_members(class_name: str) -> Members | None:
    """The inventory's members of a class; ``None`` where there is no inventory or it does not describe the class."""
    names = inventory()
    return None if names is None else names.members(class_name)


def refuse_unknown(class_name: str, name: str) -> None:
    """Raise AttributeError for a name that real Slicer does not offer to Python."""
    members = known_members(class_name)
    if members is not None and name not in members:
        raise AttributeError(f"{class_name} has no attribute named '{name}' in Slicer")


def qt_class_name(raw: Any) -> str:
    """The name of the C++ class, also for instances of Python subclasses."""
    if not isinstance(raw, QtCore.QObject):
        return type(raw).__name__
    names = inventory()
    meta = raw.metaObject()
    while names is not None and names.members(meta.className()) is None and meta.superClass() is not None:
        meta = meta.superClass()
    return meta.className()
