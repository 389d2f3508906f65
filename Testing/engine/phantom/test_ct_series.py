"""A phantom on disk is a CT series that other programs accept."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
from PediatricAbdomenSegLib.engine.errors import ResourceError, UsageError
from PediatricAbdomenSegLib.engine.phantom.ct_series import write_phantom
from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
from PediatricAbdomenSegLib.engine.phantom.spec import POSITIONS, PhantomSpec


@pytest.fixture(scope="module", params=POSITIONS)
def a_written_phantom(request, tmp_path_factory):
    spec = PhantomSpec(age_years=1.5, seed=5, slices=8, spacing_mm=(6, 4, 5), position=request.param, tumour_ml=30)
    phantom = make_phantom(spec)
    return phantom, write_phantom(phantom, tmp_path_factory.mktemp("phantom") / "out")


def test_the_series_reads_back_voxel_for_voxel_on_the_same_grid(a_written_phantom):
    phantom, folder = a_written_phantom
    volume = read_series(folder / "ct")
    assert np.array_equal(volume.array, phantom.volume.array)
    assert volume.geometry.is_close_to(phantom.volume.geometry)
    assert volume.references.patient_position == phantom.spec.position
    assert volume.references.patient_age_years == pytest.approx(1.5, abs=0.1)


def test_the_truth_lies_on_the_series_grid(a_written_phantom):
    phantom, folder = a_written_phantom
    truth = read_label_map(folder / "labels.nii.gz")
    assert np.array_equal(truth.array, phantom.labels.array)
    assert truth.geometry.is_close_to(phantom.volume.geometry)


def test_the_case_description_holds_what_was_asked_and_true_volumes(a_written_phantom):
    phantom, folder = a_written_phantom
    case = json.loads((folder / "case.json").read_text())
    assert case["position"] == phantom.spec.position
    assert case["volume_ml"]["hepatoblastoma"] > 0
    assert "phantom" in case["notice"].lower()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dicom3tools")
def test_dciodvfy_finds_no_error(a_written_phantom):
    _, folder = a_written_phantom
    said = subprocess.run(["dciodvfy", folder / "ct" / "slice_0001.dcm"], capture_output=True, text=True).stderr
    assert not [line for line in said.splitlines() if line.startswith("Error")]


def test_a_phantom_written_twice_replaces_the_first(a_written_phantom, tmp_path):
    phantom, _ = a_written_phantom
    for _ in range(2):
        write_phantom(phantom, tmp_path / "twice")
    assert len(list((tmp_path / "twice" / "ct").glob("*.dcm"))) == 8
    assert [p.name for p in tmp_path.iterdir()] == ["twice"]


@pytest.mark.parametrize("name", ["ct/IM1", "labels.nii.gz", "case.json"])
def test_what_is_no_phantom_is_not_replaced(a_written_phantom, tmp_path, name):
    phantom, _ = a_written_phantom
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match="which would be lost"):
        write_phantom(phantom, tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [name]


def test_the_present_folder_may_be_named_by_a_dot(a_written_phantom, tmp_path, monkeypatch):
    phantom, _ = a_written_phantom
    monkeypatch.chdir(tmp_path)
    write_phantom(phantom, ".")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case.json", "ct", "labels.nii.gz"]


def test_a_folder_that_cannot_be_written_is_named(a_written_phantom, tmp_path):
    phantom, _ = a_written_phantom
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="file"):
        write_phantom(phantom, tmp_path / "file" / "out")
