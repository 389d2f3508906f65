"""``pedseg segment`` with the toy bundle and a real, untrained network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.cases.image_file import read_scalar_map
from PediatricAbdomenSegLib.engine.cli import segment
from PediatricAbdomenSegLib.engine.cli.__main__ import make_parser
from PediatricAbdomenSegLib.engine.cli.segment import make_job
from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.worker.protocol import CancelledEvent, Failed, Progress, Result, decode_event

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"


def json_lines(outcome):
    return [decode_event(line.encode()) for line in outcome.out.splitlines()]


@pytest.fixture
def patients(tmp_path, write_ct, write_image) -> Path:
    """Three patients: DICOM, one slice only, NIfTI."""
    folder = tmp_path / "patients"
    write_ct(folder / "anna")
    write_ct(folder / "bad", lambda index, dataset: index == 0)
    write_image(folder / "carl" / "ct.nii.gz")
    return folder


def test_a_person_gets_one_line_per_organ_and_the_notice(pedseg, tmp_path, write_ct):
    outcome = pedseg("segment", write_ct(tmp_path / "ct"), "--output", tmp_path / "out", "--model", "toy")
    assert outcome.code == 0, outcome.err
    for name in ("Liver", "Spleen", "Vertebrae"):
        assert sum(line.strip().startswith(name) and " ml" in line for line in outcome.out.splitlines()) == 1
    assert "DEMONSTRATION MODEL, NOT FOR CLINICAL USE" in outcome.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "labels.nii.gz",
        "preview.png",
        "result.json",
        "rtstruct.dcm",
        "segmentation.seg.nrrd",
    ]


def test_a_script_gets_json_lines_and_nothing_else(pedseg, tmp_path, write_image):
    image = write_image(tmp_path / "case.nii.gz")
    events = json_lines(pedseg("segment", image, "--output", tmp_path / "out", "--model", "toy", "--json"))
    assert all(isinstance(event, Progress) for event in events[:-1]) and len(events) > 4
    assert isinstance(events[-1], Result)
    assert events[-1].result == json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))


def test_a_script_is_told_of_a_failure_too(pedseg, tmp_path):
    outcome = pedseg("segment", tmp_path / "nowhere", "--output", tmp_path / "out", "--model", "toy", "--json")
    (event,) = (each for each in json_lines(outcome) if not isinstance(each, Progress))
    assert isinstance(event, Failed) and (event.kind, event.exit_code) == ("input", 3)


def test_only_the_organs_asked_for_are_in_the_result(pedseg, tmp_path, write_image):
    image = write_image(tmp_path / "case.nii.gz")
    arguments = ["segment", image, "--output", tmp_path / "out", "--model", "toy", "--organs", "liver"]
    assert pedseg(*arguments).code == 0
    record = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert [organ["key"] for organ in record["organs"]] == ["liver"]


def test_a_map_of_the_uncertainty_comes_on_request(pedseg, tmp_path, write_image):
    arguments = ["segment", write_image(tmp_path / "case.nii.gz"), "--output", tmp_path / "out", "--model", "toy"]
    assert pedseg(*arguments, "--entropy").code == 0
    entropy = read_scalar_map(tmp_path / "out" / "entropy.nii.gz")
    assert entropy.array.shape == (8, 40, 48) and 0 < entropy.array.max() <= 1
    record = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    found = [organ for organ in record["organs"] if organ["voxels"]]
    assert found and all(0 < organ["mean_entropy"] <= 1 for organ in found)


def test_low_memory_is_handed_to_the_engine_and_finds_the_same(pedseg, tmp_path, write_image):
    arguments = ["segment", write_image(tmp_path / "case.nii.gz"), "--model", "toy", "--output"]
    parsed = make_parser().parse_args([str(each) for each in (*arguments, tmp_path / "low", "--low-memory")])
    assert make_job(parsed, parsed.input, parsed.output).options.low_memory
    for name, options in (("plain", []), ("low", ["--low-memory"])):
        assert pedseg(*arguments, tmp_path / name, *options).code == 0
    assert (tmp_path / "plain" / "labels.nii.gz").read_bytes() == (tmp_path / "low" / "labels.nii.gz").read_bytes()


def test_a_failed_patient_does_not_stop_the_rest(pedseg, patients, tmp_path):
    outcome = pedseg("segment", patients, "--output", tmp_path / "out", "--model", "toy")
    assert outcome.code == 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["anna", "carl"]
    assert "2 of 3 patients done" in outcome.out and "bad: " in outcome.out
    assert "single slice" in outcome.err


def test_a_script_gets_one_end_per_patient(pedseg, patients, tmp_path):
    events = json_lines(pedseg("segment", patients, "--output", tmp_path / "out", "--model", "toy", "--json"))
    ends = [(type(event), event.id) for event in events if not isinstance(event, Progress)]
    assert ends == [(Result, "anna"), (Failed, "bad"), (Result, "carl")]


def test_resume_leaves_finished_patients_untouched(pedseg, patients, tmp_path):
    arguments = ["segment", patients, "--output", tmp_path / "out", "--model", "toy", "--resume"]
    pedseg(*arguments)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (tmp_path / "out" / "carl" / "preview.png").unlink()
    outcome = pedseg(*arguments)
    assert outcome.code == 3
    assert "Kept: complete results in " + str(tmp_path / "out" / "anna") in outcome.out
    assert "\nResults in " + str(tmp_path / "out" / "carl") in outcome.out
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert after.keys() == before.keys()
    assert {path.parent.name for path in after if after[path] != before[path]} == {"carl"}


def test_cancelling_a_cohort_says_how_many_patients_are_done(pedseg, patients, tmp_path, monkeypatch):
    def cancelled_at_the_second(job, *others):
        if job.input.name == "bad":
            raise Cancelled

    monkeypatch.setattr(segment, "segment_one", cancelled_at_the_second)
    outcome = pedseg("segment", patients, "--output", tmp_path / "out", "--model", "toy")
    assert outcome.code == 130 and "the results of 1 of 3 patients are kept" in outcome.err


def test_a_dicom_seg_that_cannot_be_made_is_not_missing_in_silence(pedseg, tmp_path, write_image):
    image = write_image(tmp_path / "case.nii.gz")
    outcome = pedseg("segment", image, "--output", tmp_path / "out", "--model", "toy", "--dicom-seg")
    assert "No segmentation.dcm: the input is no DICOM series." in outcome.out


def test_a_call_that_is_wrong_for_every_patient_stops_at_once(pedseg, patients, tmp_path):
    outcome = pedseg("segment", patients, "--output", tmp_path / "out", "--model", "toy", "--organs", "tail")
    assert outcome.code == 2 and outcome.err.count("tail") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_130_and_leaves_nothing(a_model, tmp_path, write_ct, number):
    write_ct(tmp_path / "ct")
    arguments = ["segment", tmp_path / "ct", "--output", tmp_path / "out", "--model", "toy", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "PediatricAbdomenSegLib.engine.cli", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    lines = [process.stdout.readline()]
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    lines += out.splitlines()
    assert process.returncode == 130, err
    assert isinstance(decode_event(lines[-1]), CancelledEvent)
    assert b"Traceback" not in err
    assert not (tmp_path / "out").exists()
