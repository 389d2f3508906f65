"""The page Score (Resources/UI/RatingPage.ui): a rater scores every organ of every case from 1 to 5."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..engine.organs import organ_by_key
from ..scene.case_nodes import CaseNodes, remove_case
from ..scene.window_presets import BONE, LIVER, LUNG, SOFT_TISSUE
from .rating_activity import ActivityWatch
from .rating_case import CaseLoader
from .rating_clock import RatingClock
from .rating_details import RatingDetails
from .rating_keys import RatingKeys
from .rating_message import RatingMessage
from .rating_progress import done_text, score_text, show_progress
from .rating_start import RatingStart
from .rating_table import RatingRow, RatingTable
from .rating_task import CaseFiles, RatingTask, StudyTask, Verdict
from .rating_view import CaseView
from .run_options import fill
from .session import Session
from .toolkit import Timer, slicer, wait_cursor

_NEED_CASE = ("ratingTable", "detailsCollapsibleButton", "windowComboBox", "showAllButton", "hideAllButton")


class RatingPage:
    """A form to begin, then one case after the other.

    Args:
        now, call_later: for the measured times, replaced in tests.
    """

    def __init__(
        self,
        widget: Any,
        session: Session,
        resource_path: Callable[[str], str],
        now: Callable[[], float] = time.monotonic,
        call_later: Callable[..., Any] = Timer,
    ) -> None:
        self.ui = slicer.util.childWidgetVariables(widget)
        self.on_correct: Callable[[Any, str], None] = lambda segmentation, segment_id: None
        self._session = session
        self._task: RatingTask | None = None
        self._loader: CaseLoader | None = None
        self._index = 0  # of the item, in the rater's order
        self._organ = ""  # key of the one that is being scored
        self._files: CaseFiles | None = None
        self._confirmed: set[str] = set()  # tokens of items whose contours are scored although they changed
        self._drafts: dict[tuple[int, str], Verdict] = {}  # what is entered but not saved, by item and organ
        self._is_in_view = self._is_case_in_view = False
        self.clock = RatingClock(now)
        self._view = CaseView(session.scene, self.clock.touch)
        self._activity = ActivityWatch(session.scene, self._take_look, call_later)
        self._start = RatingStart(self.ui, session)
        self._message = RatingMessage(self.ui, self._confirm_change, lambda folder: self._task.search_in(folder))
        self._table = RatingTable(self.ui.ratingTable, self._take_organ, self._open, self.score)
        self._details = RatingDetails(self.ui, self._save_details, self._set_not_assessable, self.clock.touch)
        self._connect()
        scores = {str(score): lambda score=score: self._score_selected(score) for score in range(1, 6)}
        moves = {"N": lambda: self._table.step(1), "P": lambda: self._table.step(-1), "Space": self.look_at_organ}
        self.keys = RatingKeys(widget, scores | moves)
        self._message.say("")
        self._show_state()

    @property
    def is_at_work(self) -> bool:
        """Whether somebody scores."""
        return self._task is not None

    @property
    def segmentation(self) -> Any | None:
        """The contours that are being scored."""
        return self._view.segmentation

    def refresh(self) -> None:
        """Another segmentation may have been chosen, or a node of the case removed."""
        self._start.refresh()
        if not self._view.is_whole:
            self.end()
            self._message.say(_("The case is not in the scene any more. Your scores are saved: start again to go on."))

    def enter(self) -> None:
        """The page came into view."""
        self._is_in_view = True
        self._use_keys_and_clock()

    def exit(self, is_case_in_view: bool = False) -> None:
        """Another page or module is in view.

        Args:
            is_case_in_view: the same case is, on the page Review: the time there counts as well.
        """
        self._is_in_view, self._is_case_in_view = False, is_case_in_view
        self._use_keys_and_clock()

    def close(self) -> None:
        """The module goes."""
        self.end()
        self.keys.close()

    def begin_study(self) -> None:
        """Open the study named and go on where the rater has stopped."""
        task = self._opened(self._start.study_task, self.begin_study)
        if task is not None:
            self._begin(task)
            first = task.first_open()
            self.go_to(0 if first is None else first)

    def begin_quick(self) -> None:
        """Score the segmentation under review, without a study."""
        opened = self._opened(self._start.quick_task, self.begin_quick)
        if opened is not None:
            task, nodes = opened
            self._begin(task)
            self._show_case(nodes)

    def end(self) -> None:
        """Leave off; everything that was scored is saved. Harmless when nobody scores."""
        if self._task is None:
            return
        self._details.flush()
        self._drop_case()
        self._loader.close()
        self._task.close()
        self._task = self._loader = None
        self._drafts.clear()
        self._message.say("")
        self._show_state()

    def go_to(self, index: int) -> None:
        """Load an item, by its place in the rater's order from 0."""
        self._details.flush()
        self._drop_case()
        self._index = index
        self._message.say(_("Loading case {n} \u2026").format(n=index + 1))
        self._show_state()
        try:
            with wait_cursor():
                files = self._files = self._task.files(index)
        except PediatricAbdomenSegError as error:
            self._message.fail(error, lambda: self.go_to(index), can_search=True)
            return
        self._loader.load(files, lambda nodes, left: self._take_case(files, nodes, left), self._take_failure)
        if index + 1 < self._task.count:
            self._preload(index + 1)

    def score(self, organ: str, score: int) -> None:
        """Save a score; a second one corrects the first."""
        self._table.select(organ)
        self._save(organ, Verdict(score=score, comment=self._details.comment, tags=self._details.tags))

    def look_at_organ(self) -> None:
        """Let all views jump to the centre of the organ chosen and outline only it."""
        if self._organ and not self._view.look_at(self._organ):
            self._message.say(_("{organ}: there is no contour.").format(organ=organ_by_key(self._organ).display_name))

    def _connect(self) -> None:
        ui = self.ui
        ui.startButton.connect("clicked()", self.begin_study)
        ui.quickButton.connect("clicked()", self.begin_quick)
        ui.endButton.connect("clicked()", self.end)
        ui.previousCaseButton.connect("clicked()", lambda: self.go_to(self._index - 1))
        ui.nextCaseButton.connect("clicked()", lambda: self.go_to(self._index + 1))
        ui.showAllButton.connect("clicked()", lambda: self._view.show_all(True))
        ui.hideAllButton.connect("clicked()", lambda: self._view.show_all(False))
        ui.correctButton.connect("clicked()", self._correct)
        titles = {SOFT_TISSUE: _("Soft tissue"), LIVER: _("Liver"), LUNG: _("Lung"), BONE: _("Bone")}
        fill(ui.windowComboBox, [(title, preset) for preset, title in titles.items()], self._view.window)
        ui.windowComboBox.connect("activated(int)", self._pick_window)

    def _opened(self, open_task: Callable[[], Any], retry: Callable[[], None]) -> Any | None:
        try:
            with wait_cursor():
                return open_task()
        except PediatricAbdomenSegError as error:
            self._message.fail(error, retry)
            return None

    def _begin(self, task: RatingTask) -> None:
        self._task, self._index = task, 0
        self._loader = CaseLoader(self._session, task.is_blinded)
        self._message.say("")

    def _preload(self, index: int) -> None:
        try:
            self._loader.preload(self._task.files(index))
        except PediatricAbdomenSegError:
            return  # it is told when the rater comes to that case

    def _take_case(self, files: CaseFiles, nodes: CaseNodes, unassigned: int) -> None:
        if files is not self._files:
            remove_case(self._session.scene, nodes)
            return
        self._show_case(nodes)
        if files.is_changed and files.token not in self._confirmed:
            self._message.ask_about_change(None)
        elif unassigned:
            text = _("Structures in the file of contours that are no organ of the table: {n}.")
            self._message.say(text.format(n=unassigned))

    def _take_failure(self, error: PediatricAbdomenSegError) -> None:
        index = self._index
        self._message.fail(error, lambda: self.go_to(index))

    def _show_case(self, nodes: CaseNodes) -> None:
        self._view.show(nodes, is_ours=isinstance(self._task, StudyTask))
        organs = self._task.organs(self._index)
        self._table.show([self._row(organ.key, organ.required) for organ in organs], self._task.scale)
        left = self._task.open_organs(self._index)
        self._message.say("\n".join(self._task.problems))
        self._show_state()
        self._table.select(left[0] if left else organs[0].key)

    def _drop_case(self) -> None:
        self._files, self._organ = None, ""
        self.clock.turn_to(None)
        self._view.drop()

    def _save(self, organ: str, verdict: Verdict) -> None:
        """Save a verdict; nothing is shown as saved that is not."""
        subject, segment_id = (self._index, organ), self._view.segment_of(organ) or ""
        self._drafts[subject] = verdict
        is_confirmed = self._files is not None and self._files.token in self._confirmed
        corrections = self._view.corrections.of(segment_id)
        try:
            self._task.add(self._index, organ, verdict, self.clock.seconds(subject), corrections, is_confirmed)
        except PediatricAbdomenSegError as error:
            if self._has_changed():
                self._message.ask_about_change(lambda: self._save(organ, verdict))
            else:
                self._message.fail(error, lambda: self._save(organ, verdict))
            return
        self.clock.forget(subject)
        self._view.corrections.forget(segment_id)
        del self._drafts[subject]
        is_required = next(row.is_required for row in self._table.rows if row.key == organ)
        self._table.update([self._row(organ, is_required)])
        self._message.say(done_text(self._task, self._index))
        self._show_details()
        self._show_state()

    def _save_details(self) -> None:
        """Comment or tags of the organ chosen were changed: kept until it is scored, or saved with its score."""
        if not self._organ:
            return
        record = self._task.current(self._index, self._organ)
        verdict = Verdict(comment=self._details.comment, tags=self._details.tags)
        if record is None:
            self._drafts[self._index, self._organ] = verdict
        else:
            self._save(self._organ, Verdict(record.score, record.not_assessable, verdict.comment, verdict.tags))

    def _set_not_assessable(self, reason: str) -> None:
        if not reason:
            self._message.say(_("Choose or type the reason why this contour cannot be scored."))
        elif self._organ:
            comment, tags = self._details.comment, self._details.tags
            self._save(self._organ, Verdict(not_assessable=reason, comment=comment, tags=tags))

    def _has_changed(self) -> bool:
        """Whether the contours are not those that were assigned, and this was not confirmed."""
        if self._files is None or self._files.token in self._confirmed:
            return False
        try:
            return self._task.files(self._index).is_changed
        except PediatricAbdomenSegError:  # they are gone: the error of the score says so
            return False

    def _confirm_change(self) -> None:
        self._confirmed.add(self._files.token)

    def _score_selected(self, score: int) -> None:
        if self._organ:
            self.score(self._organ, score)

    def _take_organ(self, organ: str) -> None:
        if organ != self._organ:
            self._details.flush()
            self._organ = organ
            self.clock.turn_to((self._index, organ))
            self._show_details()

    def _open(self, organ: str) -> None:
        self._take_organ(organ)
        self.look_at_organ()

    def _correct(self) -> None:
        segment_id = self._view.segment_of(self._organ)
        if segment_id is not None:
            self.on_correct(self.segmentation, segment_id)

    def _pick_window(self, index: int) -> None:
        self._view.window = self.ui.windowComboBox.itemData(index)

    def _row(self, organ: str, is_required: bool) -> RatingRow:
        record = self._task.current(self._index, organ)
        return RatingRow(organ, is_required, *((record.score, record.not_assessable) if record else (None, "")))

    def _take_look(self, is_in_front: bool, is_active: bool) -> None:
        self.clock.show(is_in_front and self._is_case_seen)
        if is_active:
            self.clock.touch()

    @property
    def _is_case_seen(self) -> bool:
        return self._view.nodes is not None and (self._is_in_view or self._is_case_in_view)

    def _use_keys_and_clock(self) -> None:
        self.keys.use(self._is_in_view and self._view.nodes is not None)
        self.clock.show(self._is_case_seen)
        if self._is_case_seen:
            self._activity.start()
        else:
            self._activity.stop()

    def _show_details(self) -> None:
        subject = (self._index, self._organ)
        said = self._drafts.get(subject) or self._task.current(*subject) or Verdict()
        self._details.show(said.comment, said.tags, said.not_assessable)
        self.ui.scoreLabel.text = score_text(self._task, self._index, self._organ)

    def _show_state(self) -> None:
        ui, task = self.ui, self._task
        ui.startCollapsibleButton.visible = task is None
        ui.scoringWidget.visible = task is not None
        for name in _NEED_CASE:
            getattr(ui, name).visible = self._view.nodes is not None
        self._use_keys_and_clock()
        if task is not None:
            show_progress(ui, task, self._index)
