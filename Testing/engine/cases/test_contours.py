"""Contours rasterise back to exactly the mask they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from even_odd_rasteriser import exclusive, union
from PediatricAbdomenSegLib.engine.cases.contours import contours_of
from PediatricAbdomenSegLib.engine.cases.outline_style import (
    DEFAULT_SIMPLIFY_PX,
    DEFAULT_SMOOTH_PX,
    EXACT_SIMPLIFY_PX,
    EXACT_SUM_PX,
    OutlineStyle,
)
from PediatricAbdomenSegLib.engine.errors import UsageError

STYLES = {
    "smooth": OutlineStyle(smooth_px=EXACT_SUM_PX),
    "simple": OutlineStyle(simplify_px=EXACT_SIMPLIFY_PX),
    "the defaults": OutlineStyle(DEFAULT_SMOOTH_PX, DEFAULT_SIMPLIFY_PX),
    "mostly smooth": OutlineStyle(EXACT_SUM_PX - 0.1, 0.1),
}


def _disc(radius: float, centre: tuple[float, float] = (20, 20), shape: tuple[int, int] = (40, 44)) -> np.ndarray:
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def _stack(plane: np.ndarray, slices: int = 3) -> np.ndarray:
    mask = np.zeros((slices + 2, *plane.shape), bool)
    mask[1:-1] = plane
    return mask


def _one_voxel() -> np.ndarray:
    mask = np.zeros((3, 8, 9), bool)
    mask[1, 4, 5] = True
    return mask


def _five_holes() -> np.ndarray:
    plane = _disc(17)
    for centre in ((12, 20), (20, 12), (20, 20), (20, 28), (28, 20)):
        plane &= ~_disc(2.5, centre)
    return plane


def _nested_island() -> np.ndarray:
    return (_disc(17) & ~_disc(12)) | (_disc(8) & ~_disc(4)) | _disc(1.5)


def _border() -> np.ndarray:
    plane = np.ones((12, 14), bool)
    plane[4:7, 5:8] = False
    return plane


SHAPES = {
    "one voxel": _one_voxel(),
    "one slice": _stack(_disc(9), 1),
    "a line one pixel wide": _stack(np.indices((12, 14))[0] == 5),
    "a tube with a hole": _stack(_disc(14) & ~_disc(9)),
    "a wall of two pixels": _stack(_disc(14) & ~_disc(12)),
    "five holes": _stack(_five_holes()),
    "an island in a hole in an island": _stack(_nested_island()),
    "two pieces": _stack(_disc(6, (10, 10)) | _disc(5, (28, 32))),
    "pixels touching by corners": _stack(np.indices((9, 9)).sum(0) % 2 == 0),
    "touching every border": np.stack([_border()] * 2),
}


@pytest.mark.parametrize("mask", SHAPES.values(), ids=SHAPES.keys())
def test_a_reader_that_joins_contours_gets_the_mask_back(mask):
    assert np.array_equal(union(contours_of(mask), mask.shape), mask)


@pytest.mark.parametrize("mask", SHAPES.values(), ids=SHAPES.keys())
def test_a_reader_that_xors_contours_gets_the_mask_back(mask):
    assert np.array_equal(exclusive(contours_of(mask), mask.shape), mask)


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 2), st.integers(1, 12), st.integers(1, 12))))
def test_any_mask_comes_back(mask):
    contours = contours_of(mask)
    assert np.array_equal(union(contours, mask.shape), mask)
    assert np.array_equal(exclusive(contours, mask.shape), mask)


def test_an_empty_mask_has_no_contours():
    assert contours_of(np.zeros((3, 4, 5), bool)) == ()


def test_every_contour_has_an_area():
    contours = contours_of(SHAPES["one voxel"])
    assert [len(contour.points_px) for contour in contours] == [4]


def test_a_single_pixel_keeps_its_size():
    (contour,) = contours_of(SHAPES["one voxel"])
    assert np.allclose(np.ptp(contour.points_px, axis=0), 0.98)


def test_no_edge_or_bridge_passes_within_a_fifth_of_a_pixel_centre():
    for name, mask in SHAPES.items():
        centres = np.argwhere(np.ones(mask.shape[1:], bool))[:, ::-1]
        for contour in contours_of(mask):
            assert _distances(centres, contour.points_px).min() > 0.2, name


def _distances(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Distance of each point to each edge of a closed polygon, ``(points, edges)``."""
    edges = np.roll(corners, -1, 0) - corners
    to_points = points[:, None] - corners[None]
    along = (to_points * edges).sum(-1) / np.maximum((edges**2).sum(-1), 1e-12)
    return np.linalg.norm(to_points - along.clip(0, 1)[..., None] * edges, axis=-1)


