from __future__ import annotations

import numpy as np

from PediatricAbdomenSegLib.engine.inference.body_crop import find_body

SPACING_MM = (3.0, 1.5, 1.5)
SHAPE = (40, 160, 200)


def an_empty_scanner() -> np.ndarray:
    return np.full(SHAPE, -1000, np.int16)


def with_cylinder(array: np.ndarray, y_mm: float, x_mm: float, radius_mm: float, hu: int = 40) -> np.ndarray:
    y, x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    array[:, ((y + 0.5) * 1.5 - y_mm) ** 2 + ((x + 0.5) * 1.5 - x_mm) ** 2 < radius_mm**2] = hu
    return array


def assert_within(box, expected, tolerance_voxels):
    for (low, high), (expected_low, expected_high) in zip(box, expected, strict=True):
        assert abs(low - expected_low) <= tolerance_voxels
        assert abs(high - expected_high) <= tolerance_voxels


def test_the_box_holds_the_body_and_leaves_table_and_blanket_out():
    array = with_cylinder(an_empty_scanner(), 120, 150, 60)
    array[:, 140:144] = 200  # table
    array[:, 20:22, 20:180] = -100  # blanket, 3 mm
    box = find_body(array, SPACING_MM)
    assert_within(box, ((0, 40), (40, 120), (60, 140)), 4)


def test_a_limb_beside_the_trunk_stays_in_the_box():
    array = with_cylinder(with_cylinder(an_empty_scanner(), 120, 150, 60), 120, 40, 20)
    box = find_body(array, SPACING_MM)
    assert_within(box, ((0, 40), (40, 120), (13, 140)), 4)


def test_an_infusion_line_beside_the_trunk_does_not_count():
    array = with_cylinder(with_cylinder(an_empty_scanner(), 120, 150, 60), 120, 40, 5)
    assert find_body(array, SPACING_MM)[2][0] > 50


def test_noise_in_the_air_does_not_count():
    array = with_cylinder(an_empty_scanner(), 120, 150, 60)
    speckled = np.random.default_rng(0).random(SHAPE) < 0.02
    array[speckled] = 0
    assert_within(find_body(array, SPACING_MM), ((0, 40), (40, 120), (60, 140)), 5)


def test_a_body_that_leaves_the_field_on_all_sides_is_the_whole_field():
    array = np.full(SHAPE, 40, np.int16)
    assert find_body(array, SPACING_MM) == tuple((0, size) for size in SHAPE)


def test_air_holds_no_body():
    assert find_body(an_empty_scanner(), SPACING_MM) is None


def test_a_bottle_is_no_body():
    assert find_body(with_cylinder(an_empty_scanner(), 120, 150, 14)[:20], SPACING_MM) is None


def test_two_slices_are_enough_to_find_a_body():
    array = with_cylinder(an_empty_scanner(), 120, 150, 70)[:4]
    assert_within(find_body(array, SPACING_MM), ((0, 4), (33, 127), (53, 147)), 4)
