"""Images that repeat another one are left out; different ones at one place are refused."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import InputError


def test_the_same_instance_twice_counts_once(an_axial_series):
    whole = read_series(an_axial_series)
    (an_axial_series / "copy.dcm").write_bytes((an_axial_series / "slice3.dcm").read_bytes())
    volume = read_series(an_axial_series)
    assert np.array_equal(volume.array, whole.array)
    assert volume.notes == ("1 image repeats another and was left out.",)
    assert len(read_references(an_axial_series).slices) == 5


def test_a_copy_of_all_images_under_new_uids_counts_once(an_axial_series):
    whole = read_series(an_axial_series)
    for path in sorted(an_axial_series.iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.save_as(an_axial_series / f"again {path.name}")
    volume = read_series(an_axial_series)
    assert np.array_equal(volume.array, whole.array)
    assert volume.notes == ("5 images repeat others and were left out.",)


@pytest.mark.parametrize("read", [read_series, read_references])
def test_two_images_at_one_place_are_refused_with_their_acquisitions(an_axial_series, read):
    for path in sorted(an_axial_series.iterdir())[1:3]:
        dataset = pydicom.dcmread(path)
        dataset.AcquisitionNumber = 2
        dataset.PixelData = bytes(len(dataset.PixelData))
        dataset.save_as(an_axial_series / f"delayed {path.name}")
    with pytest.raises(InputError, match=r"delayed slice1\.dcm and slice1\.dcm \(2 such pairs\).*Numbers 1, 2"):
        read(an_axial_series)
