"""Notices that segments have changed, whoever changed them, and says so once the hand rests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .toolkit import Timer, slicer

REST_S = 1.5  # a stroke of the brush makes many events, and the next one often follows: volumes are counted after them


class SegmentWatch:
    """Observes one segmentation at a time.

    Args:
        on_changed: called a moment after the last change.
    """

    def __init__(self, on_changed: Callable[[], None]) -> None:
        self._on_changed = on_changed
        self._observed: tuple[Any, list[int]] | None = None
        self._timer: Timer | None = None

    def watch(self, segmentation_node: Any | None) -> None:
        """Observe another segmentation; None observes nothing."""
        segmentation = segmentation_node.GetSegmentation() if segmentation_node is not None else None
        if self._observed is not None and self._observed[0] is segmentation:
            return
        self._stop()
        if segmentation is None:
            return
        events = (
            slicer.vtkSegmentation.SourceRepresentationModified,
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
        )
        self._observed = (segmentation, [segmentation.AddObserver(event, self._take_event) for event in events])

    @property
    def has_changes(self) -> bool:
        """Whether there was a change that was not told yet."""
        return self._timer is not None

    def forget_changes(self) -> None:
        """What has changed up to now is known already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop(self) -> None:
        self.forget_changes()
        if self._observed is not None:
            segmentation, tags = self._observed
            for tag in tags:
                segmentation.RemoveObserver(tag)
            self._observed = None

    def _take_event(self, caller: Any, event: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = Timer(REST_S, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._on_changed()
