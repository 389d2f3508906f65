from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.quality import OrganResult, assess
from PediatricAbdomenSegLib.engine.organs import ORGANS, organ_by_key

SHAPE = (30, 60, 60)
AGE_YEARS = 4.0

# Index x grows to the patient's left, y to posterior, z to superior; voxels of 5 × 4 × 4 mm = 0.08 ml.
AFFINE = np.array([[-4.0, 0, 0, 120], [0, -4.0, 0, 120], [0, 0, 5.0, -75], [0, 0, 0, 1]])

RIGHT_SIDE, MIDDLE, LEFT_SIDE = 15, 30, 45


def box(key: str, z: int, y: int, x: int, half: int = 4) -> dict[str, tuple[slice, ...]]:
    return {key: tuple(slice(centre - half, centre + half) for centre in (z, y, x))}


def map_of(*places: dict[str, tuple[slice, ...]], affine: np.ndarray = AFFINE) -> LabelMap:
    array = np.zeros(SHAPE, np.uint8)
    for place in places:
        for key, region in place.items():
            array[region] = organ_by_key(key).label
    return LabelMap(array, Geometry(SHAPE, affine))


def result_of(label_map: LabelMap, key: str, age_years: float | None = AGE_YEARS) -> OrganResult:
    return assess(label_map, [key], age_years).organs[0]


@pytest.fixture
def two_kidneys() -> LabelMap:
    return map_of(box("kidney_left", 15, 35, LEFT_SIDE), box("kidney_right", 15, 35, RIGHT_SIDE))


def test_volume_and_centroid_are_those_of_the_voxels():
    result = result_of(map_of(box("kidney_left", 15, 35, LEFT_SIDE)), "kidney_left")
    assert result.voxels == 512 and result.pieces == 1 and result.label == 4
    assert result.volume_ml == pytest.approx(512 * 0.08)
    assert result.centroid_ras_mm == pytest.approx((120 - 4 * 44.5, 120 - 4 * 34.5, -75 + 5 * 14.5))
    assert result.flags == ()


def test_measurements_agree_with_scipy_on_an_oblique_grid():
    random = np.random.default_rng(3)
    array = (ndimage.gaussian_filter(random.random((20, 24, 28)), 1.5) > 0.51).astype(np.uint8) * 9
    affine = np.array([[0.9, 0.1, 0, 3], [-0.1, 0.9, 0.2, -4], [0, -0.2, 2.5, 7], [0, 0, 0, 1]])
    geometry = Geometry(array.shape, affine)
    result = result_of(LabelMap(array, geometry), "stomach_bowel")
    assert result.voxels == np.count_nonzero(array)
    assert result.centroid_ras_mm == pytest.approx(tuple(geometry.to_ras(np.array(ndimage.center_of_mass(array)))))
    assert result.pieces == ndimage.label(array, np.ones((3, 3, 3)))[1] > 1


def test_an_organ_that_was_not_found_is_empty(two_kidneys):
    assert result_of(two_kidneys, "liver") == OrganResult("liver", 6, 0, 0.0, 0, None, ("empty",))


def test_organs_are_reported_in_the_order_asked_for(two_kidneys):
    keys = ["liver", "kidney_right", "spleen", "kidney_left"]
    assert [organ.key for organ in assess(two_kidneys, keys).organs] == keys


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("end", [0, -1])
def test_an_organ_at_the_edge_of_the_image_touches_the_border(axis, end):
    label_map = map_of(box("liver", 15, 30, 30, half=6))
    assert "touches_border" not in result_of(label_map, "liver").flags
    np.moveaxis(label_map.array, axis, 0)[end, 15, 15] = organ_by_key("liver").label
    assert "touches_border" in result_of(label_map, "liver").flags


def test_a_volume_outside_the_range_of_the_age_is_implausible():
    kidney = map_of(box("kidney_left", 15, 35, LEFT_SIDE))  # 41 ml
    assert "volume_implausible" not in result_of(kidney, "kidney_left", AGE_YEARS).flags
    assert "volume_implausible" in result_of(kidney, "kidney_left", 0.0).flags, "too large for a newborn"
    assert "volume_implausible" not in result_of(kidney, "kidney_left", None).flags
    speck = map_of(box("kidney_left", 15, 35, LEFT_SIDE, half=1))
    assert "volume_implausible" in result_of(speck, "kidney_left").flags, "too small"


