"""Stored values become Hounsfield units, padding becomes air, and nothing wraps around."""

from __future__ import annotations

import numpy as np
import pytest

from ct_series_builder import hounsfield_pattern, write_series
from itk_series import read_with_itk
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.hounsfield import ValueScale, to_hounsfield
from PediatricAbdomenSegLib.engine.errors import InputError

SHAPE = (3, 40, 48)


def outside(shape=SHAPE):
    """The corners of each slice, outside a reconstructed circle that is wider than the body."""
    y, x = np.indices(shape[1:])
    circle = ((y - shape[1] / 2 + 0.5) / (shape[1] / 2)) ** 2 + ((x - shape[2] / 2 + 0.5) / (shape[2] / 2)) ** 2 > 1
    return np.broadcast_to(circle, shape)


def stored_as(values, dtype, **attributes):
    """A change that stores given values as they are."""

    def change(index, dataset):
        dataset.PixelData = np.ascontiguousarray(values[index].astype(dtype)).tobytes()
        dataset.PixelRepresentation = 1 if np.dtype(dtype).kind == "i" else 0
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    return change


def read_stored(tmp_path, values, dtype, **attributes):
    return read_series(write_series(tmp_path / "ct", shape=SHAPE, change=stored_as(values, dtype, **attributes)))


@pytest.mark.parametrize(("intercept", "padding"), [(0, -2000), (-1024, -2000), (0, -3024)])
@pytest.mark.parametrize("declared", [True, False])
def test_padding_outside_the_circle_is_read_as_air(tmp_path, intercept, padding, declared):
    expected = np.where(outside(), -1024, hounsfield_pattern(SHAPE))
    stored = np.where(outside(), padding, hounsfield_pattern(SHAPE) - intercept)
    attributes = {"PixelPaddingValue": padding} if declared else {}
    volume = read_stored(tmp_path, stored, np.int16, RescaleIntercept=intercept, **attributes)
    assert np.array_equal(volume.array, expected)
    assert "read as air" in volume.notes[0]
    itk, _ = read_with_itk(tmp_path / "ct")  # which knows no padding: only there we differ
    assert np.array_equal(volume.array[~outside()], itk[~outside()])
    assert set(np.unique(itk[outside()])) == {padding + intercept}


def test_padding_written_unsigned_for_signed_pixels_is_understood(tmp_path):
    stored = np.where(outside(), -1200, hounsfield_pattern(SHAPE))

    def change(index, dataset):
        stored_as(stored, np.int16, RescaleIntercept=0)(index, dataset)
        dataset.add_new("PixelPaddingValue", "US", 65536 - 1200)

    volume = read_series(write_series(tmp_path / "ct", shape=SHAPE, change=change))
    assert np.array_equal(volume.array, np.where(outside(), -1024, hounsfield_pattern(SHAPE)))


@pytest.mark.parametrize("written", [("US", 63536), ("SS", -2000)], ids=str)
def test_padding_that_would_be_the_brightest_bone_is_air(tmp_path, written):
    stored = np.where(outside(), 63536, hounsfield_pattern(SHAPE).astype(int) + 1024)  # -2000 in unsigned pixels

    def change(index, dataset):
        stored_as(stored, np.uint16)(index, dataset)
        dataset.add_new("PixelPaddingValue", *written)

    volume = read_series(write_series(tmp_path / "ct", shape=SHAPE, change=change))
    assert np.array_equal(volume.array, np.where(outside(), -1024, hounsfield_pattern(SHAPE)))


def test_a_range_of_padding_values_is_air(tmp_path):
    stored = np.where(outside(), hounsfield_pattern(SHAPE) % 100 - 1400, hounsfield_pattern(SHAPE))
    attributes = {"RescaleIntercept": 0, "PixelPaddingValue": -1400, "PixelPaddingRangeLimit": -1300}
    volume = read_stored(tmp_path, stored, np.int16, **attributes)
    assert np.array_equal(volume.array, np.where(outside(), -1024, hounsfield_pattern(SHAPE)))


def test_padding_that_reads_as_water_stays_because_water_reads_the_same(tmp_path):
    values = np.where(outside(), 0, hounsfield_pattern(SHAPE))
    volume = read_stored(tmp_path, values, np.int16, RescaleIntercept=0, PixelPaddingValue=0)
    assert np.array_equal(volume.array, values)
    assert volume.notes == ()


