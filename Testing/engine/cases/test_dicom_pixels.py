"""Pixel data of every transfer syntax become Hounsfield units."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_headers import headers_of_file
from PediatricAbdomenSegLib.engine.cases.dicom_pixels import (
    decode_with_pydicom,
    decode_with_simpleitk,
    stored_frames,
)
from PediatricAbdomenSegLib.engine.errors import InputError


@pytest.fixture
def a_jpeg_2000_slice(shared_data):
    return sorted((shared_data / "totalsegmentator_examples" / "example_ct_dicom").iterdir())[0]


def stored(path, decoders=None):
    """The stored values of a single-frame file."""
    (image,) = stored_frames(headers_of_file(path), decoders)
    return image


def test_slicers_own_decoder_agrees_with_pydicoms(a_jpeg_2000_slice):
    ours = stored(a_jpeg_2000_slice, [decode_with_pydicom])
    assert np.array_equal(ours, stored(a_jpeg_2000_slice, [decode_with_simpleitk]))


def test_jpeg_2000_cut_short_is_an_error(a_jpeg_2000_slice, tmp_path):
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(a_jpeg_2000_slice.read_bytes()[:-20000])
    with pytest.warns(UserWarning, match="End of file"), pytest.raises(InputError, match=r"cut\.dcm"):
        stored(cut)


def test_compressed_data_nothing_can_decode_name_the_transfer_syntax(tmp_path):
    path = write_series(tmp_path / "ct", shape=(2, 16, 18)) / "slice1.dcm"
    dataset = pydicom.dcmread(path)
    dataset.compress(pydicom.uid.RLELossless)
    dataset.PixelData = pydicom.encaps.encapsulate([b"\x07" * 64])
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"slice1\.dcm.*RLE Lossless"):
        stored(path)
