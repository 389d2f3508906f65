"""What INPUT means: one patient or a folder of patients."""

from __future__ import annotations

import sys

import pytest

from PediatricAbdomenSegLib.engine.cases.dicom_scan import scan_folder
from PediatricAbdomenSegLib.engine.cli.cohort import case_input, find_cases, folders_left_out
from PediatricAbdomenSegLib.engine.errors import InputError


def names_and_paths(cases):
    return [(case.name, case.path.name) for case in cases]


def test_a_file_is_one_patient(tmp_path, write_image):
    assert find_cases(write_image(tmp_path / "a.nii.gz")) is None


def test_a_folder_of_dicom_files_is_one_patient(tmp_path, write_ct):
    assert find_cases(write_ct(tmp_path / "ct")) is None
    assert case_input(tmp_path / "ct") == tmp_path / "ct"


def test_dicom_files_without_suffix_are_recognised(tmp_path, write_ct):
    for file in list(write_ct(tmp_path / "ct").iterdir()):
        file.rename(file.with_suffix(""))
    assert find_cases(tmp_path / "ct") is None


def test_an_empty_folder_is_read_as_one_patient_so_that_reading_says_what_is_wrong(tmp_path):
    assert find_cases(tmp_path) is None and case_input(tmp_path) == tmp_path


def test_a_folder_with_one_image_file_is_that_patient(tmp_path, write_image):
    image = write_image(tmp_path / "a.nii.gz")
    assert find_cases(tmp_path) is None and case_input(tmp_path) == image


def test_a_folder_with_several_image_files_is_a_patient_each(tmp_path, write_image):
    for name in ("b.nii.gz", "a.nrrd", "c.mha"):
        write_image(tmp_path / name)
    (tmp_path / "readme.txt").write_text("x")
    assert names_and_paths(find_cases(tmp_path)) == [("a", "a.nrrd"), ("b", "b.nii.gz"), ("c", "c.mha")]


def test_files_that_differ_in_suffix_or_case_only_keep_their_names_apart(tmp_path, write_image):
    for name in ("a.nii.gz", "A.nrrd", "b.nrrd"):
        write_image(tmp_path / name)
    assert [case.name for case in find_cases(tmp_path)] == ["A.nrrd", "a.nii.gz", "b"]


def test_subfolders_with_images_at_any_depth_are_a_patient_each(tmp_path, write_ct, write_image):
    write_ct(tmp_path / "p2" / "study" / "series")
    write_image(tmp_path / "p1" / "image" / "ct.nii.gz")
    (tmp_path / "reports").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "out").mkdir()
    cases = find_cases(tmp_path)
    assert names_and_paths(cases) == [("p1", "p1"), ("p2", "p2")]
    assert [case_input(case.path).name for case in cases] == ["ct.nii.gz", "p2"]
    assert folders_left_out(tmp_path, cases, tmp_path / "out") == ["reports"]


def test_a_single_subfolder_is_a_cohort_of_one(tmp_path, write_ct):
    write_ct(tmp_path / "p1")
    assert names_and_paths(find_cases(tmp_path)) == [("p1", "p1")]


def test_image_files_beside_subfolders_with_images_are_ambiguous(tmp_path, write_ct, write_image):
    write_ct(tmp_path / "ct")
    write_image(tmp_path / "labels.nii.gz")
    with pytest.raises(InputError, match="labels.nii.gz.*ct"):
        find_cases(tmp_path)


def test_a_patient_with_several_image_files_is_an_error_that_names_them(tmp_path, write_image):
    write_image(tmp_path / "a.nii.gz")
    write_image(tmp_path / "b.nii.gz")
    with pytest.raises(InputError, match="2 image files"):
        case_input(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_to_nowhere_is_passed_over(tmp_path, write_ct):
    for patient in ("p1", "p2"):
        write_ct(tmp_path / patient)
        (tmp_path / patient / "0").symlink_to(tmp_path / "nowhere")
    (tmp_path / "0").symlink_to(tmp_path / "nowhere")
    assert names_and_paths(find_cases(tmp_path)) == [("p1", "p1"), ("p2", "p2")]
    assert case_input(tmp_path / "p1") == tmp_path / "p1"
    assert len(scan_folder(tmp_path / "p1")) == 8


def test_the_output_folder_inside_the_input_is_no_patient(tmp_path, write_ct, write_image):
    write_ct(tmp_path / "p1")
    write_image(tmp_path / "out" / "p1" / "labels.nii.gz")
    assert names_and_paths(find_cases(tmp_path, leave_out=tmp_path / "out")) == [("p1", "p1")]


def test_an_output_folder_deep_inside_the_input_is_no_patient(tmp_path, write_ct, write_image):
    write_ct(tmp_path / "p1" / "ct")
    write_image(tmp_path / "p1" / "ours" / "labels.nii.gz")
    write_image(tmp_path / "results" / "run1" / "p1" / "labels.nii.gz")
    cases = find_cases(tmp_path, leave_out=tmp_path / "results" / "run1")
    assert names_and_paths(cases) == [("p1", "p1")]
    assert folders_left_out(tmp_path, cases, tmp_path / "results" / "run1") == []


def test_results_of_an_earlier_run_are_no_patient(tmp_path, write_ct, write_image):
    write_ct(tmp_path / "p1")
    write_image(tmp_path / "of another model" / "p1" / "labels.nii.gz")
    (tmp_path / "of another model" / "p1" / "result.json").touch()
    assert names_and_paths(find_cases(tmp_path)) == [("p1", "p1")]


def test_an_image_file_with_results_beside_it_is_still_that_patient(tmp_path, write_image):
    for folder in (tmp_path / "p1", tmp_path / "p2"):
        for name in ("ct.nii.gz", "labels.nii.gz", "segmentation.seg.nrrd"):
            write_image(folder / name)
        (folder / "result.json").touch()
    assert find_cases(tmp_path / "p1") is None
    assert [case_input(case.path).name for case in find_cases(tmp_path)] == ["ct.nii.gz", "ct.nii.gz"]
