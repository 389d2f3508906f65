"""Of all that lies in a folder one CT series is taken, or asked for."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.uid import generate_uid

from ct_series_builder import MR, write_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.series_choice import list_series
from PediatricAbdomenSegLib.engine.errors import InputError


def _first(folder):
    return pydicom.dcmread(sorted(folder.iterdir())[0])


def test_localizers_reports_rt_objects_and_texts_are_ignored(an_axial_series):
    localizer = _first(an_axial_series)
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    localizer.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    localizer.save_as(an_axial_series / "scout")
    for name, modality, storage in [
        ("dose", "SR", "1.2.840.10008.5.1.4.1.1.88.67"),
        ("structures", "RTSTRUCT", "1.2.840.10008.5.1.4.1.1.481.3"),
        ("plan", "RTPLAN", "1.2.840.10008.5.1.4.1.1.481.5"),
        ("rtdose", "RTDOSE", "1.2.840.10008.5.1.4.1.1.481.2"),
        ("seg", "SEG", "1.2.840.10008.5.1.4.1.1.66.4"),
        ("screen", "CT", "1.2.840.10008.5.1.4.1.1.7"),
    ]:
        other = _first(an_axial_series)
        other.SOPClassUID, other.Modality, other.SOPInstanceUID = storage, modality, generate_uid()
        other.save_as(an_axial_series / name)
    (an_axial_series / "readme.txt").write_text("CT of a phantom")
    (an_axial_series / "._slice1.dcm").write_bytes(b"\0\5\x16\7" * 40)
    assert read_series(an_axial_series).array.shape == (5, 40, 48)


def test_several_series_are_listed_and_asked_for(tmp_path):
    write_series(tmp_path / "a")
    write_series(tmp_path / "b", shape=(3, 8, 9))
    with pytest.raises(InputError, match="--series UID") as error:
        read_series(tmp_path)
    summaries = list_series(tmp_path)
    assert [summary.images for summary in summaries] == [5, 3]
    assert all(summary.series_instance_uid in error.value.hint for summary in summaries)
    assert read_series(tmp_path, summaries[1].series_instance_uid).array.shape == (3, 8, 9)


def test_series_of_a_folder_are_told_apart_by_uid_not_by_place(tmp_path):
    write_series(tmp_path, names="IM{:04d}".format)
    write_series(tmp_path, shape=(3, 8, 9), names="{:04d}.IMA".format)
    uids = [summary.series_instance_uid for summary in list_series(tmp_path)]
    assert sorted(read_series(tmp_path, uid).array.shape[0] for uid in uids) == [3, 5]


def test_a_saved_screen_and_a_single_image_are_no_series_to_choose_from(tmp_path):
    write_series(tmp_path / "ct")
    write_series(tmp_path / "bolus tracking", shape=(1, 8, 8))

    def screen(index, dataset):
        del dataset.ImagePositionPatient, dataset.ImageOrientationPatient

    write_series(tmp_path / "protocol", shape=(2, 8, 8), change=screen)
    assert read_series(tmp_path).array.shape == (5, 40, 48)
    assert len(list_series(tmp_path)) == 3


def test_a_series_that_is_not_there_is_an_error_that_lists_the_others(an_axial_series):
    with pytest.raises(InputError, match="1\\.2\\.3\\.4") as error:
        read_series(an_axial_series, "1.2.3.4")
    assert list_series(an_axial_series)[0].series_instance_uid in error.value.hint


def test_the_only_ct_is_taken_beside_another_modality(tmp_path):
    write_series(tmp_path / "ct")

    def change(index, dataset):
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MR
        dataset.Modality = "MR"

    write_series(tmp_path / "mr", change=change)
    assert read_series(tmp_path).modality == "CT"
    with pytest.raises(InputError, match="MR"):
        read_series(tmp_path / "mr")


def test_a_ct_image_by_class_that_says_mr_of_itself_is_refused(tmp_path):
    write_series(tmp_path, change=lambda index, dataset: setattr(dataset, "Modality", "MR"))
    with pytest.raises(InputError, match=r"\(0008,0060\) is MR"):
        read_series(tmp_path)


def test_an_empty_folder_has_no_series(tmp_path):
    assert list_series(tmp_path) == ()
    with pytest.raises(InputError, match="No DICOM images"):
        read_series(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        list_series(tmp_path / "nowhere")
