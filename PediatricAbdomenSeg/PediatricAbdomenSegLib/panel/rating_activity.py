"""Notices whether somebody is at work: once a second it looks at mouse, keys and views.

An event filter on the application would see every event, but each would then pass through Python, the painting of
the views included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .toolkit import Timer, input_state, is_application_active

PERIOD_S = 1.0
_VIEW_NODES = ("vtkMRMLSliceNode", "vtkMRMLScalarVolumeDisplayNode", "vtkMRMLCameraNode")


class ActivityWatch:
    """Looks while it is started.

    Args:
        scene: whose views count.
        on_look: receives whether the application is in front, and whether something was done since the last look.
        call_later: as `toolkit.Timer`.
    """

    def __init__(
        self, scene: Any, on_look: Callable[[bool, bool], None], call_later: Callable[..., Any] = Timer
    ) -> None:
        self._scene, self._on_look, self._call_later = scene, on_look, call_later
        self._timer: Any | None = None
        self._seen: Any = None

    def start(self) -> None:
        """Look from now on."""
        if self._timer is None:
            self._seen = self._state()
            self._timer = self._call_later(PERIOD_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._call_later(PERIOD_S, self._look)
        state = self._state()
        is_new, self._seen = state != self._seen, state
        self._on_look(is_application_active(), is_new)

    def _state(self) -> Any:
        """What differs after a hand has moved: pointer, buttons, keys held, and what turns, pans and windows change."""
        changed = [
            self._scene.GetNthNodeByClass(index, kind).GetMTime()
            for kind in _VIEW_NODES
            for index in range(self._scene.GetNumberOfNodesByClass(kind))
        ]
        return input_state(), changed
