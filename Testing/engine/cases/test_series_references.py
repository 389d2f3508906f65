"""The slices of a series that contours refer to, read from headers alone."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import ORIENTATIONS, write_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.series_references import read_references, references_on_grid
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.geometry import Geometry


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_references_are_those_of_the_volume(tmp_path, orientation):
    folder = write_series(tmp_path / "ct", orientation=orientation)
    references = read_references(folder)
    assert references == read_series(folder).references
    assert references.grid_indices is None


def test_a_pixel_of_a_slice_lies_where_the_header_says(tmp_path):
    references = read_references(write_series(tmp_path / "ct", orientation=ORIENTATIONS["oblique"]))
    cosines = np.array(ORIENTATIONS["oblique"])
    for one in references.slices:
        header = pydicom.dcmread(one.path)
        expected = np.array(header.ImagePositionPatient, float) + 7 * 0.8 * cosines[:3] + 11 * 1.5 * cosines[3:]
        assert np.allclose(one.corner_mm + 7 * one.column_step_mm + 11 * one.row_step_mm, expected, atol=1e-4)
        assert (one.rows, one.columns) == (40, 48)


def test_a_single_slice_has_references(tmp_path):
    references = read_references(write_series(tmp_path / "ct", shape=(1, 8, 9)))
    assert len(references.slices) == 1


def test_slices_around_a_gap_keep_their_places(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(6, 8, 9), change=lambda index, dataset: index != 3)
    heights = [one.position_mm[2] for one in read_references(folder).slices]
    assert np.allclose(np.diff(heights), [2, 2, 4, 2])


def test_slices_of_two_frames_of_reference_are_refused(tmp_path):
    def change(index, dataset):
        if index:
            dataset.FrameOfReferenceUID = "1.2.3"

    with pytest.raises(InputError, match="Frame of Reference UID"):
        read_references(write_series(tmp_path / "ct", change=change))


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_files_in_any_order_are_matched_to_the_slices_of_their_volume(tmp_path, orientation):
    volume = read_series(write_series(tmp_path / "ct", orientation=orientation))
    files = [one.path for one in volume.references.slices]
    assert references_on_grid([files[i] for i in (3, 0, 4, 1, 2)], volume.geometry) == volume.references


@pytest.mark.parametrize("moved", [(1, 0, 0), (-1, 0, 0), (0.5, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, -1)], ids=str)
def test_files_are_not_matched_to_a_volume_that_lies_elsewhere(an_axial_series, moved):
    volume = read_series(an_axial_series)
    affine = volume.geometry.affine.copy()
    affine[:3, 3] = volume.geometry.to_ras(np.array(moved))
    with pytest.raises(InputError, match="not the corner of a slice"):
        references_on_grid([one.path for one in volume.references.slices], Geometry(volume.geometry.shape, affine))


def test_two_files_of_one_slice_are_not_matched_to_two_slices(tmp_path):
    def change(index, dataset):
        dataset.ImagePositionPatient[2] = 2 * min(index, 3)

    geometry = read_series(write_series(tmp_path / "ct", shape=(5, 8, 9))).geometry
    twice = write_series(tmp_path / "twice", shape=(5, 8, 9), change=change)
    with pytest.raises(InputError):
        references_on_grid(sorted(twice.iterdir()), geometry)
