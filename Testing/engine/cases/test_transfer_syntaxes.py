"""Every transfer syntax gives the same voxels, by our reader, by Slicer's own decoder and by SimpleITK."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import hounsfield_pattern, write_series
from enhanced_ct_builder import write_enhanced
from itk_series import read_with_itk
from PediatricAbdomenSegLib.engine.cases.dicom_pixels import decode_with_simpleitk, stored_frames
from PediatricAbdomenSegLib.engine.cases.dicom_scan import scan_folder
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from transfer_syntaxes import SYNTAXES, transcode

SHAPE = (3, 40, 48)


def unsigned_16(dataset):
    """As the builder makes it."""


def unsigned_12(dataset):
    dataset.BitsStored, dataset.HighBit = 12, 11


def signed_16(dataset):
    _store_signed(dataset)


def signed_12(dataset):
    _store_signed(dataset)
    dataset.BitsStored, dataset.HighBit = 12, 11


def _store_signed(dataset):
    stored = np.frombuffer(dataset.PixelData, np.uint16).astype(np.int16) - 1024
    dataset.PixelData, dataset.PixelRepresentation = stored.tobytes(), 1
    dataset.RescaleIntercept = 0


@pytest.mark.parametrize("store", [unsigned_16, unsigned_12, signed_16, signed_12])
@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES.keys())
def test_a_series_has_the_same_voxels_in_every_transfer_syntax(tmp_path, syntax, store):
    folder = transcode(write_series(tmp_path / "ct", shape=SHAPE), syntax, store)
    assert {pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in folder.iterdir()} == {syntax}
    volume = read_series(folder)
    assert np.array_equal(volume.array, hounsfield_pattern(SHAPE))
    array, affine = read_with_itk(folder)
    assert np.array_equal(volume.array, array)
    assert np.allclose(volume.geometry.affine, affine, atol=1e-4)


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES.keys())
def test_slicers_own_python_decodes_it_without_plug_ins(tmp_path, syntax):
    folder = transcode(write_series(tmp_path / "ct", shape=SHAPE), syntax)
    for header, plane in zip(scan_folder(folder), hounsfield_pattern(SHAPE), strict=True):
        (stored,) = stored_frames([header], [decode_with_simpleitk])
        assert np.array_equal(stored - 1024, plane)


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES.keys())
def test_frames_of_one_file_are_decoded_in_every_transfer_syntax(tmp_path, syntax):
    folder = transcode(write_enhanced(tmp_path / "ct" / "all", shape=(20, 40, 48)), syntax)
    assert np.array_equal(read_series(folder).array, hounsfield_pattern((20, 40, 48)))
    headers = scan_folder(folder)
    by_itk = np.stack(list(stored_frames(headers, [decode_with_simpleitk])))
    assert np.array_equal(by_itk - 1024, hounsfield_pattern((20, 40, 48)))
