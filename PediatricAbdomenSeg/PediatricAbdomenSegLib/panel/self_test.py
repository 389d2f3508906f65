"""The self-test inside Slicer: from a phantom to an RTSTRUCT, with a correction in between that has to arrive in it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..scene import edit_tools
from ..scene.parameters import DEFAULTS
from ..scene.segmentation_reader import read_masks
from .export_job import ExportJob
from .export_plan import ExportChoice
from .panel import make_session
from .phantom_series import load_series, make_phantom_series
from .segment_request import segment_request
from .session import Session
from .toolkit import slicer

LIMIT_S = 900.0  # a network on an old processor


def run_self_test(test: Any, scene: Any, say: Callable[[str], None]) -> None:
    """Segment, correct and export a phantom with the interpreter that is named on the page Runtime.

    Without one only what needs no worker is tested.

    Args:
        test: a unittest.TestCase.
        scene: the MRML scene, cleared.
        say: shows a message.
    """
    session = make_session(scene)
    try:
        test.assertTrue(session.models.bundles, "no model bundle was found")
        if not session.settings.interpreter:
            say("No worker is set up: the panel only was tested.")
            return
        say("Making a phantom")
        folder = Path(tempfile.mkdtemp(dir=slicer.app.temporaryPath))
        volume_node = load_series(make_phantom_series(folder))[0]
        say("Segmenting it")
        segmentation_node = _segment(test, session, volume_node)
        say("Correcting and exporting it")
        _export(test, session, segmentation_node, volume_node, folder)
        say("Passed")
    finally:
        session.close()


def _segment(test: Any, session: Session, volume_node: Any) -> Any:
    results: list[Any] = []
    session.on_result(results.append)
    request = segment_request(DEFAULTS, session.models.bundles[0])
    session.segment(volume_node, request)
    _wait(lambda: results or not session.is_busy)
    test.assertTrue(results, session.message)
    return results[0]


def _export(test: Any, session: Session, segmentation_node: Any, volume_node: Any, folder: Path) -> None:
    masks = read_masks(segmentation_node, volume_node)
    largest = max(masks, key=lambda mask: int(mask.mask.sum()))
    edit_tools.smooth_in_plane(segmentation_node, largest.segment_id)
    choice = ExportChoice(folder, "self-test", ".nii.gz", True, True, "tg263")
    keys = [mask.organ.key for mask in masks if mask.organ is not None]
    job = ExportJob(session, segmentation_node, volume_node, choice, keys)
    job.write_files()
    ends: list[Any] = []
    job.ask_for_rtstruct(ends.append, ends.append, lambda event: None)
    _wait(lambda: ends)
    test.assertIsInstance(ends[0], dict, str(ends[0]))
    for path in choice.paths():
        test.assertTrue(path.is_file(), str(path))


def _wait(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.02)
