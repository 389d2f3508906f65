"""Results that finished while Slicer or the scene was closed: offered at the top of the page Segment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.cases.image_file import read_image
from ..engine.errors import InputError, PediatricAbdomenSegError
from ..scene.volumes import has_voxels_of
from .job_store import UNCLAIMED, Job, LeftJob
from .session import Session
from .toolkit import slicer, wait_cursor
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
        """Put a finished result onto its CT, loaded anew where it is not in the scene; run an interrupted one again."""
        left = self._session.unclaimed[0]
        try:
            with wait_cursor():
                if left.state == UNCLAIMED:
                    self._claim(left)
                else:
                    self._session.run_again(left)
        except PediatricAbdomenSegError as error:
            self._session.say(error_text(error), has_failed=True)

    def _claim(self, left: LeftJob) -> None:
        volume_node = self._own_volume(left.job)
        if volume_node is not None:
            self._session.claim(left, volume_node)
            return
        volume_node = load_copy(left)
        try:
            self._session.claim(left, volume_node)
        except PediatricAbdomenSegError:
            self._session.scene.RemoveNode(volume_node)
            raise
        if self._session.parameters is not None:
            self._session.parameters.input_volume = volume_node

    def _own_volume(self, job: Job) -> Any | None:
        """The node of the scene that shows the job's CT. The place alone does not tell patients apart: voxels do."""
        scene, volume = self._session.scene, read_image(Path(job.request.input))
        count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        nodes = (scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count))
        return next((node for node in nodes if has_voxels_of(node, volume)), None)

    def _discard(self) -> None:
        question = _("Delete this result? It cannot be brought back.")
        if slicer.util.confirmYesNoDisplay(question, windowTitle=_("Discard result")):
            try:
                self._session.discard(self._session.unclaimed[0])
            except PediatricAbdomenSegError as error:
                self._session.say(error_text(error), has_failed=True)


def load_copy(left: LeftJob) -> Any:
    """The CT as the job keeps it, as a new volume node that still knows its DICOM series.

    Raises:
        InputError: Slicer cannot load it.
    """
    try:
        node = slicer.util.loadVolume(left.job.request.input)
    except RuntimeError as error:
        raise InputError(
            _("The CT of this result cannot be loaded: its copy in {folder} is damaged.").format(
                folder=left.job.folder
            ),
            _("Load the CT yourself, then load the result once more."),
        ) from error
    node.SetName(_("CT of {when}").format(when=left.job.created.replace("T", " ")))
    for name, value in left.job.context.get("dicom", {}).items():
        node.SetAttribute(name, value)
    return node


def left_job_text(left: LeftJob, count: int) -> str:
    """What is offered; without any name of a patient."""
    model = left.record["model"]["title"] if left.record else left.job.request.model
    when = left.job.created.replace("T", " ")
    if left.state == UNCLAIMED:
        text = _("A result of {when} is not in any scene yet ({model}).").format(when=when, model=model)
    else:
        text = _("A run of {when} was interrupted.").format(when=when)
    return text if count == 1 else _("{text} Waiting behind it: {count}.").format(text=text, count=count - 1)
