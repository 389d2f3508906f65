"""Contours rasterise back to exactly the mask they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from even_odd_rasteriser import exclusive, union
from PediatricAbdomenSegLib.engine.cases.contours import contours_of


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
