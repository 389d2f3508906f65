"""A DICOM medium: found by its files, checked against its table of contents."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.fileset import FileSet

from ct_series_builder import hounsfield_pattern, write_series
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.series_choice import list_series
from PediatricAbdomenSegLib.engine.errors import InputError


@pytest.fixture
def a_medium(tmp_path):
    """A folder with a DICOMDIR and two CT series in files without suffix."""
    files = FileSet()
    for name, shape in (("a", (5, 40, 48)), ("b", (3, 8, 9))):
        for path in sorted(write_series(tmp_path / name, shape=shape).iterdir()):
            files.add(path)
    files.write(tmp_path / "medium")
    return tmp_path / "medium"


def uid_of(folder, images):
    """The series with a number of images."""
    return next(one.series_instance_uid for one in list_series(folder) if one.images == images)


def image_files(folder, size):
    """Files of the images that have a number of bytes of pixel data and a header."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    return sorted(path for path in files if size <= path.stat().st_size < size + 2000)


@pytest.mark.parametrize("name", ["", "DICOMDIR"])
def test_a_medium_is_read_by_its_folder_or_its_dicomdir(a_medium, name):
    volume = read_case(a_medium / name, uid_of(a_medium, 5))
    assert np.array_equal(volume.array, hounsfield_pattern((5, 40, 48)))


def test_a_file_lost_in_copying_is_an_error_even_at_the_end_of_the_stack(a_medium):
    uid = uid_of(a_medium, 5)
    image_files(a_medium, 40 * 48 * 2)[-1].unlink()
    with pytest.raises(InputError, match=f"DICOMDIR lists 5 images of the series {uid}; 1 not there: "):
        read_case(a_medium, uid)


def test_files_lost_from_another_series_do_not_matter(a_medium):
    uid, other = uid_of(a_medium, 5), uid_of(a_medium, 3)
    image_files(a_medium, 8 * 9 * 2)[0].unlink()
    assert read_case(a_medium, uid).array.shape == (5, 40, 48)
    with pytest.raises(InputError, match="not there"):
        read_case(a_medium, other)


def test_names_in_another_case_than_the_dicomdir_says_are_found(a_medium):
    for path in sorted(a_medium.rglob("*"), reverse=True):
        if path.name != "DICOMDIR":
            path.rename(path.with_name(path.name.lower()))
    assert read_case(a_medium, uid_of(a_medium, 5)).array.shape == (5, 40, 48)


def test_a_damaged_dicomdir_is_named(a_medium):
    path = a_medium / "DICOMDIR"
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(InputError, match="DICOMDIR is damaged"):
        read_case(a_medium, uid_of(a_medium, 5))
