"""``pedseg rtstruct export``: names, styles, and ROIs in an existing RTSTRUCT."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from PediatricAbdomenSegLib.engine.cases.image_file import write_label_map
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"


@pytest.fixture
def a_result(tmp_path, write_ct):
    """The arguments CT and label map: a liver and a left kidney."""
    ct = write_ct(tmp_path / "ct")
    geometry = read_case(ct).geometry
    labels = np.zeros(geometry.shape, np.uint8)
    y, x = np.indices(geometry.shape[1:])
    labels[2:5, (y - 15) ** 2 + (x - 15) ** 2 < 100] = 6
    labels[3:6, (y - 30) ** 2 + (x - 35) ** 2 < 36] = 4
    write_label_map(LabelMap(labels, geometry), tmp_path / "labels.nii.gz")
    return ct, tmp_path / "labels.nii.gz"


def _names(path) -> list[str]:
    return [item.ROIName for item in dcmread(path).StructureSetROISequence]


def test_one_organ_is_replaced_in_an_rtstruct_and_the_others_stay(pedseg, a_result, tmp_path):
    pedseg("rtstruct", "export", *a_result, "--output", tmp_path / "a.dcm")
    first = _names(tmp_path / "a.dcm")
    command = ["rtstruct", "export", *a_result, "--output", tmp_path / "b.dcm", "--append-to", tmp_path / "a.dcm"]
    outcome = pedseg(*command, "--organs", "liver", "--edited", "liver", "--replace", "Liver")
    assert outcome.code == 0, outcome.err
    assert _names(tmp_path / "b.dcm") == first
    rois = {roi.ROIName: roi for roi in dcmread(tmp_path / "b.dcm").StructureSetROISequence}
    assert rois["Liver"].ROIGenerationAlgorithm == "SEMIAUTOMATIC"


def test_every_roi_of_the_same_organs_is_replaced_on_request(pedseg, a_result, tmp_path):
    pedseg("rtstruct", "export", *a_result, "--output", tmp_path / "a.dcm")
    command = ["rtstruct", "export", *a_result, "--output", tmp_path / "b.dcm", "--append-to", tmp_path / "a.dcm"]
    assert pedseg(*command, "--names", "short", "--replace-same").code == 0
    assert _names(tmp_path / "b.dcm") == _names(tmp_path / "a.dcm")


def test_an_roi_that_is_not_there_is_named_with_those_that_are(pedseg, a_result, tmp_path):
    pedseg("rtstruct", "export", *a_result, "--output", tmp_path / "a.dcm")
    command = ["rtstruct", "export", *a_result, "--output", tmp_path / "b.dcm", "--append-to", tmp_path / "a.dcm"]
    outcome = pedseg(*command, "--replace", "Leber")
    assert outcome.code == 2
    assert "Leber" in outcome.err and "Liver" in outcome.err


def test_styles_that_cost_voxels_are_said_and_others_are_not(pedseg, a_result, tmp_path):
    command = ["rtstruct", "export", *a_result, "--output", tmp_path / "a.dcm"]
    assert "Note" not in pedseg(*command, "--smooth", "--simplify").out
    assert "Note: Outlines are smoothed by up to 0.5" in pedseg(*command, "--smooth", "0.5", "--simplify", "0.5").out


def test_names_for_people_are_written_on_request(pedseg, a_result, tmp_path):
    outcome = pedseg("rtstruct", "export", *a_result, "--output", tmp_path / "a.dcm", "--names", "display", "--json")
    result = json.loads(outcome.out.splitlines()[-1])["result"]
    assert result["rois"] == _names(tmp_path / "a.dcm")
    assert result["rois"] == ["Left kidney", "Liver"]


@pytest.mark.parametrize("command", ["rtstruct", "seg"])
def test_no_input_is_overwritten(pedseg, a_result, command):
    ct, labels = a_result
    for file in (labels, ct / "slice3.dcm"):
        before = file.read_bytes()
        outcome = pedseg(command, "export", ct, labels, "--output", file)
        assert outcome.code == 2 and f"The output {file} is one of the inputs" in outcome.err
        assert file.read_bytes() == before


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # of writing such a header here
def test_warnings_of_libraries_reach_nobody_but_who_debugs(tmp_path, write_ct):
    def change(index, dataset):
        dataset.add_new("PatientID", "LO", "GEHEIM" + "9" * 70)  # pydicom warns of more than 64 characters
        dataset.SpecificCharacterSet = "FOO"

    ct = write_ct(tmp_path / "ct", change)
    command = [sys.executable, "-m", "PediatricAbdomenSegLib.engine.cli.__main__", "segment", str(ct)]
    command += ["--output", str(tmp_path / "out"), "--series", "1.2.3"]
    for options, expected in (((), False), (("--debug",), True)):
        done = subprocess.run([*command, *options], env={**os.environ, "PYTHONPATH": str(LIBRARY)}, capture_output=True)
        assert done.returncode == 3 and (b"Warning" in done.stderr) == expected
