"""A small blinded study of two children and two sources, and a panel on it whose worker answers at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from panel.page_fixtures import body_image
from PediatricAbdomenSegLib.engine.cases.image_file import write_label_map, write_volume
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.progress import CancelToken, ignore_progress
from PediatricAbdomenSegLib.engine.ratings.assignment_files import assign
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.plan import read_plan

RATING_TAB = 3
GEOMETRY = Geometry(body_image().shape, np.diag([4.0, 4.0, 8.0, 1.0]))
BOXES = {"spleen": np.s_[8:14, 24:36, 20:26], "liver": np.s_[6:18, 20:40, 34:50]}


def labels() -> np.ndarray:
    """Spleen and liver; no pancreas."""
    array = np.zeros(GEOMETRY.shape, np.uint8)
    for key, box in BOXES.items():
        array[box] = organ_by_key(key).label
    return array


def write_rating_study(folder: Path, required=("spleen", "liver"), optional=("pancreas",), **plan) -> Path:
    """A study "Two models" with two cases and two sources, assigned; its folder."""
    cases = []
    for number in (1, 2):
        case = folder / f"child{number}"
        case.mkdir(parents=True)
        image = body_image()
        image[0, 0, 0] = number  # the two are told apart by their content
        write_volume(Volume(image, GEOMETRY), case / "ct.nii.gz")
        for source in ("alpha", "beta"):
            array = labels()
            array[0, 0, :3] = organ_by_key("spleen").label if source == "beta" else 0
            write_label_map(LabelMap(array, GEOMETRY), case / f"{source}.nii.gz")
        cases.append(
            {
                "pseudonym": f"C0{number}",
                "ct": f"child{number}/ct.nii.gz",
                "segmentations": {key: f"child{number}/{key}.nii.gz" for key in ("alpha", "beta")},
            }
        )
    values = {
        "title": "Two models",
        "raters": ["RO-1", "RO-2"],
        "sources": {"alpha": "Alphanet", "beta": "Betanet"},
        "organs": {"required": list(required), "optional": list(optional)},
        "cases": cases,
        **plan,
    }
    (folder / "plan.json").write_text(json.dumps(values), encoding="utf-8")
    create_study(folder / "study", read_plan(folder / "plan.json"), seed="3")
    assign(folder / "study")
    return folder / "study"


class RatingPanel:
    """The page Score with what plays around it."""

    def __init__(self, panel, study: Path):
        self.panel, self.study, self.page, self.ui = panel, study, panel.rating, panel.rating.ui

    def begin(self, rater: str = "RO-1", folder: Path | None = None, answer: bool = True) -> None:
        self.ui.studyPathLineEdit.currentPath = str(folder or self.study)
        self.ui.raterComboBox.setEditText(rater)
        self.ui.startButton.click()
        if answer:
            self.answer()

    def answer(self, count: int | None = None) -> None:
        """Let the worker do what it was asked for and has not done; the next ``count`` requests only."""
        from PediatricAbdomenSegLib.engine.worker.handlers import make_handlers
        from PediatricAbdomenSegLib.engine.worker.protocol import Failed, PrepareRatingCase, Result

        process = self.panel.processes.last
        if not getattr(process, "is_ready", False):
            process.is_ready = True
            process.be_ready()
        handle = make_handlers()[PrepareRatingCase]
        answered = process.__dict__.setdefault("answered", [])
        for request in [each for each in process.told(PrepareRatingCase) if each.id not in answered][:count]:
            answered.append(request.id)
            try:
                result = handle(request, ignore_progress, CancelToken())
            except Exception as error:  # noqa: BLE001 as the worker itself
                process.say(Failed(request.id, "input", error.message, error.hint, 3))
            else:
                process.say(Result(request.id, result))

    def press(self, organ: str, score: int) -> None:
        """Click one of an organ's buttons."""
        index = [row.key for row in self.page._table.rows].index(organ)
        self.ui.ratingTable.cellWidget(index, score).click()

    def scores(self) -> dict[str, int | None]:
        """As the list shows them."""
        shown = {}
        for index, row in enumerate(self.page._table.rows):
            pressed = [score for score in range(1, 6) if self.ui.ratingTable.cellWidget(index, score).checked]
            shown[row.key] = pressed[0] if pressed else None
        return shown

    def saved(self) -> list[dict]:
        """Every line on the disk."""
        files = sorted(Path(self.study).glob("ratings/*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    @property
    def message(self) -> str:
        return self.ui.messageLabel.text.replace("\u200b", "")  # where long words may be broken


@pytest.fixture
def a_rating_study(tmp_path) -> Path:
    """The study on disk."""
    return write_rating_study(tmp_path / "clinic")


@pytest.fixture
def a_rating_panel(a_panel, a_rating_study):
    """The page Score in view; nothing has begun."""
    a_panel.panel.enter()
    a_panel.tabs.setCurrentIndex(RATING_TAB)
    return RatingPanel(a_panel, a_rating_study)
