"""Whatever a user points at is read or refused."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.image_file import write_volume
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError


def test_one_file_of_a_series_stands_for_the_series(an_axial_series):
    from_file = read_case(sorted(an_axial_series.iterdir())[2])
    assert np.array_equal(from_file.array, read_case(an_axial_series).array)


def test_dicom_and_its_copy_as_image_file_lie_in_the_same_place(an_axial_series, tmp_path):
    volume = read_case(an_axial_series)
    write_volume(volume, tmp_path / "copy.nii.gz")
    copy = read_case(tmp_path / "copy.nii.gz")
    assert copy.geometry.is_close_to(volume.geometry)
    assert np.array_equal(copy.array, volume.array)


def test_a_series_cannot_be_chosen_in_an_image_file(an_axial_series, tmp_path):
    write_volume(read_case(an_axial_series), tmp_path / "ct.nii.gz")
    with pytest.raises(UsageError, match=r"ct\.nii\.gz is one image: there is no series 1\.2\.3"):
        read_case(tmp_path / "ct.nii.gz", "1.2.3")


def test_a_text_file_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="neither DICOM nor an image file"):
        read_case(tmp_path / "notes.txt")


def test_a_missing_path_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_case(tmp_path / "nothing")
