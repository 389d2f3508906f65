"""Progress by stage, with a fraction and the remaining time, and the token that cancels a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import Cancelled


@dataclass(frozen=True)
class ProgressEvent:
    """One report of progress.

    Attributes:
        stage: short name of what is being done, for example ``"network"``.
        fraction: share of the whole run that is done, 0 to 1, never decreasing within a run.
        remaining_s: estimated seconds until the end, or None while nothing can be estimated.
    """

    stage: str
    fraction: float
    remaining_s: float | None = None


OnProgress = Callable[[ProgressEvent], None]


def ignore_progress(event: ProgressEvent) -> None:
    """The progress callback of a caller that does not care."""


Check = Callable[[], None]
"""Called between small pieces of work; raises `Cancelled` to stop it. A token's is `CancelToken.raise_if_cancelled`."""


def never_stop() -> None:
    """The check of a caller who cannot cancel."""


class CancelToken:
    """A flag that one thread sets and another one looks at between small pieces of work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the run that holds this token to stop at its next look."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` once `cancel` was called."""
        if self._event.is_set():
            raise Cancelled()


class StageProgress:
    """Turns progress inside named stages into one fraction of the whole run.

    Args:
        weights: expected share of time per stage, in the order the stages run; any positive scale.
        on_progress: receives a `ProgressEvent` at each report.
        cancel: looked at on every report, so that a stage that reports often is also cancelled soon.
        clock: seconds, monotonic; handed in by tests.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        total = sum(weights.values())
        self._start: dict[str, float] = {}
        self._share = {stage: weight / total for stage, weight in weights.items()}
        done = 0.0
        for stage, share in self._share.items():
            self._start[stage] = done
            done += share
        self._on_progress = on_progress
        self._cancel = cancel or CancelToken()
        self._clock = clock
        self._began = clock()
        self._fraction = 0.0
        self._stage = ""
        self._stage_began = self._began
        self.seconds: dict[str, float] = {}

    def report(self, stage: str, fraction: float = 0.0) -> None:
        """Report that ``fraction`` (0 to 1) of ``stage`` is done; raises `Cancelled` when asked to stop."""
        self._cancel.raise_if_cancelled()
        now = self._clock()
        if stage != self._stage:
            self._close_stage(now)
            self._stage, self._stage_began = stage, now
        overall = self._start[stage] + self._share[stage] * min(max(fraction, 0.0), 1.0)
        self._fraction = max(self._fraction, overall)
        elapsed = now - self._began
        remaining = elapsed * (1 - self._fraction) / self._fraction if self._fraction > 0.02 else None
        self._on_progress(ProgressEvent(stage, self._fraction, remaining))

    def finish(self) -> dict[str, float]:
        """Close the last stage and return the seconds spent per stage."""
        self._close_stage(self._clock())
        self._stage = ""
        return dict(self.seconds)

    def _close_stage(self, now: float) -> None:
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._stage_began
