"""``pedseg rtstruct read``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from rtstruct_builder import on_slice, square, write_structure_set

SHAPE = (6, 40, 48)


@pytest.fixture
def a_ct(tmp_path):
    return write_series(tmp_path / "ct", shape=SHAPE)


@pytest.fixture
def a_structure_set(a_ct, tmp_path):
    references = read_references(a_ct)
    rois = [
        ("Leber", [on_slice(references, 2, square(5, 5, 24, 24))]),
        ("L Kidney", [on_slice(references, 2, square(20, 5, 29, 14))]),
        ("Kidneys", [on_slice(references, 2, square(1, 1, 2, 2))]),
        ("BODY", [on_slice(references, 2, square(0, 0, 40, 35))]),
    ]
    return write_structure_set(tmp_path / "rt.dcm", references, rois)


def test_certain_rois_become_a_label_map(pedseg, a_ct, a_structure_set, tmp_path):
    outcome = pedseg("rtstruct", "read", a_structure_set, a_ct, "--output", tmp_path / "labels.nii.gz")
    assert outcome.code == 0, outcome.err
    labels = read_label_map(tmp_path / "labels.nii.gz").array
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {
        0: labels.size - 450,
        4: 100,  # kidneys have the higher priority
        6: 350,
    }
    assert "Leber: liver" in outcome.out
    assert "Kidneys: perhaps kidney_left or kidney_right" in outcome.out
    assert "2 organs written" in outcome.out
    assert "50 voxels lie in several organs" in outcome.err


def test_a_segmentation_for_slicer_has_the_organs_as_segments(pedseg, a_ct, a_structure_set, tmp_path):
    outcome = pedseg("rtstruct", "read", a_structure_set, a_ct, "--output", tmp_path / "labels.seg.nrrd")
    assert outcome.code == 0, outcome.err
    assert set(np.unique(read_label_map(tmp_path / "labels.seg.nrrd").array)) == {0, 4, 6}


def test_without_output_the_rois_are_only_listed(pedseg, a_ct, a_structure_set):
    outcome = pedseg("rtstruct", "read", a_structure_set, a_ct, "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out.splitlines()[-1])["result"]
    assert [roi["organ"] for roi in result["rois"]] == ["liver", "kidney_left", None, None]
    assert result["rois"][0]["volume_ml"] == pytest.approx(400 * 2.0 * 1.5 * 0.8 / 1000)


def test_an_roi_can_be_assigned_and_chosen(pedseg, a_ct, a_structure_set, tmp_path):
    options = ("--roi", "BODY", "--assign", "BODY=stomach_bowel")
    outcome = pedseg("rtstruct", "read", a_structure_set, a_ct, "--output", tmp_path / "labels.nrrd", *options)
    assert outcome.code == 0, outcome.err
    assert set(np.unique(read_label_map(tmp_path / "labels.nrrd").array)) == {0, 9}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--assign", "BODY"), 2, "is not NAME=ORGAN"),
        (("--assign", "BODY=nose"), 2, "There is no organ 'nose'"),
        (("--assign", "Nobody=liver"), 2, "There is no ROI Nobody"),
        (("--roi", "Nobody"), 2, "has no ROI Nobody"),
        (("--assign", "BODY=liver"), 3, 'The ROIs "Leber" and "BODY" are both Liver'),
        (("--output", "labels.txt"), 2, "no known image suffix"),
    ],
)
def test_what_cannot_be_done_is_said(pedseg, a_ct, a_structure_set, tmp_path, options, code, said):
    outcome = pedseg("rtstruct", "read", a_structure_set, a_ct, "--output", tmp_path / "labels.nrrd", *options)
    assert outcome.code == code
    assert said in outcome.err
    assert not list(tmp_path.glob("labels*"))


def test_a_ct_with_a_missing_slice_is_read_when_gaps_may_be_filled(pedseg, tmp_path):
    ct = write_series(tmp_path / "ct", shape=SHAPE, change=lambda index, dataset: index != 3)
    references = read_references(ct)
    outline = square(5, 5, 14, 14)
    rois = [("Liver", [on_slice(references, index, outline) for index in range(len(references.slices))])]
    file = write_structure_set(tmp_path / "rt.dcm", references, rois)
    output = tmp_path / "labels.nii.gz"
    assert pedseg("rtstruct", "read", file, ct, "--output", output).code == 3
    outcome = pedseg("rtstruct", "read", file, ct, "--output", output, "--fill-gaps")
    assert outcome.code == 0, outcome.err
    assert np.count_nonzero(read_label_map(output).array) == 6 * 100


def test_contours_and_body_of_a_single_slice_go_out_and_come_back(pedseg, tmp_path):
    hounsfield = np.full((1, 40, 48), -1000)
    hounsfield[:, 4:36, 4:44] = 40
    ct = write_series(tmp_path / "ct", spacing_mm=(10.0, 3.0, 3.0), hounsfield=hounsfield)
    references = read_references(ct)
    rois = [("Liver", [on_slice(references, 0, square(5, 5, 14, 14))])]
    file = write_structure_set(tmp_path / "rt.dcm", references, rois)
    labels = tmp_path / "labels.nii.gz"
    outcome = pedseg("rtstruct", "read", file, ct, "--output", labels)
    assert outcome.code == 0, outcome.err
    again = tmp_path / "again.dcm"
    outcome = pedseg("rtstruct", "export", ct, labels, "--body", "--output", again)
    assert outcome.code == 0, outcome.err
    assert "Liver: liver, 9.0 ml" in pedseg("rtstruct", "read", again, ct).out
