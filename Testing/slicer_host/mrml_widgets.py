"""Stand-ins of the MRML widgets that the panel's .ui files use, over a real MRML scene."""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal, Slot

_SCENE_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndCloseEvent", "EndBatchProcessEvent", "EndImportEvent")


class SceneObserver:
    """Observers of a scene or node that end with the widget that wants them."""

    def __init__(self) -> None:
        self._observed: list[tuple[Any, int]] = []

    def observe(self, subject: Any, event: Any, callback: Any) -> None:
        self._observed.append((subject, subject.AddObserver(event, callback)))

    def clear(self) -> None:
        for subject, tag in self._observed:
            subject.RemoveObserver(tag)
        self._observed = []


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that knows the scene and tells its children when it is set."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._scene = None

    @Slot("PyObject")
    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene


def _flag(kind: type | str, name: str) -> Property:
    """A property that is only remembered; the list of nodes is made again when it changes."""
    return Property(kind, lambda self: self._flags[name], lambda self, value: self._set(name, value))


class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Chooses a node of certain classes; follows the scene."""

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    currentNodeRenamed = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._scene = None
        self._observer = SceneObserver()
        self._nodes: list[Any] = []
        self._attributes: list[tuple[str, str, Any]] = []
        self._flags: dict[str, Any] = {
            "nodeTypes": [],
            "hideChildNodeTypes": [],
            "showChildNodeTypes": True,
            "showHidden": False,
            "noneEnabled": False,
            "addEnabled": True,
            "removeEnabled": True,
            "editEnabled": False,
            "renameEnabled": False,
            "selectNodeUponCreation": True,
            "noneDisplay": "None",
            "baseName": "",
        }
        self._announced: str = ""
        self._combo = QtWidgets.QComboBox(self)
        self._combo.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._combo.setEnabled(False)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._combo.currentIndexChanged.connect(lambda _: self._announce())
        self._combo.activated.connect(lambda _: self.nodeActivated.emit(self.currentNode()))
        self.destroyed.connect(self._observer.clear)

    @Slot("PyObject")
    def setMRMLScene(self, scene: Any) -> None:
        self._observer.clear()
        self._scene = scene
        self._combo.setEnabled(scene is not None)
        if scene is not None:
            for event in _SCENE_EVENTS:
                self._observer.observe(scene, getattr(scene, event), lambda *_: self._refresh())
        self._refresh()

    def mrmlScene(self) -> Any:
        return self._scene

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes.append((node_type, name, value))
        self._refresh()

    def _shows(self, node: Any) -> bool:
        classes = self._flags["nodeTypes"]
        exact = not self._flags["showChildNodeTypes"]
        fits = any(node.GetClassName() == name if exact else node.IsA(name) for name in classes)
        hidden = node.GetHideFromEditors() and not self._flags["showHidden"]
        excluded = any(node.IsA(name) for name in self._flags["hideChildNodeTypes"])
        wanted = [(name, value) for node_type, name, value in self._attributes if node.IsA(node_type)]
        has_attributes = all(
            node.GetAttribute(name) is not None and value in (None, node.GetAttribute(name)) for name, value in wanted
        )
        return fits and not hidden and not excluded and has_attributes

    def _refresh(self) -> None:
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        current = self.currentNodeID_()
        every = (
            [] if self._scene is None else [self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes())]
        )
        self._nodes = ([None] if self._flags["noneEnabled"] else []) + [node for node in every if self._shows(node)]
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        for node in self._nodes:
            self._combo.addItem(self._flags["noneDisplay"] if node is None else node.GetName())
        self._combo.blockSignals(blocked)
        ids = [None if node is None else node.GetID() for node in self._nodes]
        if current in ids:
            self._combo.setCurrentIndex(ids.index(current))
        self._announce()

    def _announce(self) -> None:
        node = self.currentNode()
        identifier = "" if node is None else node.GetID()
        if identifier == self._announced:
            return
        self._announced = identifier
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(identifier)

    def currentNode(self) -> Any:
        index = self._combo.currentIndex()
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def currentNodeID_(self) -> str | None:
        index = self._combo.currentIndex()
        node = self._nodes[index] if 0 <= index < len(self._nodes) else None
        return None if node is None else node.GetID()

    @Slot("PyObject")
    def setCurrentNode(self, node: Any) -> None:
        identifier = node if isinstance(node, str) or node is None else node.GetID()
        self._refresh()
        ids = [None if each is None else each.GetID() for each in self._nodes]
        self._combo.setCurrentIndex(ids.index(identifier) if identifier in ids else -1)

    @Slot(str)
    def setCurrentNodeID(self, identifier: str) -> None:
        self.setCurrentNode(identifier or None)

    def nodeCount(self) -> int:
        return len([node for node in self._nodes if node is not None])

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index]

    def _set(self, name: str, value: Any) -> None:
        self._flags[name] = value
        self._refresh()

    currentNodeID = Property(
        str, lambda self: self.currentNodeID_() or "", setCurrentNodeID, notify=currentNodeIDChanged
    )
    currentNodeId = Property(str, lambda self: self.currentNodeID_() or "", setCurrentNodeID)
    sizeAdjustPolicy = Property(
        int,
        lambda self: self._combo.sizeAdjustPolicy().value,
        lambda self, value: self._combo.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy(value)),
    )
    nodeTypes = _flag("QStringList", "nodeTypes")
    hideChildNodeTypes = _flag("QStringList", "hideChildNodeTypes")
    showChildNodeTypes = _flag(bool, "showChildNodeTypes")
    showHidden = _flag(bool, "showHidden")
    noneEnabled = _flag(bool, "noneEnabled")
    addEnabled = _flag(bool, "addEnabled")
    removeEnabled = _flag(bool, "removeEnabled")
    editEnabled = _flag(bool, "editEnabled")
    renameEnabled = _flag(bool, "renameEnabled")
    selectNodeUponCreation = _flag(bool, "selectNodeUponCreation")
    noneDisplay = _flag(str, "noneDisplay")
    baseName = _flag(str, "baseName")