def test_twelve_bits_unsigned_with_an_overlay_in_the_high_bits(tmp_path):
    stored = hounsfield_pattern(SHAPE).astype(int) + 1024

    def change(index, dataset):
        stored_as(stored | (outside() << 12), np.uint16, BitsStored=12, HighBit=11)(index, dataset)
        dataset.add_new((0x6000, 0x0010), "US", SHAPE[1])
        dataset.add_new((0x6000, 0x0011), "US", SHAPE[2])
        dataset.add_new((0x6000, 0x0040), "CS", "G")
        dataset.add_new((0x6000, 0x0050), "SS", [1, 1])
        dataset.add_new((0x6000, 0x0100), "US", 16)
        dataset.add_new((0x6000, 0x0102), "US", 12)

    folder = write_series(tmp_path / "ct", shape=SHAPE, change=change)
    volume = read_series(folder)
    assert np.array_equal(volume.array, hounsfield_pattern(SHAPE))
    assert np.array_equal(volume.array, read_with_itk(folder)[0])


def test_a_sign_that_was_not_extended_into_the_unused_bits_is(tmp_path):
    volume = read_stored(
        tmp_path, hounsfield_pattern(SHAPE) & 0x0FFF, np.int16, RescaleIntercept=0, BitsStored=12, HighBit=11
    )
    assert np.array_equal(volume.array, hounsfield_pattern(SHAPE))
    assert np.array_equal(volume.array, read_with_itk(tmp_path / "ct")[0])


def test_a_high_bit_that_is_not_the_last_stored_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"Bits Stored \(0028,0101\) is 12, High Bit \(0028,0102\) is 15"):
        read_stored(tmp_path, hounsfield_pattern(SHAPE) + 1024, np.uint16, BitsStored=12, HighBit=15)


def test_intercept_zero_and_a_missing_rescale_mean_the_stored_values(tmp_path):
    def change(index, dataset):
        stored_as(hounsfield_pattern(SHAPE), np.int16)(index, dataset)
        if index == 1:
            del dataset.RescaleIntercept, dataset.RescaleSlope
        else:
            dataset.RescaleIntercept = 0

    folder = write_series(tmp_path / "ct", shape=SHAPE, change=change)
    assert np.array_equal(read_series(folder).array, hounsfield_pattern(SHAPE))


def test_slope_and_intercept_are_taken_from_each_slice(tmp_path):
    def change(index, dataset):
        dataset.RescaleIntercept = -1000 - index
        dataset.RescaleSlope = 2

    folder = write_series(tmp_path / "ct", shape=SHAPE, change=change)
    stored = hounsfield_pattern(SHAPE).astype(int) + 1024
    volume = read_series(folder)
    assert np.array_equal(volume.array, 2 * stored - 1000 - np.arange(SHAPE[0])[:, None, None])
    assert np.array_equal(volume.array, read_with_itk(folder)[0])


def test_values_above_int16_are_clipped_not_wrapped_and_that_is_said(tmp_path):
    stored = hounsfield_pattern(SHAPE).astype(int) + 1024
    stored[0, 0, :3] = 60000
    volume = read_stored(tmp_path, stored, np.uint16)
    assert volume.array[0, 0, :4].tolist() == [32767, 32767, 32767, -991]
    assert volume.notes == ("Values above 32767 HU were set to 32767 HU in 3 voxels.",)


def test_eight_and_thirty_two_bits_are_read(tmp_path):
    values = hounsfield_pattern(SHAPE).astype(int) % 200
    narrow = read_series(
        write_series(
            tmp_path / "8",
            shape=SHAPE,
            change=stored_as(values, np.uint8, BitsAllocated=8, BitsStored=8, HighBit=7, RescaleIntercept=-100),
        )
    )
    assert np.array_equal(narrow.array, values - 100)
    wide = read_series(
        write_series(
            tmp_path / "32",
            shape=SHAPE,
            change=stored_as(
                values - 70000, np.int32, BitsAllocated=32, BitsStored=32, HighBit=31, RescaleIntercept=70000
            ),
        )
    )
    assert np.array_equal(wide.array, values)


def test_a_slope_of_zero_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"Rescale Slope \(0028,1053\) is 0"):
        read_stored(tmp_path, hounsfield_pattern(SHAPE) + 1024, np.uint16, RescaleSlope=0)


def test_a_fractional_slope_is_rounded():
    assert to_hounsfield(np.array([3, -5], np.int16), ValueScale(0.5))[0].tolist() == [2, -2]
