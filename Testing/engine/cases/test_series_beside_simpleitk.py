"""Same voxels and affine as SimpleITK's series reader, where that reads a series rightly; where not, it is said."""

from __future__ import annotations

import numpy as np
import pytest

from ct_series_builder import ORIENTATIONS, hounsfield_pattern, write_series
from itk_series import in_the_same_direction, read_with_itk
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series

# Patient Position says how the patient lay; where voxels are is said by Image Orientation (Patient) alone.
POSITIONS = {
    "HFS": (1, 0, 0, 0, 1, 0),
    "HFP": (-1, 0, 0, 0, -1, 0),
    "FFS": (-1, 0, 0, 0, 1, 0),
    "FFP": (1, 0, 0, 0, -1, 0),
    "HFDR": (0, -1, 0, 1, 0, 0),
    "HFDL": (0, 1, 0, -1, 0, 0),
    "FFDR": (0, -1, 0, -1, 0, 0),
    "FFDL": (0, 1, 0, 1, 0, 0),
}


def assert_same_as_itk(folder):
    volume = read_series(folder)
    array, affine = in_the_same_direction(*read_with_itk(folder), volume.geometry.affine)
    assert np.array_equal(volume.array, array)
    corners = np.array(
        [[x, y, z, 1] for z in (0, len(array)) for y in (0, array.shape[1]) for x in (0, array.shape[2])]
    )
    assert np.abs((volume.geometry.affine - affine) @ corners.T).max() < 1e-2


@pytest.mark.parametrize("position", POSITIONS)
def test_every_patient_position(tmp_path, position):
    def change(index, dataset):
        dataset.PatientPosition = position

    assert_same_as_itk(write_series(tmp_path / "ct", orientation=POSITIONS[position], change=change))


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_every_orientation(tmp_path, orientation):
    assert_same_as_itk(write_series(tmp_path / "ct", orientation=orientation, names=lambda index: f"{7 * index % 5}"))


def test_a_wide_reconstruction_with_large_pixels(tmp_path):
    assert_same_as_itk(write_series(tmp_path / "ct", spacing_mm=(5.0, 1.52, 1.52)))


@pytest.mark.parametrize(
    ("folder", "shape"),
    [
        ("totalsegmentator_examples/example_ct_dicom", (20, 512, 512)),
        ("dcmqi_liver3/ct-3slice", (3, 512, 512)),
        ("rt_utils_phantom/mock_data", (2, 512, 512)),
        ("rt_utils_phantom/oriented_data", (3, 50, 100)),
    ],
)
def test_series_of_real_scanners(shared_data, folder, shape):
    volume = read_series(shared_data / folder)
    array, affine = in_the_same_direction(*read_with_itk(shared_data / folder), volume.geometry.affine)
    assert volume.array.shape == shape
    rounded = np.rint(array)  # SimpleITK keeps fractions, and padding
    assert np.array_equal(volume.array, np.where(rounded < -1500, -1024, rounded))
    assert np.allclose(volume.geometry.affine, affine, atol=1e-2)


def test_a_missing_slice_shifts_everything_behind_it_in_simpleitk_but_not_here(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(9, 16, 18), change=lambda index, dataset: index not in (3, 4))
    array, affine = read_with_itk(folder)
    assert len(array) == 7  # with one spacing for all: the last slice is not where its header says
    volume = read_series(folder, gaps="fill")
    assert np.array_equal(volume.array, hounsfield_pattern((9, 16, 18)))
    last = volume.references.slices[-1].position_mm
    assert np.allclose(volume.geometry.to_ras((8, 0, 0)) * (-1, -1, 1), last, atol=1e-4)


def test_a_tilted_gantry_is_a_box_in_simpleitk_but_not_here(tmp_path):
    def change(index, dataset):
        dataset.ImagePositionPatient[1] += 0.75 * index

    folder = write_series(tmp_path / "ct", change=change)
    array, _ = read_with_itk(folder)
    volume = read_series(folder)
    assert array.shape == (5, 40, 48)
    assert volume.array.shape == (5, 42, 48)
    for index, (rows, one) in enumerate(zip(range(5), volume.references.slices, strict=True)):
        assert np.allclose(volume.geometry.to_ras((index, 0.5 * rows, 0)) * (-1, -1, 1), one.position_mm, atol=1e-3)