def test_a_hole_is_joined_to_the_outline_by_one_contour():
    mask = SHAPES["a tube with a hole"]
    assert [contour.slice_index for contour in contours_of(mask)] == [1, 2, 3]


def test_bridge_ends_coincide_more_than_three_points_apart():
    contour = contours_of(SHAPES["a tube with a hole"])[0]
    distances = np.linalg.norm(contour.points_px[:, None] - contour.points_px[None], axis=-1)
    first, second = np.nonzero(np.triu(distances < 1e-6, 1))
    assert len(first) == 2
    assert (second - first > 3).all()


def test_contours_come_in_the_order_of_slices():
    rng = np.random.default_rng(3)
    slices = [contour.slice_index for contour in contours_of(rng.random((6, 9, 9)) < 0.3)]
    assert slices == sorted(slices)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
@pytest.mark.parametrize("mask", SHAPES.values(), ids=SHAPES.keys())
def test_exact_styles_lose_no_voxel(mask, style):
    contours = contours_of(mask, style)
    assert np.array_equal(union(contours, mask.shape), mask)
    assert np.array_equal(exclusive(contours, mask.shape), mask)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.2, 0.8))
def test_exact_styles_lose_no_voxel_of_any_blob(style, seed, share):
    values = np.random.default_rng(seed).random((1, 18, 20))
    neighbours = sum(np.roll(values, shift, (1, 2)) for shift in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)))
    mask = neighbours < np.quantile(neighbours, share)
    assert np.array_equal(union(contours_of(mask, style), mask.shape), mask)


def test_simplification_leaves_fewer_points_and_smoothing_rounder_outlines():
    mask = _stack(_disc(32.5, (40, 40), (80, 80)), 1)
    styles = OutlineStyle(), STYLES["smooth"], STYLES["the defaults"]
    (exact,), (smooth,), (simple,) = (contours_of(mask, style) for style in styles)
    assert len(simple.points_px) < 0.9 * len(exact.points_px)
    assert np.std(np.hypot(*(smooth.points_px - 40).T)) < 0.7 * np.std(np.hypot(*(exact.points_px - 40).T))


def test_the_ends_of_bridges_stay_where_they_are_in_every_style():
    mask = SHAPES["a tube with a hole"]
    for style in STYLES.values():
        points = contours_of(mask, style)[0].points_px
        distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
        first, second = np.nonzero(np.triu(distances < 1e-6, 1))
        assert len(first) == 2
        assert (second - first > 3).all()


def test_no_style_leaves_an_outline_without_area():
    mask = SHAPES["a line one pixel wide"]
    for contour in contours_of(mask, OutlineStyle(2.0, 2.0)):
        assert len(contour.points_px) >= 4


@pytest.mark.parametrize("value", [-0.1, 2.1, float("nan")])
def test_a_style_out_of_range_is_refused(value):
    with pytest.raises(UsageError, match="not possible"):
        OutlineStyle(smooth_px=value)


def test_styles_count_as_exact_only_up_to_their_bounds():
    assert OutlineStyle().is_exact
    assert all(style.is_exact for style in STYLES.values())
    assert not OutlineStyle(0.3, 0.1).is_exact
    assert not OutlineStyle(0.0, 0.2).is_exact
