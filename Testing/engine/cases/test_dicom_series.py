"""A DICOM series becomes one volume in patient space."""

from __future__ import annotations

import random

import numpy as np
import pydicom
import pytest

from ct_series_builder import ORIENTATIONS, hounsfield_pattern, write_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError


def _first_file(folder):
    return sorted(folder.iterdir())[0]


def _set(**attributes):
    """A change of slice 2 that sets attributes."""

    def change(index, dataset):
        if index == 2:
            for keyword, value in attributes.items():
                setattr(dataset, keyword, value)

    return change


def _remove(keyword):
    def change(index, dataset):
        if index == 2:
            delattr(dataset, keyword)

    return change


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_every_voxel_lies_where_its_slice_says(tmp_path, orientation):
    volume = read_series(write_series(tmp_path / "ct", orientation=orientation))
    cosines = np.array(orientation, float)
    for z, reference in enumerate(volume.references.slices):
        dataset = pydicom.dcmread(reference.path)
        expected_lps = np.array(dataset.ImagePositionPatient, float) + 7 * 0.8 * cosines[:3] + 11 * 1.5 * cosines[3:]
        assert np.allclose(volume.geometry.to_ras((z, 11, 7)), expected_lps * [-1, -1, 1], atol=1e-4)
        assert np.array_equal(volume.array[z], dataset.pixel_array.astype(int) - 1024)


def test_spacing_is_in_the_order_of_the_array(an_axial_series):
    assert np.allclose(read_series(an_axial_series).geometry.spacing_mm, (2.0, 1.5, 0.8))


def test_positions_increase_along_the_normal_whatever_the_file_names(tmp_path):
    numbers = random.Random(1).sample(range(100), 5)
    volume = read_series(write_series(tmp_path / "ct", names=lambda index: f"{numbers[index]:03d}"))
    assert np.array_equal(volume.array, hounsfield_pattern((5, 40, 48)))
    heights = [reference.position_mm[2] for reference in volume.references.slices]
    assert heights == sorted(heights)


def test_references_carry_what_contours_and_plausibility_need(an_axial_series):
    references = read_series(an_axial_series).references
    header = pydicom.dcmread(_first_file(an_axial_series))
    assert references.frame_of_reference_uid == header.FrameOfReferenceUID
    assert references.slices[0].sop_instance_uid == header.SOPInstanceUID
    assert (references.patient_age_years, references.patient_sex, references.patient_position) == (4.0, "M", "HFS")


@pytest.mark.parametrize(("age", "years"), [("018M", 1.5), ("010D", 10 / 365.25), ("", 4.36)])
def test_age_comes_from_the_age_or_from_the_dates(tmp_path, age, years):
    def change(index, dataset):
        dataset.PatientAge = age

    volume = read_series(write_series(tmp_path / "ct", change=change))
    assert volume.references.patient_age_years == pytest.approx(years, abs=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set(ImageOrientationPatient=[0, 1, 0, 0, 0, -1]), r"Image Orientation \(Patient\) \(0020,0037\) differs"),
        (_set(PixelSpacing=[0.7, 0.7]), r"Pixel Spacing \(0028,0030\) differs.*0\.7"),
        (_set(Rows=39), r"Rows \(0028,0010\) differs.*40.*39"),
        (_set(FrameOfReferenceUID="1.2.3"), r"Frame of Reference UID \(0020,0052\) differs.*1\.2\.3"),
        (_set(NumberOfFrames=4), "multi-frame"),
        (_set(SamplesPerPixel=3), "colour"),
        (_set(ImagePositionPatient=[1, 2]), r"Image Position \(Patient\) \(0020,0032\) is \[1\.0, 2\.0\]; 3 finite"),
        (_remove("ImagePositionPatient"), r"slice2\.dcm: Image Position \(Patient\) \(0020,0032\) is missing"),
        (_remove("ImageOrientationPatient"), r"\(0020,0037\) is missing"),
        (_remove("PixelSpacing"), r"\(0028,0030\) is missing"),
        (_remove("Rows"), r"\(0028,0010\) is missing"),
        (_remove("PixelData"), r"slice2\.dcm has no Pixel Data"),
    ],
)
def test_a_slice_that_does_not_fit_is_named_with_attribute_and_values(tmp_path, change, words):
    with pytest.raises(InputError, match=words) as error:
        read_series(write_series(tmp_path / "ct", change=change))
    assert error.value.hint


def test_a_pixel_spacing_of_zero_is_named(tmp_path):
    def change(index, dataset):
        dataset.PixelSpacing = [0, 0.8]

    with pytest.raises(InputError, match="Pixel Spacing"):
        read_series(write_series(tmp_path / "ct", change=change))


def test_a_single_slice_is_refused(tmp_path):
    with pytest.raises(InputError, match="single slice"):
        read_series(write_series(tmp_path / "ct", shape=(1, 8, 8)))


@pytest.mark.parametrize(("slice_thickness", "thickness_mm"), [(2.5, 2.5), (None, 1.0), (0, 1.0)])
def test_a_single_slice_is_as_thick_as_it_says_where_one_is_enough(tmp_path, slice_thickness, thickness_mm):
    def change(index, dataset):
        dataset.SliceThickness = slice_thickness

    volume = read_series(write_series(tmp_path / "ct", shape=(1, 8, 8), change=change), fewest_slices=1)
    assert volume.array.shape == (1, 8, 8)
    assert volume.geometry.spacing_mm == pytest.approx((thickness_mm, 1.5, 0.8))


def test_a_constant_volume_is_refused(tmp_path):
    with pytest.raises(InputError, match="All voxels"):
        read_series(write_series(tmp_path / "ct", hounsfield=np.full((3, 8, 8), -1000, np.int16)))


@pytest.mark.parametrize("kept", [140, 400, 3000])
def test_a_truncated_file_is_named(an_axial_series, kept):
    path = an_axial_series / "slice2.dcm"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"slice2\.dcm"):
        read_series(an_axial_series)


def test_messages_do_not_name_the_patient(tmp_path):
    with pytest.raises(InputError) as error:
        read_series(write_series(tmp_path / "ct", change=_remove("ImagePositionPatient")))
    assert "Иванов" not in str(error.value)
    assert "P-1" not in str(error.value)


def test_reading_stops_when_the_progress_callback_raises(an_axial_series):
    def stop(event):
        raise Cancelled()

    with pytest.raises(Cancelled):
        read_series(an_axial_series, on_progress=stop)


def test_progress_ends_at_one(an_axial_series):
    fractions = []
    read_series(an_axial_series, on_progress=lambda event: fractions.append(event.fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert len(fractions) == 10  # each file is looked at for its header, then for its pixels
