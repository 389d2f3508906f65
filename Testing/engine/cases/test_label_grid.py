"""Label maps that other programs cropped or turned around come back onto the CT's grid."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.label_grid import label_map_on_grid
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.geometry import Geometry, canonical_reorientation, reoriented_geometry


@pytest.fixture
def a_label_map():
    cosine, sine = np.cos(0.2), np.sin(0.2)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-cosine, sine, 0], [-sine, -cosine, 0], [0, 0, 1]]) * [0.8, 1.1, 2.5]
    affine[:3, 3] = 30, 40, -50
    labels = np.zeros((6, 7, 8), np.uint8)
    labels[1:4, 2:6, 3:5] = np.arange(24).reshape(3, 4, 2)
    return LabelMap(labels, Geometry(labels.shape, affine))


def _cropped(label_map, *starts):
    affine = label_map.geometry.affine.copy()
    affine[:3, 3] = label_map.geometry.to_ras(np.array(starts))
    array = label_map.array[tuple(slice(start, start + 5) for start in starts)]
    return LabelMap(array, Geometry(array.shape, affine))


def test_the_same_grid_is_left_alone(a_label_map):
    assert label_map_on_grid(a_label_map, a_label_map.geometry) is a_label_map


def test_a_cropped_label_map_is_put_back(a_label_map):
    back = label_map_on_grid(_cropped(a_label_map, 1, 2, 3), a_label_map.geometry)
    assert np.array_equal(back.array, a_label_map.array)


@pytest.mark.parametrize(
    "other", [np.diag([1.0, 1, 1]), np.eye(3)[[2, 0, 1]], np.diag([1.0, -1, 1]) @ np.eye(3)[[1, 2, 0]]]
)
def test_other_axis_orders_are_turned_back(a_label_map, other):
    world = np.eye(4)
    world[:3, :3] = other
    reorientation = canonical_reorientation(world @ a_label_map.geometry.affine)
    turned = LabelMap(
        np.ascontiguousarray(reorientation.apply(a_label_map.array)),
        reoriented_geometry(a_label_map.geometry, reorientation),
    )
    assert np.array_equal(label_map_on_grid(turned, a_label_map.geometry).array, a_label_map.array)


def test_background_beyond_the_ct_is_dropped(a_label_map):
    inner = _cropped(a_label_map, 1, 2, 3)
    assert np.array_equal(label_map_on_grid(a_label_map, inner.geometry).array, inner.array)


def test_labels_beyond_the_ct_are_an_error(a_label_map):
    with pytest.raises(InputError, match="labelled voxels lie outside the CT"):
        label_map_on_grid(a_label_map, _cropped(a_label_map, 3, 2, 3).geometry)


def test_a_label_map_far_away_is_an_error(a_label_map):
    affine = a_label_map.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 2] * 100
    with pytest.raises(InputError, match="outside the CT"):
        label_map_on_grid(a_label_map, Geometry(a_label_map.geometry.shape, affine))


def test_another_spacing_names_both(a_label_map):
    affine = a_label_map.geometry.affine @ np.diag([2.0, 1, 1, 1])
    with pytest.raises(InputError, match=r"0\.8\) mm.*1\.6\) mm"):
        label_map_on_grid(a_label_map, Geometry(a_label_map.geometry.shape, affine))


def test_a_shift_by_half_a_voxel_is_an_error(a_label_map):
    affine = a_label_map.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 0] * 0.5
    with pytest.raises(InputError, match=r"0\.50 voxels"):
        label_map_on_grid(a_label_map, Geometry(a_label_map.geometry.shape, affine))
