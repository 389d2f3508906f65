"""Polygons are filled where pixel centres lie inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from even_odd_rasteriser import exclusive, fill
from PediatricAbdomenSegLib.engine.cases import polygon_fill
from PediatricAbdomenSegLib.engine.cases.contours import contours_of
from PediatricAbdomenSegLib.engine.cases.polygon_fill import fill_even_odd

SHAPE = (9, 11)


def test_a_square_around_pixels_holds_these_pixels():
    filled = fill_even_odd([np.array([(1.5, 2.5), (4.5, 2.5), (4.5, 6.5), (1.5, 6.5)])], [0], (1, *SHAPE))[0]
    expected = np.zeros(SHAPE, bool)
    expected[3:7, 2:5] = True
    assert np.array_equal(filled, expected)


def test_of_two_squares_sharing_an_edge_through_centres_one_owns_each_centre():
    left = np.array([(1, 1), (4, 1), (4, 5), (1, 5)], float)
    right = left + [3, 0]
    one, other = (fill_even_odd([polygon], [0], (1, *SHAPE))[0] for polygon in (left, right))
    assert not (one & other).any()
    assert (one | other).sum() == 6 * 4


def test_parts_outside_are_cut_off():
    filled = fill_even_odd([np.array([(-1e6, -1e6), (1e6, -1e6), (1e6, 3.5), (-1e6, 3.5)])], [0], (1, *SHAPE))[0]
    assert filled[:4].all()
    assert not filled[4:].any()


def test_each_polygon_is_drawn_into_its_layer_and_one_layer_is_joined_by_exclusive_or():
    outer = np.array([(0.5, 0.5), (8.5, 0.5), (8.5, 7.5), (0.5, 7.5)])
    inner = np.array([(2.5, 2.5), (5.5, 2.5), (5.5, 5.5), (2.5, 5.5)])
    filled = fill_even_odd([outer, inner, inner], [1, 1, 2], (4, *SHAPE))
    assert filled.sum((1, 2)).tolist() == [0, 8 * 7 - 9, 9, 0]


@pytest.mark.parametrize("polygons", [[], [np.empty((0, 2))], [np.array([(3.0, 3.0)])], [np.array([(1, 1), (8, 8.0)])]])
def test_nothing_points_and_lines_enclose_nothing(polygons):
    assert not fill_even_odd(polygons, [0] * len(polygons), (2, *SHAPE)).any()


def test_an_empty_polygon_between_others_changes_nothing():
    triangle = np.array([(0.2, 0.3), (9.1, 1.2), (4.4, 7.9)])
    filled = fill_even_odd([triangle, np.empty((0, 2)), triangle], [0, 0, 1], (2, *SHAPE))
    assert np.array_equal(filled[0], fill(triangle, SHAPE))
    assert np.array_equal(filled[1], fill(triangle, SHAPE))


@given(
    arrays(
        float,
        st.tuples(st.integers(3, 12), st.just(2)),
        elements=st.floats(-5, 15, allow_nan=False).map(lambda value: round(value, 2)),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_polygon_is_filled_as_by_the_plain_rasteriser(points):
    differing = fill_even_odd([points], [0], (1, *SHAPE))[0] != fill(points, SHAPE)
    assert not (differing & ~_on_an_edge(points)).any()


def _on_an_edge(points: np.ndarray) -> np.ndarray:
    """Pixels whose centre lies on an edge to within rounding, where the two rules may differ."""
    y, x = np.indices(SHAPE)
    centres = np.stack([x, y], -1)[:, :, None]
    along = np.roll(points, -1, 0) - points
    share = ((centres - points) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12)
    nearest = points + np.clip(share, 0, 1)[..., None] * along
    return (np.linalg.norm(centres - nearest, axis=-1) < 1e-9).any(-1)


def test_work_in_portions_changes_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    polygons = [rng.uniform(-2, 12, (30, 2)) for _ in range(6)]
    whole = fill_even_odd(polygons, [0, 1, 2, 0, 1, 2], (3, *SHAPE))
    monkeypatch.setattr(polygon_fill, "_CROSSINGS_AT_ONCE", 7)
    assert np.array_equal(fill_even_odd(polygons, [0, 1, 2, 0, 1, 2], (3, *SHAPE)), whole)


@given(arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12))))
@settings(max_examples=150, deadline=None)
def test_it_is_the_inverse_of_our_own_contours(mask):
    contours = contours_of(mask)
    filled = fill_even_odd([one.points_px for one in contours], [one.slice_index for one in contours], mask.shape)
    assert np.array_equal(filled, mask)
    assert np.array_equal(filled, exclusive(contours, mask.shape))
