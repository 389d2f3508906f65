"""A token that is cancelled in the middle of the work: by the work's own looking at it, so without any clock."""

from __future__ import annotations

from PediatricAbdomenSegLib.engine.progress import CancelToken


class CancellingToken(CancelToken):
    """Cancels itself when it is looked at for the ``at``-th time.

    Attributes:
        looks: how often it was looked at.
    """

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at
        self.looks = 0

    def raise_if_cancelled(self) -> None:
        self.looks += 1
        if self.looks == self._at:
            self.cancel()
        super().raise_if_cancelled()
