"""Pixel data of every transfer syntax become Hounsfield units."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_pixels import (
    decode_with_pydicom,
    decode_with_simpleitk,
    read_hounsfield,
    rescaled_to_int16,
)
from PediatricAbdomenSegLib.engine.errors import InputError


@pytest.fixture
def a_jpeg_2000_slice(shared_data):
    return sorted((shared_data / "totalsegmentator_examples" / "example_ct_dicom").iterdir())[0]


def test_slicers_own_decoder_agrees_with_pydicoms(a_jpeg_2000_slice):
    ours = read_hounsfield(a_jpeg_2000_slice, [decode_with_pydicom])
    assert np.array_equal(ours, read_hounsfield(a_jpeg_2000_slice, [decode_with_simpleitk]))


def test_jpeg_2000_cut_short_is_an_error(a_jpeg_2000_slice, tmp_path):
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(a_jpeg_2000_slice.read_bytes()[:-20000])
    with pytest.warns(UserWarning, match="End of file"), pytest.raises(InputError, match=r"cut\.dcm"):
        read_hounsfield(cut)


def test_run_length_encoding_is_decoded(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(2, 16, 18))
    path = folder / "slice1.dcm"
    plain = read_hounsfield(path)
    dataset = pydicom.dcmread(path)
    dataset.compress(pydicom.uid.RLELossless)
    dataset.save_as(path)
    assert np.array_equal(read_hounsfield(path), plain)


def test_compressed_data_nothing_can_decode_name_the_transfer_syntax(tmp_path):
    path = write_series(tmp_path / "ct", shape=(2, 16, 18)) / "slice1.dcm"
    dataset = pydicom.dcmread(path)
    dataset.compress(pydicom.uid.RLELossless)
    dataset.PixelData = pydicom.encaps.encapsulate([b"\x07" * 64])
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"slice1\.dcm.*RLE Lossless"):
        read_hounsfield(path)


def test_a_fractional_slope_is_rounded():
    assert rescaled_to_int16(np.array([3, -5], np.int16), 0.5, 0.0).tolist() == [2, -2]


def test_unsigned_values_below_a_negative_intercept_do_not_wrap():
    assert rescaled_to_int16(np.array([0, 65535], np.uint16), 1.0, -1024.0).tolist() == [-1024, 32767]
