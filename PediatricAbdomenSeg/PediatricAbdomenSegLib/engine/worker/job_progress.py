"""One fraction for a job that is made of parts with a progress of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ..progress import CancelToken, OnProgress, ProgressEvent


class JobProgress:
    """Fits the progress of a job's parts, each from 0 to 1, into one fraction of the job, and looks at the token.

    An instance is an `OnProgress` for the part begun last.
    """

    def __init__(
        self, on_progress: OnProgress, cancel: CancelToken, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_progress = on_progress
        self._cancel = cancel
        self._clock = clock
        self._began = self._part_began = clock()
        self._name, self._start, self._end, self._fraction = "", 0.0, 0.0, 0.0
        self.seconds: dict[str, float] = {}

    def begin(self, name: str, start: float, end: float) -> None:
        """The part ``name`` begins; it takes the job from fraction ``start`` to ``end``."""
        self._close()
        self._name, self._start, self._end = name, start, end
        self.part(0.0)

    def part(self, fraction: float) -> None:
        """``fraction`` of the current part is done."""
        self(ProgressEvent(self._name, fraction))

    def end(self) -> dict[str, float]:
        """The last part is done: seconds of that part, and of the whole as ``total``."""
        name = self._name
        self.part(1.0)
        self._close()
        return {name: self.seconds[name], "total": self._clock() - self._began}

    def __call__(self, event: ProgressEvent) -> None:
        self._cancel.raise_if_cancelled()
        share = min(max(event.fraction, 0.0), 1.0)
        self._fraction = max(self._fraction, self._start + share * (self._end - self._start))
        elapsed = self._clock() - self._began
        remaining = elapsed * (1 - self._fraction) / self._fraction if self._fraction > 0.02 else None
        self._on_progress(replace(event, fraction=self._fraction, remaining_s=remaining))

    def _close(self) -> None:
        now = self._clock()
        if self._name:
            self.seconds[self._name] = now - self._part_began
        self._name, self._part_began = "", now
