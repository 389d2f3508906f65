"""Counts how often each organ was corrected while it was scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..scene.contour_checksums import contour_checksums
from .segment_watch import SegmentWatch


class CorrectionCount:
    """One correction is whatever was changed in an organ until the hand rested.

    Args:
        on_corrected: called after a correction.
    """

    def __init__(self, on_corrected: Callable[[], None] = lambda: None) -> None:
        self._on_corrected = on_corrected
        self._watch = SegmentWatch(self.look)
        self._node: Any | None = None
        self._sums: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self.total = 0

    def follow(self, segmentation_node: Any | None) -> None:
        """Count in another segmentation from now on; None: in none."""
        self._watch.watch(segmentation_node)
        self._node = segmentation_node
        self._sums = contour_checksums(segmentation_node) if segmentation_node is not None else {}
        self._counts, self.total = {}, 0

    def look(self) -> None:
        """Count what has changed since the last look."""
        self._watch.forget_changes()
        if self._node is None:
            return
        sums = contour_checksums(self._node)
        changed = [key for key, value in sums.items() if value != self._sums.get(key, value)]
        self._sums = sums
        for key in changed:
            self._counts[key] = self._counts.get(key, 0) + 1
        self.total += len(changed)
        if changed:
            self._on_corrected()

    def of(self, segment_id: str) -> int:
        """Corrections of a segment since `forget`, the last one included."""
        if self._watch.has_changes:
            self.look()
        return self._counts.get(segment_id, 0)

    def forget(self, segment_id: str) -> None:
        """The corrections of a segment have been saved."""
        self._counts.pop(segment_id, None)
