"""What the page Score has to say, and what the rater can do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError, UsageError
from .toolkit import qt
from .wording import error_text

Retry = Callable[[], None]
_PIECE = 24
_LONG_WORD = re.compile(rf"\S{{{2 * _PIECE},}}")  # a UID, a hash, a path: a label wraps between words only


class RatingMessage:
    """A text with up to three buttons below it.

    Args:
        ui: the page's widgets: messageLabel, confirmButton, searchButton, retryButton.
        on_confirm: called when changed contours are to be scored, before what was refused is done again.
        on_search: receives one more folder to look in for cases.
    """

    def __init__(self, ui: Any, on_confirm: Callable[[], None], on_search: Callable[[Path], None]) -> None:
        self._ui, self._on_confirm, self._on_search = ui, on_confirm, on_search
        self._retry: Retry | None = None
        ui.confirmButton.connect("clicked()", self._confirm)
        ui.searchButton.connect("clicked()", self._search)
        ui.retryButton.connect("clicked()", self._try_again)

    def say(self, text: str) -> None:
        """Say something that needs no button; "" for nothing."""
        self._show(text)

    def fail(self, error: PediatricAbdomenSegError, retry: Retry, can_search: bool = False) -> None:
        """Say what failed, and offer to do it again.

        Args:
            can_search: a file is perhaps somewhere else.
        """
        text = error_text(error)
        if can_search:  # the error's own hint is for the command line
            text = f"{error.message}\n" + _("Put it back, or name the folder it was moved to.")
        self._show(text, retry, can_search=can_search, can_retry=not isinstance(error, UsageError))

    def ask_about_change(self, retry: Retry | None) -> None:
        """Ask whether contours that are not those assigned are to be scored; ``retry`` saves what was refused."""
        text = _("The contours of this case are not those that were assigned: the file has changed since.")
        hint = _("Put the assigned file back and load the case again, or confirm that these are to be scored.")
        self._show(f"{text}\n{hint}", retry, can_confirm=True)

    def _show(
        self,
        text: str,
        retry: Retry | None = None,
        can_search: bool = False,
        can_retry: bool = False,
        can_confirm: bool = False,
    ) -> None:
        self._retry = retry
        self._ui.messageLabel.text = _LONG_WORD.sub(lambda word: "\u200b".join(_pieces(word[0])), text)
        self._ui.messageLabel.visible = bool(text)
        self._ui.searchButton.visible = can_search
        self._ui.retryButton.visible = can_retry
        self._ui.confirmButton.visible = can_confirm

    def _confirm(self) -> None:
        self._on_confirm()
        self._try_again()

    def _search(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self._ui.messageLabel, _("Where the case was moved to"))
        if folder:
            self._on_search(Path(folder))
            self._try_again()

    def _try_again(self) -> None:
        retry = self._retry
        self._show("")
        if retry is not None:
            retry()


def _pieces(word: str) -> list[str]:
    return [word[start : start + _PIECE] for start in range(0, len(word), _PIECE)]
