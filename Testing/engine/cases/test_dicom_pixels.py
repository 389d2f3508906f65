"""Pixel data of every transfer syntax become Hounsfield units."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_headers import headers_of_file
from PediatricAbdomenSegLib.engine.cases.dicom_pixels import (
    decode_with_pydicom,
    decode_with_simpleitk,
    stored_frames,
)
from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError
from transfer_syntaxes import SYNTAXES, encode


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
    dataset.PixelData = encapsulate([b"\x07" * 64])
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"slice1\.dcm.*RLE Lossless"):
        stored(path)


@pytest.mark.parametrize("syntax", ["RLE", "JPEG lossless", "JPEG-LS", "JPEG 2000"])
@pytest.mark.parametrize("kept", [0.3, 0.98])
def test_an_image_cut_short_inside_an_intact_file_is_never_filled_up(tmp_path, syntax, kept):
    noise = np.random.default_rng(0).integers(-1000, 1000, (1, 64, 64), dtype=np.int16)
    path = write_series(tmp_path / "ct", hounsfield=noise) / "slice0.dcm"
    dataset = encode(pydicom.dcmread(path), SYNTAXES[syntax])
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([frame[: int(len(frame) * kept) // 2 * 2]])
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"slice0\.dcm.*cannot be decoded"):
        stored(path)


def test_a_file_gone_since_its_header_was_read_is_named(tmp_path):
    path = write_series(tmp_path / "ct", shape=(1, 8, 8)) / "slice0.dcm"
    headers = headers_of_file(path)
    path.unlink()
    with pytest.raises(ResourceError, match=r"slice0\.dcm cannot be read"):
        list(stored_frames(headers))
