"""Loops in loops are holes and islands; overlapping pieces are united."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.nested_contours import PlanarLoop, fill_loops
from rtstruct_builder import square

SHAPE = (2, 40, 50)


def _filled(*outlines, exclusive=False):
    loops = [PlanarLoop(1, np.array(outline, float), exclusive) for outline in outlines]
    result = fill_loops(loops, SHAPE)
    assert not result.mask[0].any()
    return result


def _area(*outlines, **options) -> int:
    return int(_filled(*outlines, **options).mask.sum())


OUTER, HOLE, ISLAND = square(2, 2, 31, 31), square(6, 6, 25, 25), square(10, 10, 14, 14)


def test_a_loop_in_a_loop_is_a_hole_and_a_loop_in_a_hole_an_island():
    assert _area(OUTER, HOLE) == 900 - 400
    assert _area(OUTER, HOLE, ISLAND) == 900 - 400 + 25


def test_the_order_of_loops_does_not_matter():
    assert _area(ISLAND, OUTER, HOLE) == _area(HOLE, ISLAND, OUTER) == 525


def test_five_holes_stay_five():
    holes = [square(4 + 5 * i, 4, 6 + 5 * i, 6) for i in range(5)]
    assert _area(OUTER, *holes) == 900 - 5 * 9


def test_pieces_apart_are_all_there_even_when_their_boxes_overlap():
    corner = [(1.5, 1.5), (20.5, 1.5), (20.5, 4.5), (4.5, 4.5), (4.5, 20.5), (1.5, 20.5)]  # an L around the next one
    result = _filled(corner, square(8, 8, 12, 12))
    assert result.mask.sum() == 19 * 3 + 3 * 16 + 25
    assert result.united_layers == 0


def test_pieces_that_overlap_in_part_are_united_and_said():
    result = _filled(square(2, 2, 11, 11), square(7, 2, 16, 11))
    assert result.mask.sum() == 15 * 10
    assert result.united_layers == 1


def test_a_hole_that_leaves_its_outline_by_a_pixel_is_a_hole():
    result = _filled(OUTER, square(6, 1, 25, 25))
    assert result.mask.sum() == 900 - 20 * 24


def test_loops_marked_exclusive_are_combined_so_even_when_they_overlap_in_part():
    assert _area(square(2, 2, 11, 11), square(7, 2, 16, 11), exclusive=True) == 10 * 10


def test_a_loop_written_twice_counts_once():
    result = _filled(OUTER, OUTER, HOLE)
    assert result.mask.sum() == 500
    assert result.repeated_loops == 1


def test_a_wall_one_pixel_thick_stays_a_wall():
    assert _area(square(2, 2, 37, 37), square(3, 3, 36, 36)) == 36**2 - 34**2


def test_loops_beyond_the_image_are_cut():
    assert _area(square(-50, -50, 9, 9), square(-30, -30, 4, 4), square(1000, 1000, 1010, 1010)) == 100 - 25


@pytest.mark.parametrize("seed", range(4))
def test_nested_and_separate_loops_are_even_odd(seed):
    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)

    def circle(x, y, radius):
        return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)

    x, y = rng.uniform(15, 25, 2)
    loops = [circle(x, y, radius) for radius in rng.permutation([13.3, 10.1, 6.2, 3.7])]
    expected = sum(fill_loops([PlanarLoop(1, loop)], SHAPE).mask.astype(int) for loop in loops) % 2 == 1
    assert np.array_equal(_filled(*loops).mask, expected)