def test_an_organ_cut_by_the_border_may_be_small_but_not_large():
    small = map_of(box("liver", 2, 30, 30, half=2))
    assert result_of(small, "liver").flags == ("touches_border",)
    large = map_of({"spleen": (slice(0, 30), slice(0, 60), slice(0, 60))})
    assert result_of(large, "spleen").flags == ("touches_border", "volume_implausible")


def test_swapped_partners_are_both_on_an_implausible_side(two_kidneys):
    assert "side_implausible" not in result_of(two_kidneys, "kidney_left").flags
    swapped = map_of(box("kidney_left", 15, 35, RIGHT_SIDE), box("kidney_right", 15, 35, LEFT_SIDE))
    assert "side_implausible" in result_of(swapped, "kidney_left").flags
    assert "side_implausible" in result_of(swapped, "kidney_right").flags


def test_sides_are_the_patients_not_the_arrays():
    mirrored_grid = AFFINE.copy()
    mirrored_grid[0] = [4.0, 0, 0, -120]  # index x now grows to the patient's right
    label_map = map_of(
        box("kidney_left", 15, 35, RIGHT_SIDE), box("kidney_right", 15, 35, LEFT_SIDE), affine=mirrored_grid
    )
    assert "side_implausible" not in result_of(label_map, "kidney_left").flags
    assert "side_implausible" not in result_of(label_map, "kidney_right").flags


@pytest.mark.parametrize("midline", ["spinal_canal", "vertebrae"])
def test_a_single_kidney_is_compared_with_the_spine(midline):
    spine = box(midline, 15, 50, MIDDLE)
    right_place = map_of(spine, box("kidney_left", 15, 35, LEFT_SIDE))
    wrong_place = map_of(spine, box("kidney_left", 15, 35, RIGHT_SIDE))
    assert "side_implausible" not in result_of(right_place, "kidney_left").flags
    assert "side_implausible" in result_of(wrong_place, "kidney_left").flags


def test_an_unpaired_organ_has_no_implausible_side():
    label_map = map_of(box("spinal_canal", 15, 50, MIDDLE), box("liver", 15, 30, LEFT_SIDE, half=6))
    assert "side_implausible" not in result_of(label_map, "liver").flags


def test_two_large_pieces_are_flagged_and_a_speck_is_only_counted():
    two = map_of(box("liver", 15, 30, 20, half=5), box("liver", 15, 30, 45, half=5))
    assert result_of(two, "liver").pieces == 2
    assert "several_pieces" in result_of(two, "liver").flags
    speck = map_of(box("liver", 15, 30, 20, half=7), box("liver", 15, 30, 45, half=1))
    assert result_of(speck, "liver").pieces == 2
    assert "several_pieces" not in result_of(speck, "liver").flags


@pytest.mark.parametrize("key", ["stomach_bowel", "vertebrae", "lung_left", "lung_right"])
def test_organs_in_pieces_by_nature_are_not_flagged_for_it(key):
    label_map = map_of(box(key, 15, 30, 20, half=6), box(key, 15, 30, 45, half=6))
    assert result_of(label_map, key).pieces == 2
    assert "several_pieces" not in result_of(label_map, key).flags


def test_a_case_without_any_organ_is_flagged():
    assert assess(map_of(), [organ.key for organ in ORGANS]).case_flags == ("nothing_found",)


def test_a_case_whose_pairs_are_swapped_is_flagged_and_one_odd_pair_is_not(two_kidneys):
    keys = [organ.key for organ in ORGANS]
    lungs = [box("lung_left", 24, 30, RIGHT_SIDE), box("lung_right", 24, 30, LEFT_SIDE)]
    kidneys = [box("kidney_left", 15, 35, RIGHT_SIDE), box("kidney_right", 15, 35, LEFT_SIDE)]
    assert assess(map_of(*lungs, *kidneys), keys).case_flags == ("sides_swapped",)
    assert assess(map_of(*kidneys), keys).case_flags == ()
    assert assess(two_kidneys, keys).case_flags == ()


def test_an_unknown_organ_is_refused(two_kidneys):
    with pytest.raises(UsageError, match="tail"):
        assess(two_kidneys, ["tail"])
