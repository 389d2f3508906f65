"""Results that finished while Slicer or the scene was closed: offered at the top of the page Segment."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import InputError, PediatricAbdomenSegError
from .job_store import UNCLAIMED, LeftJob
from .session import Session
from .toolkit import slicer
from .wording import error_text


class LeftResults:
    """The frame with the oldest such job and what can be done with it.

    Args:
        ui: widgets of Resources/UI/SegmentPage.ui.
        session: what the pages share.
    """

    def __init__(self, ui: Any, session: Session) -> None:
        self.ui = ui
        self._session = session
        ui.loadUnclaimedButton.connect("clicked()", self.take)
        ui.discardUnclaimedButton.connect("clicked()", self._discard)
        self.refresh()

    def refresh(self) -> None:
        """Show the oldest job that waits, or nothing."""
        waiting = self._session.unclaimed
        self.ui.unclaimedFrame.visible = bool(waiting)
        if waiting:
            self.ui.unclaimedLabel.text = left_job_text(waiting[0], len(waiting))
            is_finished = waiting[0].state == UNCLAIMED
            self.ui.loadUnclaimedButton.text = _("Load result") if is_finished else _("Run again")

    def take(self) -> None:
        """Put a finished result onto the chosen CT, or onto its own, loaded anew; run an interrupted one again."""
        left = self._session.unclaimed[0]
        try:
            if left.state == UNCLAIMED:
                self._claim(left)
            else:
                self._session.run_again(left)
        except PediatricAbdomenSegError as error:
            self._session.message = error_text(error)
        self._session.changed()

    def _claim(self, left: LeftJob) -> None:
        parameters = self._session.parameters
        chosen = parameters.input_volume if parameters is not None else None
        if chosen is not None:
            try:
                self._session.claim(left, chosen)
                return
            except InputError:
                pass  # another CT is chosen: the job's own is still on disk
        self._session.claim(left, slicer.util.loadVolume(left.job.request.input))

    def _discard(self) -> None:
        question = _("Delete this result? It cannot be brought back.")
        if slicer.util.confirmYesNoDisplay(question, windowTitle=_("Discard result")):
            self._session.discard(self._session.unclaimed[0])


def left_job_text(left: LeftJob, count: int) -> str:
    """What is offered; without any name of a patient."""
    model = left.record["model"]["title"] if left.record else left.job.request.model
    when = left.job.created.replace("T", " ")
    if left.state == UNCLAIMED:
        text = _("A result of {when} is not in any scene yet ({model}).").format(when=when, model=model)
    else:
        text = _("A run of {when} was interrupted.").format(when=when)
    return text if count == 1 else _("{text} {count} more wait.").format(text=text, count=count - 1)
