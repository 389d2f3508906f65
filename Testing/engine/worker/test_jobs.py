"""From an input path to a folder of results, with a segmenter handed in."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from cancelling_token import CancellingToken
from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map, write_volume
from PediatricAbdomenSegLib.engine.cases.volume import Volume
from PediatricAbdomenSegLib.engine.checksums import sha256_of_file
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError, ModelError, ResourceError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.pipeline import InferenceOptions
from PediatricAbdomenSegLib.engine.progress import CancelToken
from PediatricAbdomenSegLib.engine.worker.jobs import SegmentJob, segment_case

SHAPE = (6, 40, 48)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_dicom_series_gives_all_five_files(run, a_ct_folder, tmp_path):
    run(a_ct_folder)
    assert names_in(tmp_path / "out") == {
        "labels.nii.gz",
        "segmentation.seg.nrrd",
        "rtstruct.dcm",
        "preview.png",
        "result.json",
    }


def test_an_image_file_gives_no_rtstruct(run, a_nifti, tmp_path):
    run(a_nifti)
    assert names_in(tmp_path / "out") == {"labels.nii.gz", "segmentation.seg.nrrd", "preview.png", "result.json"}


def test_the_entropy_map_is_written_where_it_is_asked_for(a_nifti, a_bundle, a_segmenter, tmp_path):
    def segment(**options):
        job = SegmentJob(a_nifti, tmp_path / "out", options=InferenceOptions(**options))
        return segment_case(job, segmenter=a_segmenter, find=lambda name: a_bundle)

    assert "entropy.nii.gz" in segment(entropy=True)["files"]
    entropy = sitk.ReadImage(str(tmp_path / "out" / "entropy.nii.gz"))
    labels = sitk.ReadImage(str(tmp_path / "out" / "labels.nii.gz"))
    assert entropy.GetPixelID() == sitk.sitkFloat32 and entropy.IsSameImageGeometryAs(labels)
    values = sitk.GetArrayFromImage(entropy)
    assert np.unique(values[sitk.GetArrayFromImage(labels) == 6]) == pytest.approx([6 * 10 / 255])
    assert "entropy.nii.gz" not in segment()["files"] and not (tmp_path / "out" / "entropy.nii.gz").exists()


def test_a_result_without_any_organ_gives_no_rtstruct(run, a_ct_folder, a_segmenter, tmp_path):
    a_segmenter.empty = True
    record = run(a_ct_folder)
    assert "rtstruct.dcm" not in record["files"] and [organ["voxels"] for organ in record["organs"]] == [0, 0]
    assert record["notes"] == ["No rtstruct.dcm: nothing was found."]


def test_a_series_that_contours_cannot_refer_to_is_segmented_all_the_same(run, tmp_path):
    def lose_study_uid(index, dataset):
        dataset.StudyInstanceUID = ""

    record = run(write_series(tmp_path / "ct", SHAPE, change=lose_study_uid))
    assert "labels.nii.gz" in record["files"] and "rtstruct.dcm" not in record["files"]
    assert "Study Instance UID (0020,000D)" in record["notes"][0]


def test_the_label_map_on_disk_is_the_one_that_was_found(run, a_nifti, tmp_path):
    run(a_nifti)
    labels = read_label_map(tmp_path / "out" / "labels.nii.gz").array
    assert np.count_nonzero(labels == 6) == 4 * 20 * 20 and np.count_nonzero(labels == 1) == 2 * 10 * 10


def test_the_record_describes_organs_geometry_model_and_files(run, a_nifti, tmp_path):
    record = run(a_nifti)
    assert record == json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    liver = next(organ for organ in record["organs"] if organ["key"] == "liver")
    assert (liver["label"], liver["voxels"], liver["volume_ml"], liver["pieces"]) == (6, 1600, 19.2, 1)
    assert (liver["display_name"], liver["tg263_name"]) == ("Liver", "Liver")
    assert record["geometry"]["shape_zyx"] == [6, 40, 48]
    assert record["geometry"]["spacing_zyx_mm"] == [3.0, 2.0, 2.0]
    assert record["geometry"]["orientation_xyz"] == "LPS"
    assert (record["model"]["name"], record["model"]["sha256"]) == ("toy", "ab" * 32)
    assert record["note"] == "demonstration model, not for clinical use"
    assert set(record["seconds"]) == {"read", "network", "write", "total"}
    for name, digest in record["files"].items():
        assert sha256_of_file(tmp_path / "out" / name) == digest


def test_values_that_are_no_hounsfield_units_are_pointed_out(run, tmp_path):
    array = np.random.default_rng(1).integers(0, 800, SHAPE).astype(np.int16)
    write_volume(Volume(array, Geometry(SHAPE, np.diag([-2.0, -2.0, 3.0, 1.0]))), tmp_path / "mr.nii.gz")
    assert run(tmp_path / "mr.nii.gz")["notes"] == [
        "The lowest value is 0, but a CT holds air near -1000 HU: check that this is a CT."
    ]


@pytest.mark.parametrize(("age", "is_said"), [("000D", False), ("017Y", False), ("018Y", True), ("", False)])
def test_a_patient_whom_the_model_is_not_meant_for_is_pointed_out_without_the_age(run, tmp_path, age, is_said):
    def change(index, dataset):
        dataset.PatientAge, dataset.PatientBirthDate = age, ""

    notes = run(write_series(tmp_path / "ct", SHAPE, change=change))["notes"]
    expected = "The model is meant for 0 to 17 years, the patient is not: check with care."
    assert (expected in notes) == is_said and "18" not in " ".join(notes)


def test_the_record_names_neither_patient_nor_path(run, a_ct_folder, tmp_path):
    run(a_ct_folder)
    text = (tmp_path / "out" / "result.json").read_text("utf-8")
    for secret in ("Ünal", "Doe", "P-1", "Иванов", str(tmp_path), tmp_path.name):
        assert secret not in text


def test_progress_never_falls_and_ends_at_one(run, a_ct_folder):
    events = []
    run(a_ct_folder, on_progress=events.append)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert list(dict.fromkeys(event.stage for event in events)) == ["read", "network", "write"]


@pytest.mark.parametrize("error", [ModelError("weights"), ResourceError("memory"), Cancelled(), ZeroDivisionError()])
def test_a_run_that_fails_leaves_nothing_behind(run, a_nifti, a_segmenter, tmp_path, error):
    a_segmenter.error = error
    before = names_in(tmp_path)
    with pytest.raises(type(error)):
        run(a_nifti, tmp_path / "new" / "deep" / "out")
    assert names_in(tmp_path) == before


def test_a_run_that_fails_keeps_the_earlier_result(run, a_ct_folder, a_segmenter, tmp_path):
    run(a_ct_folder)
    earlier = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    a_segmenter.error = ResourceError("memory")
    with pytest.raises(ResourceError):
        run(a_ct_folder)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == earlier


def test_a_new_result_replaces_the_earlier_one_whole_and_leaves_other_files_alone(run, a_ct_folder, a_nifti, tmp_path):
    run(a_ct_folder)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    run(a_nifti)
    assert "rtstruct.dcm" not in names_in(tmp_path / "out")  # of the other input
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_contours_of_a_large_case_can_be_cancelled_between_two_organs(run, a_ct_folder):
    fractions = []
    run(a_ct_folder, on_progress=lambda event: event.stage == "write" and fractions.append(event.fraction))
    # Of the last 12 %, labels and seg.nrrd take the first half, contours the share from 0.94 to 0.976.
    assert [each for each in fractions if 0.941 < each < 0.975]


def test_a_dicom_seg_of_a_large_case_can_be_cancelled_between_two_organs(a_ct_folder, a_segmenter, a_bundle, tmp_path):
    fractions = []
    job = SegmentJob(a_ct_folder, tmp_path / "out", dicom_seg=True)
    segment_case(job, lambda event: fractions.append(event.fraction), segmenter=a_segmenter, find=lambda name: a_bundle)
    assert len([each for each in fractions if 0.9641 < each < 0.9759]) >= 2  # contours end at 0.964, all at 0.976


@pytest.mark.parametrize("stage", ["read", "network", "write"])
def test_cancelling_in_any_stage_leaves_nothing(run, a_ct_folder, tmp_path, stage):
    cancel = CancelToken()

    def stop_at_stage(event):
        if event.stage == stage:
            cancel.cancel()

    with pytest.raises(Cancelled):
        run(a_ct_folder, on_progress=stop_at_stage, cancel=cancel)
    assert not (tmp_path / "out").exists()


def test_the_hashing_of_a_large_input_is_given_up_midway(run, a_bundle, a_segmenter, tmp_path):
    volume = Volume(
        np.random.default_rng(1).integers(-900, 900, (30, 200, 500)).astype(np.int16),
        Geometry((30, 200, 500), np.eye(4)),
    )
    write_volume(volume, tmp_path / "large.nrrd")  # 6 MB
    token, events = CancellingToken(at=4), []
    with pytest.raises(Cancelled):
        run(tmp_path / "large.nrrd", cancel=token, on_progress=events.append)
    assert token.looks == 4 and events == [] and not (tmp_path / "out").exists()


def test_cancelling_at_the_very_end_leaves_nothing(run, a_ct_folder, tmp_path):
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        run(a_ct_folder, on_progress=lambda event: event.fraction == 1 and cancel.cancel(), cancel=cancel)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_noticed_before_the_network_runs(run, a_nifti, a_segmenter, tmp_path):
    with pytest.raises(ResourceError, match="No space left.* has 1 MB"):
        run(a_nifti, free=lambda folder: 1_000_000)
    assert a_segmenter.runs == [] and not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_refused(run, a_nifti, tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        run(a_nifti)


def test_resume_keeps_a_complete_result_of_the_same_run(run, a_ct_folder, a_segmenter):
    first = run(a_ct_folder, resume=True)
    assert run(a_ct_folder, resume=True) == first
    assert len(a_segmenter.runs) == 1


def spoil_nothing_but_the_options(out, ct, arguments):
    arguments["options"] = InferenceOptions(exact=True)


def cut_a_file_short(out, ct, arguments):
    os.truncate(out / "labels.nii.gz", 10)


def lose_a_file(out, ct, arguments):
    (out / "preview.png").unlink()


def change_the_input(out, ct, arguments):
    (ct / "slice5.dcm").unlink()


def cut_the_record_short(out, ct, arguments):
    os.truncate(out / "result.json", 100)


def replace_the_record(out, ct, arguments):
    (out / "result.json").write_text("[]")


@pytest.mark.parametrize(
    "change",
    [
        spoil_nothing_but_the_options,
        cut_a_file_short,
        lose_a_file,
        change_the_input,
        cut_the_record_short,
        replace_the_record,
    ],
)
def test_resume_runs_again_after_a_change(a_ct_folder, a_bundle, a_segmenter, tmp_path, change):
    arguments = {"options": InferenceOptions()}

    def go():
        job = SegmentJob(a_ct_folder, tmp_path / "out", options=arguments["options"])
        segment_case(job, segmenter=a_segmenter, find=lambda name: a_bundle, resume=True)

    go()
    change(tmp_path / "out", a_ct_folder, arguments)
    go()
    assert len(a_segmenter.runs) == 2


def test_what_was_changed_since_an_earlier_run_is_kept_under_another_name(run, a_ct_folder, tmp_path):
    first = run(a_ct_folder)
    assert not any("kept as" in note for note in first["notes"])
    out = tmp_path / "out"
    for number in (1, 2):
        (out / "labels.nii.gz").write_bytes(b"corrected by hand")
        record = run(a_ct_folder)
        assert record["notes"][-1].endswith(f"kept as labels.edited-{number}.nii.gz.")
        assert (out / f"labels.edited-{number}.nii.gz").read_bytes() == b"corrected by hand"
        assert record["files"]["labels.nii.gz"] == first["files"]["labels.nii.gz"]
        assert sha256_of_file(out / "labels.nii.gz") == first["files"]["labels.nii.gz"]
    run(a_ct_folder)
    assert len(list(out.glob("*edited*"))) == 2


def test_resume_does_not_mind_a_moved_input(run, a_ct_folder, a_segmenter, tmp_path):
    run(a_ct_folder, resume=True)
    shutil.move(a_ct_folder, tmp_path / "elsewhere")
    run(tmp_path / "elsewhere", resume=True)
    assert len(a_segmenter.runs) == 1


def test_resume_does_not_mind_results_inside_the_input(run, a_ct_folder, a_segmenter):
    for _ in range(2):
        run(a_ct_folder, a_ct_folder / "out", resume=True)
    assert len(a_segmenter.runs) == 1


@pytest.mark.parametrize("output", [".", "..", "../.."], ids=["in the input", "above it", "two above it"])
def test_resume_notices_another_patient_where_results_lie_in_or_above_the_input(run, a_ct_folder, a_segmenter, output):
    results = (a_ct_folder / output).resolve()
    for _ in range(2):
        run(a_ct_folder, results, resume=True)
    assert len(a_segmenter.runs) == 1
    write_series(a_ct_folder, SHAPE)  # the same names, other instances
    run(a_ct_folder, results, resume=True)
    assert len(a_segmenter.runs) == 2


def test_resume_notices_another_image_file_in_the_folder_of_the_results(run, a_nifti, a_segmenter):
    for _ in range(2):
        run(a_nifti, a_nifti.parent, resume=True)
    assert len(a_segmenter.runs) == 1
    write_volume(Volume(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), Geometry(SHAPE, np.eye(4))), a_nifti)
    run(a_nifti, a_nifti.parent, resume=True)
    assert len(a_segmenter.runs) == 2


def test_resume_notices_a_changed_slice_beside_the_dicom_file_given(run, a_ct_folder, a_segmenter):
    for _ in range(2):
        run(a_ct_folder / "slice1.dcm", resume=True)
    assert len(a_segmenter.runs) == 1
    (a_ct_folder / "slice5.dcm").unlink()
    run(a_ct_folder / "slice1.dcm", resume=True)
    assert len(a_segmenter.runs) == 2


def test_resume_notices_changed_voxels_beside_a_detached_header(run, a_nifti, a_segmenter, tmp_path):
    sitk.WriteImage(sitk.ReadImage(str(a_nifti)), str(tmp_path / "case.mhd"))
    for _ in range(2):
        run(tmp_path / "case.mhd", resume=True)
    assert len(a_segmenter.runs) == 1
    voxels = bytearray((tmp_path / "case.raw").read_bytes())
    voxels[:2] = b"\x00\x00"
    (tmp_path / "case.raw").write_bytes(voxels)
    run(tmp_path / "case.mhd", resume=True)
    assert len(a_segmenter.runs) == 2


def test_an_input_that_does_not_exist_is_an_input_error(run, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        run(tmp_path / "nowhere")
