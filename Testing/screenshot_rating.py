"""The page Score in its states, on a study made of the phantom."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PediatricAbdomenSegLib.engine.organs import ORGANS
from PediatricAbdomenSegLib.engine.progress import CancelToken, ignore_progress
from PediatricAbdomenSegLib.engine.ratings.assignment_files import assign
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.plan import read_plan
from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers
from PediatricAbdomenSegLib.engine.worker.protocol import PrepareRatingCase, Result
from screenshot_stage import Stage

_SHOWN_FOLDER = "/home/user/reader-study"
_SCORES = (5, 4, 4, 5, 3, 5, 4)


def choose_study(stage: Stage) -> None:
    """The form is filled in."""
    folder = _write_study(stage.folder)
    ui = stage.ui["RatingPage"]
    ui.studyPathLineEdit.currentPath = str(folder)
    ui.raterComboBox.setEditText("RO-1")
    ui.studyPathLineEdit.blockSignals(True)
    ui.studyPathLineEdit.currentPath = _SHOWN_FOLDER


def score_some_organs(stage: Stage) -> None:
    """In the middle of the first case."""
    page, ui = stage.panel.pages["RatingPage"], stage.ui["RatingPage"]
    ui.studyPathLineEdit.currentPath = str(stage.folder / "study")
    ui.startButton.click()
    _answer(stage)
    for organ, score in zip(ORGANS, _SCORES, strict=False):
        page.score(organ.key, score)
    page._table.select(ORGANS[4].key)
    ui.commentLineEdit.text = "upper pole missing"
    ui.tagsListWidget.item(1).setCheckState(stage.host.qt.Qt.Checked)


def miss_a_case(stage: Stage) -> None:
    """The second case is not where it was."""
    shutil.move(stage.folder / "c01", stage.folder / "moved")
    stage.ui["RatingPage"].nextCaseButton.click()
    label = stage.ui["RatingPage"].messageLabel
    label.text = "\n".join(text.replace(str(stage.folder), "/home/user") for text in label.text.splitlines())


def finish(stage: Stage) -> None:
    """Every organ of every case is scored."""
    page = stage.panel.pages["RatingPage"]
    shutil.move(stage.folder / "moved", stage.folder / "c01")
    for index in range(2):
        page.go_to(index)
        _answer(stage)
        for place, organ in enumerate(ORGANS):
            page.score(organ.key, _SCORES[place % len(_SCORES)])


def leave_off(stage: Stage) -> None:
    """Back to the form."""
    stage.panel.pages["RatingPage"].end()


def _answer(stage: Stage) -> None:
    """Let the worker prepare what it was asked for."""
    process, handle = stage.processes.last, make_handlers()[PrepareRatingCase]
    process.be_ready()
    for request in process.told(PrepareRatingCase):
        if not (Path(request.output) / "image.nrrd").exists() and Path(request.output).exists():
            process.say(Result(request.id, handle(request, ignore_progress, CancelToken())))


def _write_study(folder: Path) -> Path:
    shutil.copytree(folder / "phantom" / "ct", folder / "c01")  # a path must not hold the patient's name
    plan = {
        "title": "Two models, one child",
        "raters": ["RO-1", "RO-2"],
        "sources": {"a": "A", "b": "B"},
        "organs": {"required": [organ.key for organ in ORGANS], "optional": []},
        "cases": [{"pseudonym": "C01", "ct": "c01", "segmentations": dict.fromkeys("ab", "phantom/labels.nii.gz")}],
    }
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    create_study(folder / "study", read_plan(folder / "plan.json"), seed="1")
    assign(folder / "study")
    return folder / "study"
