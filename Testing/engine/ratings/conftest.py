"""A small study on disk: two children, two sources, two raters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ct_series_builder import write_series
from label_map_builder import write_contours
from PediatricAbdomenSegLib.engine.ratings.assignment_files import assign
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.plan import read_plan

PIXELS = np.arange(32, dtype=np.int16).reshape(2, 4, 4)


def write_files(folder: Path) -> Path:
    """Two CTs and four label maps, all different; the folder of the plan."""
    for number, name in enumerate(("Johanna^Müller", "Li^Bo"), start=1):

        def named(index, dataset, name=name, number=number):
            dataset.SpecificCharacterSet = "ISO_IR 192"
            dataset.PatientName, dataset.PatientID = name, f"48151{number}"
            dataset.PatientBirthDate = "20190307"

        write_series(folder / f"child{number}" / "ct", hounsfield=PIXELS, change=named)
        for place, source in enumerate(("a", "manual")):
            write_contours(folder / f"child{number}" / f"{source}.nii.gz", 2 * number + place)
    return folder


def plan_values() -> dict:
    """What a person writes."""
    return {
        "title": "Two models",
        "raters": ["RO-1", "Łukasz Ångström"],
        "sources": {"model-a": "Model A", "manual": "Manual contours"},
        "organs": {"required": ["liver", "kidney_left"], "optional": ["pancreas"]},
        "bundles": {"model-a": "ab" * 32},
        "cases": [
            {
                "pseudonym": f"C0{number}",
                "ct": f"child{number}/ct",
                "segmentations": {"model-a": f"child{number}/a.nii.gz", "manual": f"child{number}/manual.nii.gz"},
                "age_group": "3-4",
                "sex": "F",
                "contrast": True,
                "tumour_type": "renal",
            }
            for number in (1, 2)
        ],
    }


@pytest.fixture
def files(tmp_path) -> Path:
    """CTs and contours of two children, and no study yet."""
    return write_files(tmp_path / "clinic")


@pytest.fixture
def a_plan(files):
    """Write plan.json beside the files, with members changed, and read it."""

    def make(**changes):
        path = files / "plan.json"
        path.write_text(json.dumps({**plan_values(), **changes}), encoding="utf-8")
        return read_plan(path)

    return make


@pytest.fixture
def a_study(tmp_path, a_plan) -> Path:
    """A blinded study, assigned to both raters with one repeat."""
    folder = tmp_path / "study"
    create_study(folder, a_plan(), seed="7")
    assign(folder, repeats=1)
    return folder
