"""QUiLoader as Slicer's: knows the CTK and MRML widgets, and connects the signals of a .ui file."""

from __future__ import annotations

import inspect
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

from PySide6 import QtCore, QtUiTools, QtWidgets

from slicer_host import signals
from slicer_host.inventory import inventory


class QUiLoader(QtUiTools.QUiLoader):
    """Loads .ui files; enums and connections of the stand-ins are set here because PySide6 cannot read them.

    Args:
        custom_classes: class name → stand-in.
    """

    custom_classes: Mapping[str, type] = {}

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        for stand_in in self.custom_classes.values():
            self.registerCustomWidget(stand_in)

    def load(self, device: QtCore.QIODevice, parent: QtWidgets.QWidget | None = None) -> QtWidgets.QWidget | None:
        text = bytes(device.readAll().data())
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            QtCore.qWarning(f"Designer: {error}")
            return None
        refuse_unknown_widgets(root)
        later = _take_enums_of_stand_ins(root, self.custom_classes)
        connections = _take_connections(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            return None
        for name, prop, value in later:
            _named(widget, name).setProperty(prop, value)
        for sender, signal, receiver, slot in connections:
            _connect(_named(widget, sender), signal, _named(widget, receiver), slot)
        return widget


def refuse_unknown_widgets(root: ElementTree.Element) -> None:
    """Raise ValueError for a widget class or property that real Slicer's Designer plugins lack."""
    names = inventory()
    if names is None:
        return
    for element in root.iter("widget"):
        class_name = element.get("class", "")
        members = names.members("QFrame" if class_name == "Line" else class_name)
        if members is None:
            raise ValueError(f"{element.get('name')}: no widget class {class_name} in Slicer")
        for prop in element.findall("property"):
            if prop.get("stdset") != "0" and prop.get("name") not in members.properties:
                raise ValueError(f"{element.get('name')}: {class_name} has no property {prop.get('name')}")


def _take_enums_of_stand_ins(root: ElementTree.Element, custom: Mapping[str, type]) -> list[tuple[str, str, int]]:
    taken = []
    for element in root.iter("widget"):
        stand_in = custom.get(element.get("class", ""))
        for prop in element.findall("property") if stand_in is not None else ():
            value = next((prop.find(kind) for kind in ("enum", "set") if prop.find(kind) is not None), None)
            # Not the class's staticMetaObject: PySide6 deletes it when a signal is first connected to a function.
            declared = inspect.getattr_static(stand_in, prop.get("name"), None)
            if value is not None and isinstance(declared, QtCore.Property):
                taken.append((element.get("name"), prop.get("name"), _enum_value(stand_in, value.text or "")))
                element.remove(prop)
    return taken


def _enum_value(stand_in: type, text: str) -> int:
    total = 0
    for each in text.split("|"):
        scope, _, name = each.strip().rpartition("::")
        owner = stand_in
        for candidate in (QtWidgets, QtCore):
            owner = getattr(candidate, scope.split("::")[0], owner)
        total |= int(getattr(getattr(owner, name), "value", getattr(owner, name)))
    return total


def _take_connections(root: ElementTree.Element) -> list[tuple[str, str, str, str]]:
    taken = []
    for group in root.findall("connections"):
        for element in group.findall("connection"):
            parts = [element.findtext(tag, "") for tag in ("sender", "signal", "receiver", "slot")]
            taken.append((parts[0], parts[1], parts[2], parts[3]))
        root.remove(group)
    return taken


def _named(widget: QtWidgets.QWidget, name: str) -> QtCore.QObject:
    found = widget if widget.objectName() == name else widget.findChild(QtCore.QObject, name)
    if found is None:
        raise ValueError(f"no widget named {name} in the .ui file")
    return found


def _connect(sender: QtCore.QObject, signal: str, receiver: QtCore.QObject, slot: str) -> None:
    """A connection between VTK types runs through Python: PySide6 passes both sides as ``PyObject``."""
    if not signals.connect_objects(sender, signal, receiver, slot):
        raise ValueError(f"cannot connect {sender.objectName()}.{signal} to {receiver.objectName()}.{slot}")
