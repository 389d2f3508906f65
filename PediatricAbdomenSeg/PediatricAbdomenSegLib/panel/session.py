"""What the pages share: the parameter node, the models, the worker, and the way of a volume to a segmentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.cases.volume import DicomReferences
from ..engine.errors import InputError, PediatricAbdomenSegError, UsageError
from ..engine.progress import ProgressEvent
from ..engine.runtime.hardware import Hardware, hardware_from_json
from ..engine.worker.protocol import Hardware as HardwareRequest
from ..engine.worker.protocol import Segment
from ..scene.volumes import dicom_attributes, dicom_references, write_input
from .job_runner import JobRunner, RunnerEvents
from .job_store import Job, LeftJob
from .model_list import ModelList
from .result_placement import put_into_scene
from .runtime_settings import RuntimeSettings
from .wording import error_text


@dataclass(frozen=True)
class _JobNodes:
    """What a job was started on; nodes, not IDs, which another scene gives to other patients' nodes."""

    volume: Any
    replaced: Any | None


class Session:
    """State of the open panel; the pages read it and hear of every change.

    Args:
        scene: the MRML scene.
        runner: runs jobs; the session ends it.
        settings: the worker's interpreter.
        models: those of this computer.
        file_of_instance: path of a DICOM instance, "" where it is not known.

    Attributes:
        parameters: the parameter node wrapper, None while a scene closes or the module is not open.
        hardware: what the worker has, None until it was asked.
        progress: of the job at work, None when there is none or it has not begun.
        notice: what stays true until Slicer is started anew, such as a folder that cannot be written; mostly empty.
        message: what the user should know of the last run; empty when nothing.
        has_failed: whether `message` tells of a failure.
        unclaimed: finished or interrupted jobs to offer.
    """

    def __init__(
        self,
        scene: Any,
        runner: JobRunner,
        settings: RuntimeSettings,
        models: ModelList,
        file_of_instance: Callable[[str], str],
    ) -> None:
        self.scene = scene
        self.runner = runner
        self.settings = settings
        self.models = models
        self.parameters: Any | None = None
        self.hardware: Hardware | None = None
        self.progress: ProgressEvent | None = None
        self.notice = ""
        self.message = ""
        self.has_failed = False
        self.unclaimed: tuple[LeftJob, ...] = ()
        self.file_of_instance = file_of_instance
        self._references: dict[str, DicomReferences | None] = {}
        self._has_asked = False
        self._nodes: dict[str, _JobNodes] = {}  # by job id, as long as their scene lives
        self._listeners: list[Callable[[], None]] = []
        self._on_result: list[Callable[[Any], None]] = []
        self._stop_listening = runner.listen(
            RunnerEvents(
                on_state=lambda state: self.changed(),
                on_progress=self._take_progress,
                on_result=self._take_result,
                on_failed=self._take_failure,
                on_cancelled=self._take_cancelled,
            )
        )

    def on_change(self, listener: Callable[[], None]) -> None:
        """Hear of changes to anything here."""
        self._listeners.append(listener)

    def on_result(self, listener: Callable[[Any], None]) -> None:
        """Hear of a segmentation node that has just received a result; who hears decides whether to show it."""
        self._on_result.append(listener)

    def changed(self) -> None:
        """Tell the pages that something is different."""
        for listener in self._listeners:
            listener()

    def say(self, message: str, has_failed: bool = False) -> None:
        """Tell the user something about the last run, in place of what was told before."""
        self.message, self.has_failed = message, has_failed
        self.changed()

    @property
    def is_busy(self) -> bool:
        """Whether a job is at work."""
        return self.runner.current is not None

    def segment(self, volume_node: Any, request: Segment, replaced_node: Any | None = None) -> Job:
        """Queue a volume.

        Args:
            volume_node: the CT; its voxels are written to disk before this returns.
            request: what is asked; id, input and output are filled in.
            replaced_node: segmentation whose organs the result replaces; None for a new one.

        Raises:
            InputError: the volume cannot be written as it is. ResourceError: no space or no right to write.
        """
        context = {"dicom": dicom_attributes(volume_node)}
        job = self.runner.store.create(request, context, lambda folder: write_input(volume_node, folder))
        self._nodes[job.id] = _JobNodes(volume_node, replaced_node)
        self.runner.submit(job)
        self.say("")
        return job

    def volume_of(self, job: Job | None) -> Any | None:
        """The CT of a job at work or waiting; None when there is no job or its scene was closed."""
        nodes = self._nodes.get(job.id) if job is not None else None
        return nodes.volume if nodes is not None else None

    def ask_hardware(self) -> None:
        """Find out what the worker has, once; does nothing while no interpreter is named."""
        if self.hardware is not None or self._has_asked or not self.settings.interpreter:
            return
        self._has_asked = True
        self.runner.ask(HardwareRequest(""), self._take_hardware, self._take_hardware_failure)

    def use_interpreter(self, interpreter: Path, hardware: Hardware) -> None:
        """Work with another interpreter, which was tried, from now on. Raises `UsageError` while a job is at work."""
        if self.is_busy:
            raise UsageError(_("A run is going on."), _("Wait for its end or cancel it first."))
        self.settings.remember(interpreter)
        self.runner.restart_worker()
        self.hardware = hardware
        self.changed()

    def age_years(self, volume_node: Any | None) -> float | None:
        """Age of the patient of a volume that was loaded from DICOM; None when it is not known."""
        references = self.references(volume_node)
        return references.patient_age_years if references is not None else None

    def references(self, volume_node: Any | None) -> DicomReferences | None:
        """The DICOM series behind a volume; None when it has none or does not fit its files any more."""
        if volume_node is None:
            return None
        key = volume_node.GetID()
        if key not in self._references:  # every header of the series is read
            try:
                self._references[key] = dicom_references(volume_node, self.file_of_instance)
            except InputError:
                self._references[key] = None  # cropped or moved: an export, which needs the files, says so
        return self._references[key]

    def cancel(self) -> None:
        """Cancel the job at work."""
        self.runner.cancel()

    def look_for_unclaimed_results(self) -> None:
        """Find results that finished while Slicer or the scene was closed."""
        busy = {job.id for job in (self.runner.current, *self.runner.waiting) if job is not None}
        self.unclaimed = tuple(left for left in self.runner.store.unfinished_or_unclaimed() if left.job.id not in busy)
        self.changed()

    def claim(self, left: LeftJob, volume_node: Any) -> Any:
        """Put an unclaimed result onto a volume and return the segmentation node.

        Raises:
            InputError: it does not lie on the volume's grid.
        """
        node = self._put_into_scene(left.job, left.record, volume_node)
        self.look_for_unclaimed_results()
        return node

    def run_again(self, left: LeftJob) -> None:
        """Queue an interrupted job once more; its result is offered, as its scene is gone."""
        self.runner.submit(left.job)
        self.look_for_unclaimed_results()

    def discard(self, left: LeftJob) -> None:
        """Delete an unclaimed result."""
        self.runner.store.discard(left.job)
        self.look_for_unclaimed_results()

    def forget_nodes(self) -> None:
        """The scene closes: results of jobs still at work are kept on disk and offered."""
        self._nodes.clear()
        self._references.clear()

    def close(self) -> None:
        """End the worker."""
        self._stop_listening()
        self._listeners.clear()
        self._on_result.clear()
        self.runner.shutdown()

    def _take_hardware(self, content: dict[str, Any]) -> None:
        try:
            self.hardware = hardware_from_json(content)
        except InputError as error:
            self._take_hardware_failure(error)
            return
        self.changed()

    def _take_hardware_failure(self, error: PediatricAbdomenSegError) -> None:
        self._has_asked = False
        self.say(error_text(error), has_failed=True)

    def _take_progress(self, job: Job, event: ProgressEvent) -> None:
        self.progress = event
        self.changed()

    def _take_result(self, job: Job, record: dict[str, Any]) -> None:
        self.progress = None
        nodes = self._nodes.pop(job.id, None)
        if nodes is None or not self._is_here(nodes.volume):
            self.say(_("The CT of a finished run is not in the scene any more; its result is kept."))
            self.look_for_unclaimed_results()
            return
        try:
            replaced = nodes.replaced if nodes.replaced is not None and self._is_here(nodes.replaced) else None
            self._put_into_scene(job, record, nodes.volume, replaced)
        except PediatricAbdomenSegError as error:
            self.say(error_text(error), has_failed=True)
            self.look_for_unclaimed_results()

    def _is_here(self, node: Any) -> bool:
        return self.scene.GetNodeByID(node.GetID() or "") is node

    def _put_into_scene(self, job: Job, record: dict[str, Any], volume_node: Any, replaced: Any | None = None) -> Any:
        node = put_into_scene(self.scene, job, record, volume_node, replaced)
        self.say(" ".join(record.get("notes", ())))
        for listener in self._on_result:
            listener(node)
        self.runner.store.discard(job)
        return node

    def _take_failure(self, job: Job, error: PediatricAbdomenSegError) -> None:
        self._nodes.pop(job.id, None)
        self.progress = None
        self.say(error_text(error), has_failed=True)

    def _take_cancelled(self, job: Job) -> None:
        self._nodes.pop(job.id, None)
        if not self.is_busy:  # else one that waited behind it
            self.progress = None
        self.say(_("Cancelled."))
