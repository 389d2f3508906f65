"""Label maps of any grid come onto the images of a CT: moved where that suffices, else resampled and said so."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ct_series_builder import ORIENTATIONS, write_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.onto_slices import labels_on_slices
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.geometry import Geometry, Reorientation, reoriented_geometry

SHAPE = (6, 20, 24)
ALL_ORIENTATIONS = pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())


def _labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:5, 4:15, 6:20] = np.random.default_rng(1).integers(0, 5, (4, 11, 14))
    return labels


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A function that gives the references of a series, and labels on its whole grid."""

    @cache
    def whole(orientation):
        return read_series(write_series(tmp_path_factory.mktemp("ct"), shape=SHAPE, orientation=orientation))

    def make(orientation=ORIENTATIONS["supine"], without=()):
        volume = whole(orientation)
        slices = tuple(one for index, one in enumerate(volume.references.slices) if index not in without)
        return replace(volume.references, slices=slices), LabelMap(_labels(), volume.geometry)

    return make


def _cropped(label_map, start, stop):
    affine = label_map.geometry.affine.copy()
    affine[:3, 3] = label_map.geometry.to_ras(np.array(start))
    array = label_map.array[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    return LabelMap(array, Geometry(array.shape, affine))


def _refined(label_map, factor):
    """Every voxel cut into ``factor`` along (z, y, x)."""
    array = label_map.array
    for axis, times in enumerate(factor):
        array = array.repeat(times, axis)
    affine = label_map.geometry.affine @ np.diag([*(1 / np.array(factor[::-1])), 1])
    affine[:3, 3] = label_map.geometry.to_ras((1 / np.array(factor) - 1) / 2)
    return LabelMap(array, Geometry(array.shape, affine))


def test_labels_that_lie_there_already_are_not_even_copied(series):
    references, label_map = series()
    assert labels_on_slices(label_map, references).array is label_map.array


@ALL_ORIENTATIONS
def test_cropped_labels_are_put_back(series, orientation):
    references, label_map = series(orientation)
    found = labels_on_slices(_cropped(label_map, (1, 3, 5), (5, 16, 21)), references)
    assert not found.is_resampled
    assert np.array_equal(found.array, label_map.array)


@ALL_ORIENTATIONS
@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(False, True, False), (True, False, True)])
def test_labels_in_another_axis_order_are_turned_back(series, orientation, axes, flips):
    references, label_map = series(orientation)
    turn = Reorientation(axes, flips)
    turned = LabelMap(turn.apply(label_map.array), reoriented_geometry(label_map.geometry, turn))
    found = labels_on_slices(turned, references)
    assert not found.is_resampled
    assert np.array_equal(found.array, label_map.array)


def test_of_a_series_with_missing_slices_the_existing_ones_are_picked_and_the_others_counted(series):
    references, label_map = series(without=(0, 2, 3))
    found = labels_on_slices(label_map, references)
    assert (found.is_resampled, found.lost_slices) == (False, 2)
    assert np.array_equal(found.array, label_map.array[[1, 4, 5]])


def test_a_single_slice_takes_its_own_labels(series):
    references, label_map = series(without=(0, 1, 2, 4, 5))
    label_map.array[[0, 1, 2, 4, 5]] = 0
    assert np.array_equal(labels_on_slices(label_map, references).array, label_map.array[3:4])


def test_labels_beyond_the_last_image_are_an_error(series):
    references, label_map = series(without=(0, 1))
    with pytest.raises(InputError, match="labelled voxels lie outside the CT"):
        labels_on_slices(label_map, references)


def test_labels_beside_the_images_are_an_error(series):
    references, label_map = series()
    affine = label_map.geometry.affine.copy()
    affine[:3, 3] += 10 * affine[:3, 0]
    with pytest.raises(InputError, match="labelled voxels lie outside the CT"):
        labels_on_slices(LabelMap(label_map.array, Geometry(SHAPE, affine)), references)


@ALL_ORIENTATIONS
@pytest.mark.parametrize("factor", [(1, 3, 3), (3, 1, 1), (3, 3, 3), (2, 2, 2)])
def test_finer_labels_give_each_pixel_what_its_centre_lies_in(series, orientation, factor):
    references, label_map = series(orientation)
    found = labels_on_slices(_refined(label_map, factor), references)
    assert found.is_resampled == (factor != (3, 1, 1))  # every third slice of that one is a slice of the CT
    if 2 in factor:  # a centre on the border of two equal halves
        assert (found.array != label_map.array).mean() < 0.02
    else:
        assert np.array_equal(found.array, label_map.array)


@ALL_ORIENTATIONS
def test_labels_on_a_turned_grid_are_resampled_and_said(series, orientation):
    references, label_map = series(orientation)
    cosine, sine = np.cos(0.3), np.sin(0.3)
    turn = np.array([[cosine, -sine, 0, 4], [sine, cosine, 0, -3], [0, 0, 1, 0.2], [0, 0, 0, 1]])
    array = np.zeros((12, 60, 60), np.uint8)
    grid = Geometry(array.shape, label_map.geometry.affine @ turn @ np.diag([0.5, 0.5, 0.5, 1]))
    index = np.rint(label_map.geometry.to_index(grid.to_ras(np.moveaxis(np.indices(array.shape), 0, -1)))).astype(int)
    inside = ((index >= 0) & (index < SHAPE)).all(-1)
    blob = np.zeros(SHAPE, np.uint8)
    blob[1:4, 6:14, 8:16] = 6
    array[inside] = blob[tuple(index[inside].T)]
    found = labels_on_slices(LabelMap(array, grid), references)
    overlap = np.count_nonzero(found.array & blob)
    assert found.is_resampled
    assert 2 * overlap / (np.count_nonzero(found.array) + np.count_nonzero(blob)) > 0.9


@ALL_ORIENTATIONS
def test_finer_labels_up_to_the_border_lie_inside_the_ct(series, orientation):
    references, label_map = series(orientation)
    full = LabelMap(np.full(SHAPE, 6, np.uint8), label_map.geometry)
    fine = _refined(full, (3, 3, 3))
    assert np.array_equal(labels_on_slices(fine, references).array, full.array)
    for step in np.array([[3, 0, 0], [-3, 0, 0], [0, 3, 0], [0, 0, -3]]):
        affine = fine.geometry.affine.copy()
        affine[:3, 3] = fine.geometry.to_ras(step)
        with pytest.raises(InputError, match="outside the CT"):
            labels_on_slices(LabelMap(fine.array, Geometry(fine.array.shape, affine)), references)


def test_resampled_labels_beyond_the_ct_are_an_error(series):
    references, label_map = series()
    affine = label_map.geometry.affine.copy()
    affine[:3, 3] += 10.5 * affine[:3, 0]
    with pytest.raises(InputError, match="labelled voxels lie outside the CT"):
        labels_on_slices(LabelMap(label_map.array, Geometry(SHAPE, affine)), references)


def test_empty_labels_far_away_are_no_error(series):
    references, label_map = series()
    affine = label_map.geometry.affine.copy()
    affine[:3, 3] += 1000
    found = labels_on_slices(LabelMap(np.zeros(SHAPE, np.uint8), Geometry(SHAPE, affine)), references)
    assert not found.array.any()
