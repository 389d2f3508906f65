"""Slicer's Segment Editor inside the page Review, with an editor node of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

EDITOR_TAG = "PediatricAbdomenSegEditor"


class EmbeddedEditor:
    """Opens segments in a qMRMLSegmentEditorWidget and lets go of them when the module or the scene closes.

    Args:
        widget: the qMRMLSegmentEditorWidget.
        scene: the MRML scene; the editor's node is a singleton of it, apart from that of Slicer's own module.
        on_segment: receives segmentation node and segment ID when the user chooses a segment in the editor.
    """

    def __init__(self, widget: Any, scene: Any, on_segment: Callable[[Any, str], None]) -> None:
        self.widget = widget
        self._scene = scene
        self._on_segment = on_segment
        self._is_in_use = False
        self._is_opening = False
        widget.connect("currentSegmentIDChanged(QString)", self._take_segment)

    def enter(self) -> None:
        """Take the editor into use: from now on its keyboard shortcuts work and its tools paint in the views."""
        if self._is_in_use:
            return
        self._is_in_use = True
        self.widget.setMRMLSegmentEditorNode(self._node())
        self.widget.setupViewObservations()
        self.widget.installKeyboardShortcuts()

    def exit(self) -> None:
        """Put tools down, so that nothing paints any more and no key reaches the editor; harmless when not in use."""
        if not self._is_in_use:
            return
        self._is_in_use = False
        if self.widget.mrmlSegmentEditorNode() is not None:
            self.widget.setActiveEffectByName("")
        self.widget.uninstallKeyboardShortcuts()
        self.widget.removeViewObservations()

    def open(self, segmentation_node: Any, volume_node: Any, segment_id: str) -> None:
        """Edit one segment on a volume.

        What is painted over another segment stays the other's as well, until the user chooses otherwise under Masking.
        """
        node = self._node()
        if not self.is_on(segmentation_node):
            # By default, also after a scene was closed, Slicer takes it from the other. Organs at risk are contoured
            # each by itself: correcting one must not change another, which may have been accepted already.
            node.SetOverwriteMode(node.OverwriteNone)
        self._is_opening = True  # another segmentation begins with its first segment, which nobody has chosen
        try:
            self.widget.setMRMLSegmentEditorNode(node)
            self.widget.setSegmentationNode(segmentation_node)
            self.widget.setSourceVolumeNode(volume_node)
            self.widget.setCurrentSegmentID(segment_id)
        finally:
            self._is_opening = False

    def follow(self, segmentation_node: Any, volume_node: Any, segment_id: str) -> None:
        """Edit another segment if the editor is in use, or at work on that segmentation."""
        is_on = self.is_on(segmentation_node)
        if (is_on and self.widget.currentSegmentID() != segment_id) or (self._is_in_use and not is_on):
            self.open(segmentation_node, volume_node, segment_id)

    def is_on(self, segmentation_node: Any) -> bool:
        """Whether this segmentation is the one being edited."""
        return segmentation_node is not None and self.widget.segmentationNode() == segmentation_node

    def remember(self, segmentation_node: Any) -> None:
        """Something else is about to change the segments: the editor's own undo must not lose it."""
        if self.is_on(segmentation_node):
            self.widget.saveStateForUndo()

    def forget_nodes(self) -> None:
        """Let go of every node; the scene is about to close."""
        if self.widget.mrmlSegmentEditorNode() is None:
            return
        self._is_opening = True
        try:
            self.widget.setActiveEffectByName("")
            self.widget.setSegmentationNode(None)
            self.widget.setSourceVolumeNode(None)
            self.widget.setMRMLSegmentEditorNode(None)
        finally:
            self._is_opening = False

    def _take_segment(self, segment_id: str) -> None:
        """The user has chosen a segment in the editor's own list, or by its keys."""
        if not self._is_opening and segment_id:
            self._on_segment(self.widget.segmentationNode(), segment_id)

    def _node(self) -> Any:
        node = self._scene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = self._scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)  # CreateNodeByClass hands over a reference that the scene's own replaces
            node.SetSingletonTag(EDITOR_TAG)
            node = self._scene.AddNode(node)
        return node
