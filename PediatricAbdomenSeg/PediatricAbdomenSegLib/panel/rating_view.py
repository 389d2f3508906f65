"""The case that is being scored, in the views: its nodes, the window of its CT, and what was corrected in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..scene import display
from ..scene.case_nodes import CaseNodes, remove_case, show_in_slice_views
from ..scene.organ_centre import centre_ras_mm
from ..scene.segment_arrays import segment_id_of_organ
from ..scene.window_presets import SOFT_TISSUE, apply_window
from .correction_count import CorrectionCount
from .slice_views import jump_to
from .toolkit import fit_slice_views


class CaseView:
    """At most one case at a time.

    Args:
        scene: the MRML scene.
        on_corrected: called after each correction.

    Attributes:
        nodes: of the case, None for none.
        corrections: made in it.
    """

    def __init__(self, scene: Any, on_corrected: Callable[[], None]) -> None:
        self._scene = scene
        self._window = SOFT_TISSUE
        self._is_ours = False
        self.nodes: CaseNodes | None = None
        self.corrections = CorrectionCount(on_corrected)

    @property
    def segmentation(self) -> Any | None:
        """The contours, None without a case."""
        return self.nodes.segmentation if self.nodes is not None else None

    @property
    def is_whole(self) -> bool:
        """Whether no node of the case was removed by somebody else."""
        nodes = () if self.nodes is None else (self.nodes.volume, self.nodes.segmentation)
        return all(self._scene.GetNodeByID(node.GetID() or "") is node for node in nodes)

    def show(self, nodes: CaseNodes, is_ours: bool) -> None:
        """Show a case in all views.

        Args:
            is_ours: it was loaded to be scored, and goes with `drop`.
        """
        self.nodes, self._is_ours = nodes, is_ours
        show_in_slice_views(self._scene, nodes.volume)
        fit_slice_views()
        apply_window(nodes.volume, self._window)
        self.corrections.follow(nodes.segmentation)

    def drop(self) -> None:
        """Take the case out of the scene; one that was corrected stays, hidden, because drawing is work."""
        nodes, self.nodes = self.nodes, None
        was_corrected = self.corrections.total > 0
        self.corrections.follow(None)
        if nodes is None or not self._is_ours:
            return
        if was_corrected and nodes.segmentation.GetScene() is not None:
            display.set_all_visible(nodes.segmentation, False)
        else:
            remove_case(self._scene, nodes)

    def segment_of(self, organ: str) -> str | None:
        """ID of an organ's segment, None when there is none."""
        return segment_id_of_organ(self.segmentation, organ) if self.segmentation is not None and organ else None

    def look_at(self, organ: str) -> bool:
        """Let all views jump to an organ's centre and outline only it; whether it has a contour."""
        segment_id = self.segment_of(organ)
        if segment_id is None:
            return False
        display.apply_preset(self.segmentation, display.SELECTED, segment_id)
        centre = centre_ras_mm(self.segmentation, segment_id)
        if centre is not None:
            jump_to(self._scene, centre)
        return centre is not None

    def show_all(self, is_shown: bool) -> None:
        """Outline all organs, or none."""
        if self.segmentation is not None:
            display.set_all_visible(self.segmentation, is_shown)

    @property
    def window(self) -> str:
        """A key of `WINDOWS_HU`; kept from case to case."""
        return self._window

    @window.setter
    def window(self, preset: str) -> None:
        self._window = preset
        if self.nodes is not None:
            apply_window(self.nodes.volume, preset)
