"""Affines, spacing and the way to canonical order and back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PediatricAbdomenSegLib.engine.geometry import (
    Geometry,
    canonical_reorientation,
    reoriented_geometry,
)

SHAPE = (3, 4, 5)


def affine_of(rows_ras, spacing_xyz=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.array(rows_ras, float) * np.array(spacing_xyz)
    affine[:3, 3] = origin
    return affine


# Head-first supine as ITK reads it: x to the left, y to posterior, z up.
LPS_GRID = affine_of(np.diag([-1, -1, 1]), (0.8, 0.9, 2.0), (10.0, 20.0, -30.0))


@pytest.fixture
def a_supine_grid():
    return Geometry(SHAPE, LPS_GRID)


def every_axis_aligned_affine():
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((-1, 1), repeat=3):
            matrix = np.zeros((3, 3))
            for column, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
                matrix[axis, column] = sign
            yield affine_of(matrix, (0.7, 1.1, 2.5), (5.0, -6.0, 7.0))


def test_spacing_comes_in_the_order_of_the_array(a_supine_grid):
    assert a_supine_grid.spacing_mm == pytest.approx((2.0, 0.9, 0.8))


@pytest.mark.parametrize("angle", [0.3, np.pi / 2, 2.5])
def test_a_turned_grid_keeps_its_spacing(angle):
    c, s = np.cos(angle), np.sin(angle)
    turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ [[1, 0, 0], [0, c, -s], [0, s, c]]
    geometry = Geometry(SHAPE, affine_of(turned, (0.8, 0.9, 2.0)))
    assert geometry.spacing_mm == pytest.approx((2.0, 0.9, 0.8))
    assert geometry.voxel_volume_ml == pytest.approx(0.8 * 0.9 * 2.0 / 1000)


def test_a_voxel_has_its_volume_in_millilitres(a_supine_grid):
    assert a_supine_grid.voxel_volume_ml == pytest.approx(0.8 * 0.9 * 2.0 / 1000)


def test_indices_map_to_ras_millimetres(a_supine_grid):
    assert a_supine_grid.to_ras(np.array([1, 2, 3])) == pytest.approx([10 - 2.4, 20 - 1.8, -28.0])
    assert a_supine_grid.to_ras(np.zeros((2, 7, 3))).shape == (2, 7, 3)


def test_two_grids_are_close_when_no_corner_moves_by_more_than_the_tolerance(a_supine_grid):
    nudged = LPS_GRID.copy()
    nudged[0, 3] += 0.005
    assert a_supine_grid.is_close_to(Geometry(SHAPE, nudged))
    nudged[0, 3] += 0.01
    assert not a_supine_grid.is_close_to(Geometry(SHAPE, nudged))
    assert not a_supine_grid.is_close_to(Geometry((3, 4, 6), LPS_GRID))


def test_a_supine_grid_is_canonical_already(a_supine_grid):
    reorientation = canonical_reorientation(a_supine_grid.affine)
    assert reorientation.axes == (0, 1, 2)
    assert reorientation.flips == (False, False, False)


def test_a_feet_first_series_is_turned_head_up():
    feet_first = affine_of(np.diag([1, -1, -1]))
    assert canonical_reorientation(feet_first).flips == (True, False, True)


@pytest.mark.parametrize("affine", list(every_axis_aligned_affine()))
def test_every_orientation_goes_to_canonical_order_and_back(affine):
    array = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    reorientation = canonical_reorientation(affine)
    canonical = reorientation.apply(array)
    geometry = reoriented_geometry(Geometry(SHAPE, affine), reorientation)
    assert geometry.shape == canonical.shape
    directions = geometry.affine[:3, :3] / np.linalg.norm(geometry.affine[:3, :3], axis=0)
    assert directions == pytest.approx(np.diag([-1.0, -1.0, 1.0]))
    assert np.array_equal(reorientation.undo(canonical), array)


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    index=st.tuples(*[st.integers(0, n - 1) for n in SHAPE]),
)
def test_a_voxel_keeps_its_place_in_the_patient_however_oblique_the_grid(angles, index):
    rotation = np.eye(3)
    for axis, angle in enumerate(np.radians(angles)):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        rotation = rotation @ turn
    source = Geometry(SHAPE, affine_of(rotation, (0.9, 1.0, 2.0), (-40.0, 12.0, 3.0)))
    reorientation = canonical_reorientation(source.affine)
    target = reoriented_geometry(source, reorientation)
    marked = np.zeros(SHAPE, bool)
    marked[index] = True
    canonical_index = np.argwhere(reorientation.apply(marked))[0]
    assert target.to_ras(canonical_index) == pytest.approx(source.to_ras(np.array(index)), abs=1e-9)


@pytest.mark.parametrize(
    "columns",
    [np.zeros((3, 3)), np.diag([1.0, 1.0, 0.0]), np.ones((3, 3)), np.diag([1.0, np.nan, 1.0])],
    ids=["zero", "flat", "parallel", "not a number"],
)
def test_a_singular_affine_is_refused(columns):
    with pytest.raises(ValueError, match="singular"):
        canonical_reorientation(affine_of(columns))


@pytest.mark.parametrize("affine", list(every_axis_aligned_affine()))
def test_a_place_in_the_patient_leads_back_to_its_voxel(affine):
    geometry = Geometry(SHAPE, affine)
    voxels = np.array([[0.0, 1.5, 2.0], [2.0, 3.0, 4.25]])
    assert np.allclose(geometry.to_index(geometry.to_ras(voxels)), voxels)
