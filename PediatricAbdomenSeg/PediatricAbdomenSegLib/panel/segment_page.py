"""The page Segment (Resources/UI/SegmentPage.ui): what to segment, with what, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..scene.volumes import harden_copy
from .job_runner import RunnerEvents
from .job_store import Job
from .left_results import LeftResults
from .report import report_text
from .run_options import RunOptions
from .segment_checks import Check, checks_html, message_html, run_checks
from .segment_request import segment_request
from .session import Session
from .toolkit import qt, slicer, wait_cursor
from .wording import error_text, progress_text

_PROGRESS_STEPS = 1000


class SegmentPage:
    """Input and options above, one button, progress and log below."""

    def __init__(self, widget: Any, session: Session, resource_path: Callable[[str], str]) -> None:
        self.ui = slicer.util.childWidgetVariables(widget)
        self._session = session
        self._options = RunOptions(self.ui, session)
        self._left = LeftResults(self.ui, session)
        self._checks: tuple[Check, ...] = ()
        self._confirmed: set[str] = set()
        self._checked_for: tuple = ()
        self._run_icon = qt.QIcon(resource_path("Icons/Run.png"))
        self._stop_icon = qt.QIcon(resource_path("Icons/Stop.png"))
        self.ui.confirmCheckBox.visible = False
        self.ui.segmentButton.connect("clicked()", self.segment_or_cancel)
        self.ui.queueButton.connect("clicked()", self.segment)
        self.ui.confirmCheckBox.connect("toggled(bool)", self._on_confirmed)
        self.ui.problemsLabel.connect("linkActivated(QString)", self._on_link)
        self.ui.stageLabel.connect("linkActivated(QString)", session.runner.cancel)
        self.ui.copyLogButton.connect("clicked()", self._copy_log)
        session.on_change(self.refresh)
        for line in session.runner.log:
            self.ui.logTextEdit.appendPlainText(line)
        session.runner.listen(RunnerEvents(on_log=self.ui.logTextEdit.appendPlainText))
        self.refresh()

    def refresh(self) -> None:
        """Show parameters and the run as they are now."""
        self._options.refresh()
        self._left.refresh()
        if self._checked_for != self._choice():  # what was found does not hold for another choice
            self._checks, self._confirmed = (), set()
        self._show_checks()
        self._show_run()

    def segment_or_cancel(self) -> None:
        """The one button."""
        if self._session.is_busy:
            self._session.cancel()
        else:
            self.segment()

    def segment(self) -> None:
        """Check the choice and queue the volume; problems are shown instead when there are any."""
        parameters = self._session.parameters
        if parameters is None:
            return
        self._checked_for = self._choice()
        with wait_cursor():
            self._checks = run_checks(self._session)
        if any(check.blocking for check in self._checks) or self._doubts() - self._confirmed:
            self._show_checks()
            return
        bundle = self._session.models.find(parameters.model)
        replaced = parameters.segmentation if parameters.replace_organs else None
        try:
            with wait_cursor():
                self._session.segment(parameters.input_volume, segment_request(parameters, bundle), replaced)
        except PediatricAbdomenSegError as error:
            self._session.say(error_text(error), has_failed=True)
        self._checks, self._confirmed = (), set()
        self.refresh()

    def _choice(self) -> tuple:
        parameters = self._session.parameters
        if parameters is None:
            return ()
        volume = parameters.input_volume
        replaced = parameters.segmentation if parameters.replace_organs else None
        nodes = (node.GetID() if node else "" for node in (volume, replaced))
        names = ("model", "device", "organ_choice", "own_organs", "configuration", "folds", "low_memory")
        return (*nodes, *(getattr(parameters, name) for name in names))

    def _doubts(self) -> set[str]:
        """What has to be confirmed, by hint: messages may hold figures that differ from moment to moment."""
        return {check.hint for check in self._checks if not check.blocking}

    def _show_checks(self) -> None:
        is_blocked = any(check.blocking for check in self._checks)
        self.ui.problemsLabel.text = checks_html(self._checks)
        self.ui.problemsLabel.visible = bool(self._checks)
        self.ui.confirmCheckBox.visible = bool(self._checks) and not is_blocked
        self.ui.confirmCheckBox.checked = self._doubts() <= self._confirmed

    def _on_confirmed(self, is_checked: bool) -> None:
        self._confirmed = self._doubts() if is_checked else set()

    def _on_link(self, link: str) -> None:
        """The only link offers a hardened copy of a transformed volume."""
        parameters = self._session.parameters
        if parameters is not None and parameters.input_volume is not None:
            parameters.input_volume = harden_copy(self._session.scene, parameters.input_volume)
        self._checks = ()
        self.refresh()

    def _show_run(self) -> None:
        session, ui = self._session, self.ui
        state, is_busy = session.runner.state, session.is_busy
        ui.segmentButton.text = self._button_text(is_busy)
        ui.segmentButton.setIcon(self._stop_icon if is_busy else self._run_icon)
        ui.segmentButton.enabled = state != "cancelling" and session.parameters is not None
        ui.queueButton.visible = is_busy
        ui.progressBar.visible = is_busy
        ui.noticeLabel.text = session.notice
        ui.noticeLabel.visible = bool(session.notice)
        ui.stageLabel.text = self._stage_line(state, is_busy)
        ui.stageLabel.visible = bool(ui.stageLabel.text)
        progress = session.progress
        if progress is None:  # nothing is known yet: a bar without end
            ui.progressBar.setRange(0, 0 if is_busy else _PROGRESS_STEPS)
        else:
            ui.progressBar.setRange(0, _PROGRESS_STEPS)
            ui.progressBar.setValue(round(_PROGRESS_STEPS * progress.fraction))

    def _button_text(self, is_busy: bool) -> str:
        if not is_busy:
            return _("Segment")
        return _("Cancel this one") if self._waiting else _("Cancel")

    def _stage_line(self, state: str, is_busy: bool) -> str:
        """As HTML; links hold the ids of waiting jobs, to take them out of the queue."""
        if not is_busy:
            return message_html(self._session.message, self._session.has_failed)
        line = escape(self._progress_line(state))
        waiting = [f'{escape(self._name_of(job))} <a href="{job.id}">{_("Remove")}</a>' for job in self._waiting]
        return line + "".join(f"<br>{number}. {each}" for number, each in enumerate(waiting, start=2))

    @property
    def _waiting(self) -> tuple[Job, ...]:
        return self._session.runner.waiting

    def _name_of(self, job: Job) -> str:
        volume = self._session.volume_of(job)
        return volume.GetName() if volume is not None else _("A CT of a closed scene")

    def _progress_line(self, state: str) -> str:
        if state == "cancelling":
            line = _("Cancelling")
        elif self._session.progress is None:
            line = progress_text("starting", None)
        else:
            line = progress_text(self._session.progress.stage, self._session.progress.remaining_s)
        at_work, chosen = self._session.volume_of(self._session.runner.current), self._session.parameters
        is_another = at_work is not None and chosen is not None and at_work is not chosen.input_volume
        if is_another or self._waiting:
            line = _("{name}: {line}").format(name=self._name_of(self._session.runner.current), line=line)
        return line if not self._waiting else f"1. {line}"

    def _copy_log(self) -> None:
        qt.QApplication.clipboard().setText(report_text(self._session))
