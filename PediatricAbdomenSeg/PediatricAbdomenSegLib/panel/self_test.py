"""The self-test inside Slicer: from images to exported files, which have to hold a correction made in between."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.cases.image_file import read_label_map
from ..scene import edit_tools
from ..scene.images import geometry_of_volume
from ..scene.parameters import DEFAULTS
from ..scene.segmentation_reader import read_masks
from .export_job import ExportJob
from .export_plan import ExportChoice
from .job_runner import JobRunner
from .job_store import JobStore
from .model_list import ModelList
from .panel import make_session
from .phantom_series import load_series, make_phantom_series
from .runtime_settings import RuntimeSettings
from .segment_request import segment_request
from .session import Session
from .toolkit import Timer, slicer
from .worker_process import QtProcess

LIMIT_S = 900.0  # a network on an old processor


def run_self_test(test: Any, scene: Any, say: Callable[[str], None]) -> None:
    """The whole way twice: with the fake worker of the source tree, and with the one named on the page Runtime.

    What is not there, the source tree or a named interpreter, is said and left out.

    Args:
        test: a unittest.TestCase.
        scene: the MRML scene, cleared.
        say: shows a message.
    """
    fake_worker = Path(slicer.util.modulePath("PediatricAbdomenSeg")).parents[1] / "Testing" / "fake_worker.py"
    if fake_worker.is_file():
        say("With the fake worker")
        run_with_fake_worker(test, scene, fake_worker)
    else:
        say("The fake worker is part of the source tree only: left out.")
    run_with_real_worker(test, scene, say)
    say("Passed")


def run_with_fake_worker(test: Any, scene: Any, fake_worker: Path) -> None:
    """Segment, correct and export a box, with a worker process in Slicer's own Python that needs no packages."""
    python = shutil.which("PythonSlicer") or sys.executable
    command = [python, str(fake_worker), "success"]
    with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
        # The environment as it is: PythonSlicer needs what Slicer's launcher has set.
        runner = JobRunner(lambda: QtProcess(command, os.environ), JobStore(Path(folder) / "jobs"), Timer)
        settings = RuntimeSettings(lambda key: "", lambda key, value: None)
        session = Session(scene, runner, settings, ModelList(), lambda uid: "")
        try:
            image = np.full((20, 40, 40), -1000, np.int16)
            image[:, 10:30, 10:30] = 40
            volume_node = slicer.util.addVolumeFromArray(image, name="Self-test")
            segmentation_node = _segment(test, session, volume_node)
            choice = ExportChoice(Path(folder), "self-test", ".nii.gz", True, False, "tg263")
            _correct_and_export(test, session, segmentation_node, volume_node, choice)
        finally:
            session.close()


def run_with_real_worker(test: Any, scene: Any, say: Callable[[str], None]) -> None:
    """Segment, correct and export a phantom with the interpreter that is named on the page Runtime, if one is."""
    session = make_session(scene)
    folder = Path(tempfile.mkdtemp(dir=slicer.app.temporaryPath))
    try:
        test.assertIsNotNone(session.models.find(DEFAULTS.model), "the model that comes with the extension is missing")
        if not session.settings.interpreter:
            say("No worker is set up on the page Runtime: left out.")
            return
        say("Making a phantom")
        volume_node = load_series(make_phantom_series(folder))[0]
        say("Segmenting it")
        segmentation_node = _segment(test, session, volume_node)
        say("Correcting and exporting it")
        choice = ExportChoice(folder, "self-test", ".nii.gz", True, True, "tg263", dicom_seg=True)
        _correct_and_export(test, session, segmentation_node, volume_node, choice)
    finally:
        session.close()


def _segment(test: Any, session: Session, volume_node: Any) -> Any:
    results: list[Any] = []
    session.on_result(results.append)
    session.segment(volume_node, segment_request(DEFAULTS, session.models.find(DEFAULTS.model)))
    _wait(lambda: results or not session.is_busy)
    test.assertTrue(results, "\n".join([session.message, *session.runner.log]))
    return results[0]


def _correct_and_export(
    test: Any, session: Session, segmentation_node: Any, volume_node: Any, choice: ExportChoice
) -> None:
    masks = [mask for mask in read_masks(segmentation_node, volume_node) if mask.organ is not None]
    largest = max(masks, key=lambda mask: int(mask.mask.sum()))
    middle = int(np.median(np.flatnonzero(largest.mask.any(axis=(1, 2)))))
    centre = geometry_of_volume(volume_node).to_ras(np.array([middle, 0.0, 0.0]))
    test.assertTrue(edit_tools.crop_beyond_slice(segmentation_node, largest.segment_id, tuple(centre), "above"))
    job = ExportJob(session, segmentation_node, volume_node, choice, [mask.organ.key for mask in masks])
    job.write_files()
    if choice.dicom_paths():
        ends: list[Any] = []
        job.ask_for_dicom(ends.append, ends.append, lambda event: None)
        _wait(lambda: ends)
        test.assertIsInstance(ends[0], list, str(ends[0]))
    for path in choice.paths():
        test.assertTrue(path.is_file(), str(path))
    written = int((read_label_map(choice.label_map_path).array == largest.organ.label).sum())
    test.assertLess(written, int(largest.mask.sum()), "the correction is not in the exported label map")


def _wait(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.02)
