"""How long a rater looked at an organ: only while the case is to be seen and somebody is there."""

from __future__ import annotations

from collections.abc import Callable, Hashable

IDLE_S = 30.0  # reading a slice takes seconds; who touches nothing for longer does something else


class RatingClock:
    """Counts seconds for one subject at a time.

    Args:
        now: seconds, for example `time.monotonic`.
        idle_s: after so long without `touch` nothing counts any more until the next one.
    """

    def __init__(self, now: Callable[[], float], idle_s: float = IDLE_S) -> None:
        self._now, self._idle_s = now, idle_s
        self._seconds: dict[Hashable, float] = {}
        self._subject: Hashable | None = None
        self._is_visible = False
        self._counted_to = self._active_to = now()

    def show(self, is_visible: bool) -> None:
        """The case has come into view, which counts as activity, or has gone out of it."""
        if is_visible == self._is_visible:
            return
        self._count()
        self._is_visible = is_visible
        self.touch()

    def turn_to(self, subject: Hashable | None) -> None:
        """From now on the time is this subject's; None: nobody's."""
        self._count()
        self._subject = subject
        self.touch()

    def touch(self) -> None:
        """The rater has done something."""
        self._count()
        self._active_to = self._now() + self._idle_s

    def seconds(self, subject: Hashable) -> float:
        """Time spent on a subject since `forget`."""
        self._count()
        return self._seconds.get(subject, 0.0)

    def forget(self, subject: Hashable) -> None:
        """The time of a subject has been saved."""
        self._count()
        self._seconds.pop(subject, None)

    def _count(self) -> None:
        now = self._now()
        spent = min(now, self._active_to) - self._counted_to
        if self._is_visible and self._subject is not None and spent > 0:
            self._seconds[self._subject] = self._seconds.get(self._subject, 0.0) + spent
        self._counted_to = now
