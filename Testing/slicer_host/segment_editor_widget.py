"""Stand-in of Slicer's Segment Editor widget: its nodes, the list of segments and undo; it paints nothing."""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Property, Signal, Slot

from slicer_host.mrml_widgets import SceneObserver, qMRMLWidget

_FLAGS: dict[str, bool | int] = {
    "segmentationNodeSelectorVisible": True,
    "sourceVolumeNodeSelectorVisible": True,
    "maskingSectionVisible": True,
    "specifyGeometryButtonVisible": True,
    "show3DButtonVisible": True,
    "addRemoveSegmentButtonsVisible": True,
    "switchToSegmentationsButtonVisible": True,
    "autoShowSourceVolumeNode": True,
    "unorderedEffectsVisible": True,
    "jumpToSelectedSegmentEnabled": False,
    "undoEnabled": True,
    "readOnly": False,
    "maximumNumberOfUndoStates": 10,
    "effectColumnCount": 2,
}
EFFECTS = (
    "Threshold",
    "Paint",
    "Draw",
    "Erase",
    "Level tracing",
    "Grow from seeds",
    "Smoothing",
    "Scissors",
    "Islands",
)


def _flag(name: str) -> Property:
    """A property that is only remembered."""
    return Property(type(_FLAGS[name]), lambda self: self._flags[name], lambda self, value: self._set_flag(name, value))


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Edits one segmentation on one volume; the editor node says which and which segment is chosen."""

    currentSegmentIDChanged = Signal(str)
    sourceVolumeNodeChanged = Signal(object)
    segmentationNodeChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None):
        super().__init__(parent)
        self._node = None
        self._observer = SceneObserver()
        self._flags = dict(_FLAGS)
        self._undo_states: list[Any] = []
        self._active_effect = ""
        self._effect_order = list(EFFECTS)
        self._announced = ("", "", "")
        self._segments = QtWidgets.QListWidget(self)
        self._effects = QtWidgets.QGridLayout()
        self.shortcuts_installed = False
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._segments)
        layout.addLayout(self._effects)
        self._place_effects()
        self._segments.currentRowChanged.connect(self._row_chosen)
        self.destroyed.connect(self._observer.clear)

    def _place_effects(self) -> None:
        columns = max(1, self._flags["effectColumnCount"])
        for index, name in enumerate(EFFECTS):
            found = self.findChild(QtWidgets.QToolButton, name)
            button = found or QtWidgets.QToolButton(self)
            button.setObjectName(name)
            button.setText(name)
            button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
            self._effects.addWidget(button, index // columns, index % columns)

    # the editor node

    @Slot("PyObject")
    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._observer.clear()
        self._node = node
        if node is not None:
            self._observer.observe(node, "ModifiedEvent", lambda *_: self.updateWidgetFromMRML())
        self.updateWidgetFromMRML()

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    @Slot()
    def updateWidgetFromMRML(self) -> None:
        segmentation, volume, segment = self.segmentationNode(), self.sourceVolumeNode(), self.currentSegmentID()
        self._list_segments(segmentation, segment)
        before, after = self._announced, (self.segmentationNodeID(), self.sourceVolumeNodeID(), segment)
        self._announced = after
        if before[0] != after[0]:
            self._undo_states = []
            self.segmentationNodeChanged.emit(segmentation)
        if before[1] != after[1]:
            self.sourceVolumeNodeChanged.emit(volume)
        if before[2] != after[2]:
            self.currentSegmentIDChanged.emit(segment)

    def _list_segments(self, segmentation: Any, chosen: str) -> None:
        blocked = self._segments.blockSignals(True)
        self._segments.clear()
        if segmentation is not None:
            ids = segmentation.GetSegmentation().GetSegmentIDs()
            for row, segment_id in enumerate(ids):
                self._segments.addItem(segmentation.GetSegmentation().GetSegment(segment_id).GetName())
                if segment_id == chosen:
                    self._segments.setCurrentRow(row)
        self._segments.blockSignals(blocked)

    def _row_chosen(self, row: int) -> None:
        if row >= 0:
            self.setCurrentSegmentID(self.segmentationNode().GetSegmentation().GetNthSegmentID(row))

    def _require_node(self) -> Any:
        if self._node is None:
            raise RuntimeError("qMRMLSegmentEditorWidget: setMRMLSegmentEditorNode() comes first")
        return self._node

    @Slot("PyObject")
    def setSegmentationNode(self, node: Any) -> None:
        editor = self._require_node()
        editor.SetAndObserveSegmentationNode(node)
        segmentation = None if node is None else node.GetSegmentation()
        first = (
            "" if segmentation is None or not segmentation.GetNumberOfSegments() else segmentation.GetNthSegmentID(0)
        )
        editor.SetSelectedSegmentID(first)

    @Slot("PyObject")
    def setSourceVolumeNode(self, node: Any) -> None:
        self._require_node().SetAndObserveSourceVolumeNode(node)

    @Slot(str)
    def setCurrentSegmentID(self, segment_id: str) -> None:
        self._require_node().SetSelectedSegmentID(segment_id)

    def segmentationNode(self) -> Any:
        return None if self._node is None else self._node.GetSegmentationNode()

    def sourceVolumeNode(self) -> Any:
        return None if self._node is None else self._node.GetSourceVolumeNode()

    def segmentationNodeID(self) -> str:
        return "" if self.segmentationNode() is None else self.segmentationNode().GetID()

    def sourceVolumeNodeID(self) -> str:
        return "" if self.sourceVolumeNode() is None else self.sourceVolumeNode().GetID()

    def currentSegmentID(self) -> str:
        return "" if self._node is None else self._node.GetSelectedSegmentID() or ""

    @Slot(int)
    def selectSegmentAtOffset(self, offset: int) -> None:
        count = self._segments.count()
        if count:
            self._segments.setCurrentRow((self._segments.currentRow() + offset) % count)

    @Slot()
    def selectNextSegment(self) -> None:
        self.selectSegmentAtOffset(1)

    @Slot()
    def selectPreviousSegment(self) -> None:
        self.selectSegmentAtOffset(-1)

    # effects, undo

    @Slot(str)
    def setActiveEffectByName(self, name: str) -> None:
        self._active_effect = name if name in EFFECTS else ""

    @property
    def active_effect_name(self) -> str:
        """The active effect, for tests; the real widget returns an effect object from ``activeEffect()``."""
        return self._active_effect

    def availableEffectNames(self) -> list[str]:
        return list(EFFECTS)

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._effect_order = list(names)

    def effectNameOrder(self) -> list[str]:
        return self._effect_order

    @Slot()
    def saveStateForUndo(self) -> None:
        segmentation = self.segmentationNode()
        if segmentation is not None and self._flags["undoEnabled"]:
            state = segmentation.GetSegmentation().NewInstance()
            state.DeepCopy(segmentation.GetSegmentation())
            self._undo_states = [*self._undo_states, state][-self._flags["maximumNumberOfUndoStates"] :]

    @Slot()
    def undo(self) -> None:
        if self._undo_states:
            self.segmentationNode().GetSegmentation().DeepCopy(self._undo_states.pop())
            self.updateWidgetFromMRML()

    @Slot()
    def installKeyboardShortcuts(self) -> None:
        self.shortcuts_installed = True

    @Slot()
    def uninstallKeyboardShortcuts(self) -> None:
        self.shortcuts_installed = False

    def setupViewObservations(self) -> None:
        """Nothing to observe: the stand-in has no views."""

    def removeViewObservations(self) -> None:
        """Nothing was observed."""

    def _set_flag(self, name: str, value: Any) -> None:
        self._flags[name] = value
        if name == "effectColumnCount":
            self._place_effects()

    segmentationNodeSelectorVisible = _flag("segmentationNodeSelectorVisible")
    sourceVolumeNodeSelectorVisible = _flag("sourceVolumeNodeSelectorVisible")
    maskingSectionVisible = _flag("maskingSectionVisible")
    specifyGeometryButtonVisible = _flag("specifyGeometryButtonVisible")
    show3DButtonVisible = _flag("show3DButtonVisible")
    addRemoveSegmentButtonsVisible = _flag("addRemoveSegmentButtonsVisible")
    switchToSegmentationsButtonVisible = _flag("switchToSegmentationsButtonVisible")
    autoShowSourceVolumeNode = _flag("autoShowSourceVolumeNode")
    unorderedEffectsVisible = _flag("unorderedEffectsVisible")
    jumpToSelectedSegmentEnabled = _flag("jumpToSelectedSegmentEnabled")
    undoEnabled = _flag("undoEnabled")
    readOnly = _flag("readOnly")
    maximumNumberOfUndoStates = _flag("maximumNumberOfUndoStates")
    effectColumnCount = _flag("effectColumnCount")


def _setter(name: str) -> Any:
    return lambda self, value: self._set_flag(name, value)


for _name in _FLAGS:
    setattr(qMRMLSegmentEditorWidget, f"set{_name[0].upper()}{_name[1:]}", _setter(_name))
