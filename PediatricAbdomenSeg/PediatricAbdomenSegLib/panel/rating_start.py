"""Where scoring begins: which study, which rater, or the segmentation that was just made."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import InputError, PediatricAbdomenSegError, UsageError
from ..engine.ratings.study import STUDY_NAME, read_study
from ..scene.case_nodes import CaseNodes
from ..scene.segment_arrays import reference_volume, segments_of
from ..scene.segment_properties import SegmentProperties
from ..scene.segmentation_reader import read_label_map
from .rating_task import QuickSubject, QuickTask, StudyTask
from .session import Session
from .toolkit import blocked_signals, read_setting, write_setting
from .wording import error_text

RATER_SETTING = "Rater"


class RatingStart:
    """The form above the list: folder, rater, two buttons.

    Args:
        ui: the page's widgets: studyPathLineEdit, raterComboBox, startButton, quickButton, studyLabel.
        session: has the segmentation that was just made.
    """

    def __init__(self, ui: Any, session: Session) -> None:
        self._ui, self._session = ui, session
        ui.studyPathLineEdit.connect("currentPathChanged(QString)", lambda path: self.show_folder())
        ui.raterComboBox.setEditText(read_setting(RATER_SETTING))
        self.show_folder()

    @property
    def folder(self) -> Path | None:
        """The folder named, None for none."""
        text = self._ui.studyPathLineEdit.currentPath.strip()
        return Path(text) if text else None

    @property
    def rater(self) -> str:
        """The rater named."""
        return self._ui.raterComboBox.currentText.strip()

    def show_folder(self) -> None:
        """Say what is in the folder, and offer the raters of its study."""
        rater, raters, text = self.rater, (), _("Choose the folder of a study, or any folder to keep scores in.")
        has_study = self.folder is not None and (self.folder / STUDY_NAME).is_file()
        if has_study:
            try:
                study = read_study(self.folder)
                raters, text = study.raters, study.title
            except PediatricAbdomenSegError as error:
                text = error_text(error)
        elif self.folder is not None:
            text = _("There is no study in this folder; scores of single segmentations can be kept there.")
        with blocked_signals(self._ui.raterComboBox):
            self._ui.raterComboBox.clear()
            for name in raters:
                self._ui.raterComboBox.addItem(name)
            self._ui.raterComboBox.setEditText(rater if rater or len(raters) != 1 else raters[0])
        self._ui.studyLabel.text = text
        self._ui.startButton.enabled = has_study
        self.refresh()

    def refresh(self) -> None:
        """Whether there is a segmentation to score without a study."""
        self._ui.quickButton.enabled = self._segmentation() is not None

    def study_task(self) -> StudyTask:
        """The study named. Raises as `StudyTask`, and `UsageError` when no rater is named."""
        self._check()
        task = StudyTask(self.folder, self.rater)
        self._remember()
        return task

    def quick_task(self) -> tuple[QuickTask, CaseNodes]:
        """The segmentation under review with its CT.

        Raises:
            UsageError: no folder, no rater. InputError: it has no CT or no organ. ResourceError: see `ScoreBook`.
        """
        self._check()
        if (self.folder / STUDY_NAME).exists():
            raise UsageError(
                _("This folder holds a study: scores of other segmentations do not belong there."),
                _("Choose another folder."),
            )
        node = self._segmentation()
        volume = reference_volume(node)
        if volume is None:
            raise InputError(_("The CT of this segmentation is not in the scene any more."), _("Load it again."))
        task = QuickTask(self.folder, self.rater, self._subject(node, volume))
        self._remember()
        return task, CaseNodes(volume, node)

    def _segmentation(self) -> Any | None:
        parameters = self._session.parameters
        return parameters.segmentation if parameters is not None else None

    def _check(self) -> None:
        if self.folder is None:
            raise UsageError(_("No folder is named."), _("Choose one above."))
        if not self.rater:
            raise UsageError(_("No rater is named."), _("Type or choose your name or code above."))

    def _remember(self) -> None:
        write_setting(RATER_SETTING, self.rater)
        self._ui.studyPathLineEdit.addCurrentPathToHistory()

    def _subject(self, node: Any, volume: Any) -> QuickSubject:
        label_map = read_label_map(node, volume)
        present = [(organ, segment) for _id, segment, organ in segments_of(node) if organ is not None]
        if not present:
            raise InputError(_("This segmentation has no organ of the table."), _("Choose another on the page Review."))
        digest = hashlib.sha256(label_map.geometry.affine.round(6).tobytes())
        digest.update(repr(label_map.array.shape).encode() + label_map.array.tobytes())
        references = self._session.references(volume)
        return QuickSubject(
            token=digest.hexdigest(),
            organs=tuple(organ.key for organ, _segment in present),
            bundle_sha256=SegmentProperties.from_segment(present[0][1]).model.sha256,
            dicom_folder=references.slices[0].path.parent if references is not None else None,
            series=references.series_instance_uid if references is not None else "",
        )
