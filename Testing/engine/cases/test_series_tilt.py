"""A tilted gantry: every voxel still lies where its image says."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from scipy.ndimage import map_coordinates

from ct_series_builder import write_series, write_tilted_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.organs import organ_by_key


def smooth(shape):
    """Values that change slowly enough for linear interpolation."""
    z, y, x = np.indices(shape)
    return np.rint(300 * np.sin(y / 9) + 200 * np.cos(x / 7) + 5 * z).astype(np.int16)


@pytest.fixture
def a_tilted_case(tmp_path):
    """Values of the images and the volume read from them."""
    values = smooth((6, 40, 32))
    return values, read_series(write_tilted_series(tmp_path / "ct", values))


def test_the_angle_is_said(a_tilted_case):
    _, volume = a_tilted_case
    assert "tilted by 18.0 degrees" in volume.notes[-1]


def test_every_voxel_has_the_value_its_image_has_at_that_place(a_tilted_case):
    values, volume = a_tilted_case
    index = np.moveaxis(np.indices(volume.array.shape), 0, -1)
    lps = volume.geometry.to_ras(index) * (-1, -1, 1)
    for z, one in enumerate(volume.references.slices):
        offset = lps[z] - np.array(one.position_mm)
        assert np.abs(offset @ one.normal).max() < 1e-3  # the plane of the image itself
        column = offset @ np.array(one.row_direction) / one.pixel_spacing_mm[1]
        row = offset @ np.array(one.column_direction) / one.pixel_spacing_mm[0]
        expected = map_coordinates(values[z].astype(float), [row, column], order=1, cval=np.nan, mode="constant")
        inside = np.isfinite(expected)
        assert np.abs(volume.array[z] - expected)[inside].max() <= 0.51
        assert inside.sum() >= 39 * 32


def test_nothing_of_an_image_is_cut_off(a_tilted_case):
    values, volume = a_tilted_case
    for z in range(len(values)):
        inside = volume.array[z] != -1024
        assert inside.any(axis=1).sum() >= 40
        assert volume.array[z].max() >= values[z].max() - 3


def test_a_pixel_of_a_mask_lies_where_its_slice_says(a_tilted_case):
    _, volume = a_tilted_case
    for z, one in enumerate(volume.references.slices):
        place = one.corner_mm + 5 * one.column_step_mm + 9 * one.row_step_mm
        assert np.allclose(volume.geometry.to_ras((z, 9, 5)) * (-1, -1, 1), place, atol=1e-3)


def test_slices_shifted_unevenly_are_refused(tmp_path):
    def change(index, dataset):
        dataset.ImagePositionPatient[1] += (0, 0.5, 7, 1.5, 2)[index]

    with pytest.raises(InputError, match=r"slice2\.dcm is shifted by 7\.00 mm"):
        read_series(write_series(tmp_path / "ct", change=change))


def test_slices_shifted_more_than_any_gantry_are_refused(tmp_path):
    def change(index, dataset):
        dataset.ImagePositionPatient[1] += 5 * index

    with pytest.raises(InputError, match="do not lie behind one another"):
        read_series(write_series(tmp_path / "ct", change=change))


def test_a_gap_in_a_tilted_series_is_filled_after_shearing(tmp_path):
    values = np.repeat(smooth((1, 40, 32)), 7, axis=0)
    folder = write_tilted_series(tmp_path / "ct", values)
    whole = read_series(folder)
    (folder / "slice3.dcm").unlink()
    filled = read_series(folder, gaps="fill")
    assert filled.geometry.is_close_to(whole.geometry)
    assert filled.references.grid_indices == (0, 1, 2, 4, 5, 6)
    assert len(filled.notes) == 2


def test_contours_of_a_sheared_volume_lie_where_its_voxels_lie(a_tilted_case, tmp_path):
    _, volume = a_tilted_case
    mask = np.zeros(volume.array.shape, bool)
    mask[:, 12:30, 8:20] = True
    write_rtstruct(volume.references, [RoiMask(organ_by_key("liver"), mask)], tmp_path / "rt.dcm")
    contours = pydicom.dcmread(tmp_path / "rt.dcm").ROIContourSequence[0].ContourSequence
    assert len(contours) == len(mask)
    for z, contour in enumerate(contours):
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        corners = volume.geometry.to_ras([(z, 11.5, 7.5), (z, 29.5, 19.5)]) * (-1, -1, 1)
        assert np.allclose(points.min(0), corners.min(0), atol=0.02)
        assert np.allclose(points.max(0), corners.max(0), atol=0.02)
