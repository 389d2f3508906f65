"""Slicer's Segment Editor inside the page Review, with an editor node of its own."""

from __future__ import annotations

from typing import Any

EDITOR_TAG = "PediatricAbdomenSegEditor"


class EmbeddedEditor:
    """Opens segments in a qMRMLSegmentEditorWidget and lets go of them when the module or the scene closes.

    Args:
        widget: the qMRMLSegmentEditorWidget.
        scene: the MRML scene; the editor's node is a singleton of it, apart from that of Slicer's own module.
    """

    def __init__(self, widget: Any, scene: Any) -> None:
        self.widget = widget
        self._scene = scene

    def enter(self) -> None:
        """Take the editor into use; keyboard shortcuts work while the module is open."""
        self.widget.setMRMLSegmentEditorNode(self._node())
        self.widget.setupViewObservations()
        self.widget.installKeyboardShortcuts()

    def exit(self) -> None:
        """Put tools down, so that nothing paints any more; harmless when nothing was entered."""
        if self.widget.mrmlSegmentEditorNode() is None:
            return
        self.widget.setActiveEffectByName("")
        self.widget.uninstallKeyboardShortcuts()
        self.widget.removeViewObservations()

    def open(self, segmentation_node: Any, volume_node: Any, segment_id: str) -> None:
        """Edit one segment on a volume."""
        self.widget.setMRMLSegmentEditorNode(self._node())
        self.widget.setSegmentationNode(segmentation_node)
        self.widget.setSourceVolumeNode(volume_node)
        self.widget.setCurrentSegmentID(segment_id)

    def follow(self, segmentation_node: Any, volume_node: Any, segment_id: str) -> None:
        """Select another segment if the editor is at work on that segmentation."""
        if segmentation_node is not None and self.widget.segmentationNode() == segmentation_node:
            self.open(segmentation_node, volume_node, segment_id)

    def forget_nodes(self) -> None:
        """Let go of every node; the scene is about to close."""
        if self.widget.mrmlSegmentEditorNode() is None:
            return
        self.widget.setActiveEffectByName("")
        self.widget.setSegmentationNode(None)
        self.widget.setSourceVolumeNode(None)
        self.widget.setMRMLSegmentEditorNode(None)

    def _node(self) -> Any:
        node = self._scene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = self._scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)  # CreateNodeByClass hands over a reference that the scene's own replaces
            node.SetSingletonTag(EDITOR_TAG)
            node = self._scene.AddNode(node)
        return node
