from __future__ import annotations

import shutil

import pytest
from pydicom import dcmread

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.ratings.case_files import (
    find_image,
    find_segmentation,
    image_reference,
    relative_path,
    segmentation_reference,
)


@pytest.fixture
def study_folder(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    return folder


@pytest.fixture
def an_rtstruct(files):
    """A file that says it is an RTSTRUCT."""
    dataset = dcmread(files / "child1" / "ct" / "slice0.dcm")
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.Modality = "RTSTRUCT"
    dataset.save_as(files / "child1" / "rtstruct.dcm")
    return files / "child1" / "rtstruct.dcm"


def test_paths_are_relative_with_slashes(study_folder, files):
    assert relative_path(files / "child1" / "ct", study_folder) == "../clinic/child1/ct"


def test_files_that_did_not_move_are_found_at_their_path(study_folder, files):
    image = image_reference(files / "child1" / "ct", study_folder)
    contours = segmentation_reference(files / "child1" / "a.nii.gz", study_folder)
    assert find_image(study_folder, image) == files / "child1" / "ct"
    found = find_segmentation(study_folder, contours)
    assert (found.path, found.changed) == (files / "child1" / "a.nii.gz", False)


def test_a_series_that_moved_and_whose_files_were_renamed_is_found_by_its_uids(study_folder, files, tmp_path):
    image = image_reference(files / "child1" / "ct", study_folder)
    archive = tmp_path / "archive"
    shutil.copytree(files / "child2" / "ct", archive / "a")
    shutil.move(files / "child1" / "ct", archive / "b" / "deep")
    for number, path in enumerate(sorted((archive / "b" / "deep").iterdir())):
        path.rename(path.with_name(f"IM{number}"))
    with pytest.raises(InputError, match="--search"):
        find_image(study_folder, image)
    assert find_image(study_folder, image, [archive]) == archive / "b" / "deep"


def test_another_series_at_the_path_is_not_taken_for_the_case(study_folder, files, tmp_path):
    image = image_reference(files / "child1" / "ct", study_folder)
    shutil.move(files / "child1" / "ct", tmp_path / "elsewhere" / "ct")
    shutil.move(files / "child2" / "ct", files / "child1" / "ct")
    assert find_image(study_folder, image, [tmp_path / "elsewhere"]) == tmp_path / "elsewhere" / "ct"


def test_a_series_that_lost_a_slice_is_not_the_case_any_more(study_folder, files):
    image = image_reference(files / "child1" / "ct", study_folder)
    (files / "child1" / "ct" / "slice1.dcm").unlink()
    with pytest.raises(InputError, match=image.series_instance_uid):
        find_image(study_folder, image, [files])


def test_of_several_series_one_has_to_be_chosen(study_folder, files):
    uid = image_reference(files / "child2" / "ct", study_folder).series_instance_uid
    with pytest.raises(InputError, match="2 CT series") as caught:
        image_reference(files, study_folder)
    assert uid in caught.value.hint
    assert image_reference(files, study_folder, uid).series_instance_uid == uid


def test_a_file_that_moved_is_found_by_its_content(study_folder, files, tmp_path):
    original = files / "child1" / "a.nii.gz"
    contours = segmentation_reference(original, study_folder)
    image = image_reference(original, study_folder)
    twin = tmp_path / "archive" / "same_size.nii.gz"
    twin.parent.mkdir()
    twin.write_bytes(b"9 z")
    shutil.move(original, tmp_path / "archive" / "renamed.nii.gz")
    found = find_segmentation(study_folder, contours, [tmp_path / "archive"])
    assert (found.path.name, found.changed) == ("renamed.nii.gz", False)
    assert find_image(study_folder, image, [tmp_path / "archive"]).name == "renamed.nii.gz"


def test_contours_that_changed_at_their_path_are_said_to_have_changed(study_folder, files):
    path = files / "child1" / "a.nii.gz"
    contours = segmentation_reference(path, study_folder)
    path.write_bytes(b"1 b")
    found = find_segmentation(study_folder, contours)
    assert found.changed and found.path == path and found.sha256 != contours.sha256


def test_an_rtstruct_that_moved_and_changed_is_found_by_its_uid(study_folder, files, an_rtstruct, tmp_path):
    contours = segmentation_reference(an_rtstruct, study_folder)
    dataset = dcmread(an_rtstruct)
    dataset.StructureSetLabel = "corrected"
    (tmp_path / "archive").mkdir()
    dataset.save_as(tmp_path / "archive" / "other.dcm")
    an_rtstruct.unlink()
    found = find_segmentation(study_folder, contours, [tmp_path / "archive"])
    assert found.path.name == "other.dcm" and found.changed


def test_the_images_beside_an_rtstruct_are_the_case_and_it_is_not(study_folder, files, an_rtstruct):
    image = image_reference(files / "child1", study_folder)
    assert image.sha256 == image_reference(files / "child1" / "ct", study_folder).sha256
    with pytest.raises(InputError, match="no contours"):
        segmentation_reference(files / "child1" / "ct" / "slice0.dcm", study_folder)


def test_a_dose_report_that_calls_itself_ct_is_no_series_to_choose_from(study_folder, files):
    dataset = dcmread(files / "child1" / "ct" / "slice0.dcm")
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.save_as(files / "child1" / "ct" / "dose.dcm")
    assert image_reference(files / "child1" / "ct", study_folder).series_instance_uid != "1.2.3"


def test_damaged_files_in_a_searched_folder_do_not_stop_the_search(study_folder, files, tmp_path):
    image = image_reference(files / "child1" / "ct", study_folder)
    archive = tmp_path / "archive"
    write_series(archive / "a")
    (archive / "a" / "slice0.dcm").write_bytes((archive / "a" / "slice0.dcm").read_bytes()[:200])
    (archive / "notes.txt").write_text("nothing")
    shutil.move(files / "child1" / "ct", archive / "b")
    assert find_image(study_folder, image, [archive]) == archive / "b"
