"""The page Export (Resources/UI/ExportPage.ui): which organs go into which files, and what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..engine.reporting.record import status_note
from ..scene.parameters import NAME_STYLES
from ..scene.review import accepted_ids
from ..scene.segment_arrays import reference_volume, segments_of
from ..scene.segment_properties import SegmentProperties
from .dicom_send_row import DicomSendRow
from .export_job import ExportJob
from .export_plan import LABEL_MAP_SUFFIXES, ExportChoice, safe_stem, summary_text
from .model_card import title_without_status
from .run_options import fill, show_organs, ticked_organs
from .session import Session
from .toolkit import add_to_dicom_database, blocked_signals, qt, slicer
from .wording import error_text, status_text

_PROGRESS_STEPS = 1000


class ExportPage:
    """Choices, one button, a summary."""

    def __init__(self, widget: Any, session: Session, resource_path: Callable[[str], str]) -> None:
        self.ui = slicer.util.childWidgetVariables(widget)
        self._session = session
        self._is_writing = False
        self._shown: Any | None = None
        self._shown_organs: tuple[str, ...] = ()
        self.ui.exportProgressBar.visible = False
        self.send_row = DicomSendRow(self.ui, session, self._say)
        self.ui.exportButton.connect("clicked()", self.export)
        self.ui.nameStyleComboBox.connect("activated(int)", self._pick_name_style)
        self.ui.labelMapComboBox.connect("activated(int)", self._pick_label_map)
        self.ui.existingPathLineEdit.connect("currentPathChanged(QString)", lambda path: self.refresh())
        self.ui.allOrgansButton.connect("clicked()", lambda: self._tick(True))
        self.ui.noOrgansButton.connect("clicked()", lambda: self._tick(False))
        self.refresh()

    def refresh(self) -> None:
        """Show parameters and the organs of the segmentation under review."""
        parameters = self._session.parameters
        node = parameters.segmentation if parameters is not None else None
        self.send_row.refresh()
        self.ui.exportButton.enabled = node is not None and not self._is_writing
        if node is None:
            self.ui.exportSegmentationLabel.text = _("Choose a segmentation on the page Review.")
            self._show_organs(())
            return
        if node is not self._shown:
            self._shown = node
            self.ui.existingPathLineEdit.currentPath = ""  # may be another patient's
        self.ui.exportSegmentationLabel.text = segmentation_text(node)
        self._show_organs(tuple(organ.key for _id, _segment, organ in segments_of(node) if organ is not None))
        titles = {
            "tg263": _("TG-263 (Kidney_L)"),
            "display": _("In words (Left kidney)"),
            "short": _("Short (up to 16 characters)"),
        }
        fill(self.ui.nameStyleComboBox, [(titles[style], style) for style in NAME_STYLES], parameters.name_style)
        kinds = {"": _("None"), ".nii.gz": _("NIfTI (.nii.gz)"), ".nrrd": _("NRRD (.nrrd)")}
        fill(
            self.ui.labelMapComboBox, [(kinds[kind], kind) for kind in LABEL_MAP_SUFFIXES], parameters.label_map_suffix
        )
        for widget in (self.ui.bodyCheckBox, self.ui.smoothCheckBox, self.ui.existingPathLineEdit):
            widget.enabled = parameters.export_rtstruct
        self.ui.replaceSameCheckBox.enabled = parameters.export_rtstruct and bool(self._existing_path())
        self.ui.dicomDatabaseCheckBox.enabled = parameters.export_rtstruct or parameters.export_dicom_seg

    def export(self) -> None:
        """Write what is ticked."""
        parameters = self._session.parameters
        node = parameters.segmentation
        choice = self.choice()
        try:
            job = ExportJob(self._session, node, reference_volume(node), choice, self.wanted_organs())
            existing = [path for path in choice.paths() if path.exists()]
            if existing and not self._may_replace(existing):
                return
            job.write_files()
            if choice.dicom_paths():
                self._ask_for_dicom(job, parameters.add_to_dicom_database)
            else:
                self._finish(job, [])
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))

    def choice(self) -> ExportChoice:
        """What is ticked."""
        parameters = self._session.parameters
        return ExportChoice(
            folder=Path(self.ui.folderPathLineEdit.currentPath),
            stem=safe_stem(parameters.segmentation.GetName()),
            label_map_suffix=parameters.label_map_suffix,
            seg_nrrd=parameters.export_seg_nrrd,
            rtstruct=parameters.export_rtstruct,
            name_style=parameters.name_style,
            dicom_seg=parameters.export_dicom_seg,
            body=parameters.export_body,
            smooth=parameters.smooth_contours,
            append_to=self._existing_path(),
            replace_same=self.ui.replaceSameCheckBox.checked,
        )

    def wanted_organs(self) -> tuple[str, ...]:
        """Keys of the ticked organs, only accepted ones where that is ticked."""
        parameters = self._session.parameters
        keys = ticked_organs(self.ui.exportOrganListWidget)
        if not parameters.accepted_only:
            return keys
        node = parameters.segmentation
        accepted = set(accepted_ids(node))
        good = {organ.key for segment_id, _segment, organ in segments_of(node) if organ and segment_id in accepted}
        return tuple(key for key in keys if key in good)

    def _ask_for_dicom(self, job: ExportJob, is_for_database: bool) -> None:
        def done(results: list[dict[str, Any]]) -> None:
            self._set_writing(False)
            notes = [
                _("Contours in the RTSTRUCT: {count}.").format(count=result["contours"])
                for result in results
                if "contours" in result
            ]
            if job.choice.rtstruct and job.choice.append_to is not None:
                notes.append(_("The other ROIs are those of {name}.").format(name=job.choice.append_to.name))
            notes += [note for result in results for note in result.get("notes", ())]
            if is_for_database:
                for path in job.choice.dicom_paths():
                    add_to_dicom_database(path)
                notes.append(_("Added to Slicer's DICOM database."))
            self._finish(job, notes)
            self.send_row.offer(job.choice.dicom_paths())

        def failed(error: PediatricAbdomenSegError) -> None:
            self._set_writing(False)
            self._say(error_text(error))

        self._set_writing(True)
        try:
            job.ask_for_dicom(done, failed, self._show_progress)
        except PediatricAbdomenSegError as error:
            failed(error)

    def _finish(self, job: ExportJob, notes: list[str]) -> None:
        self.ui.folderPathLineEdit.addCurrentPathToHistory()
        self._say(summary_text(job.choice.paths(), job.names, notes))

    def _may_replace(self, paths: list[Path]) -> bool:
        names = ", ".join(path.name for path in paths)
        question = _("Replace {names} in {folder}?").format(names=names, folder=paths[0].parent)
        return slicer.util.confirmYesNoDisplay(question, windowTitle=_("Export"))

    def _show_progress(self, event: Any) -> None:
        self.ui.exportProgressBar.setValue(round(_PROGRESS_STEPS * event.fraction))

    def _set_writing(self, is_writing: bool) -> None:
        self._is_writing = is_writing
        self.ui.exportProgressBar.setValue(0)
        self.ui.exportProgressBar.visible = is_writing
        self._say(self._writing_text() if is_writing else "")
        self.refresh()

    def _writing_text(self) -> str:
        if self._session.is_busy:  # the worker does one thing at a time
            return _("The DICOM files are written as soon as the segmentation at work is finished …")
        return _("Writing DICOM files …")

    def _existing_path(self) -> Path | None:
        """The RTSTRUCT to add to, where one is named."""
        path = self.ui.existingPathLineEdit.currentPath.strip()
        return Path(path) if path else None

    def _show_organs(self, keys: tuple[str, ...]) -> None:
        """All organs of a new segmentation are ticked; later the user's ticks stay."""
        if keys != self._shown_organs:
            self._shown_organs = keys
            show_organs(self.ui.exportOrganListWidget, keys, keys)

    def _tick(self, is_ticked: bool) -> None:
        with blocked_signals(self.ui.exportOrganListWidget):
            for row in range(self.ui.exportOrganListWidget.count):
                item = self.ui.exportOrganListWidget.item(row)
                item.setCheckState(qt.Qt.Checked if is_ticked else qt.Qt.Unchecked)

    def _pick_name_style(self, index: int) -> None:
        if self._session.parameters is not None:
            self._session.parameters.name_style = self.ui.nameStyleComboBox.itemData(index)

    def _pick_label_map(self, index: int) -> None:
        if self._session.parameters is not None:
            self._session.parameters.label_map_suffix = self.ui.labelMapComboBox.itemData(index)

    def _say(self, text: str) -> None:
        self.ui.summaryLabel.text = text


def segmentation_text(segmentation_node: Any) -> str:
    """The segmentation's name, and the models that made it with what their status means."""
    lines = [_("Segmentation: {name}").format(name=segmentation_node.GetName())]
    segments = segments_of(segmentation_node)
    models = [SegmentProperties.from_segment(segment, name).model for name, segment, _organ in segments]
    for model in dict.fromkeys(model for model in models if model.name):
        note = status_note(model.status) or status_text(model.status)
        title = title_without_status(model.title, model.status)
        line = _("Made by: {title}, version {version} – {note}")
        lines.append(line.format(title=title, version=model.version, note=note))
    return "\n".join(lines)
