from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.postprocessing import merge_label_maps, postprocess
from PediatricAbdomenSegLib.engine.organs import organ_by_key


def label_map(array: np.ndarray, origin_mm: float = 0.0) -> LabelMap:
    affine = np.diag([-1.0, -1.0, 2.0, 1.0])
    affine[2, 3] = origin_mm
    return LabelMap(array, Geometry(array.shape, affine))


def voxels(**places: list[tuple[int, int, int]]) -> LabelMap:
    """A 6 × 6 × 6 label map with the organs of these keys at these places."""
    array = np.zeros((6, 6, 6), np.uint8)
    for key, indices in places.items():
        for index in indices:
            array[index] = organ_by_key(key).label
    return label_map(array)


def at(result: LabelMap, index: tuple[int, int, int]) -> int:
    return int(result.array[index])


def test_only_the_largest_piece_of_a_declared_organ_stays():
    before = voxels(liver=[(0, 0, 0), (0, 0, 1), (3, 3, 3)], spleen=[(5, 5, 5), (5, 0, 5)])
    after = postprocess(before, {"liver": "largest_component"})
    assert after.array.sum() == 2 * organ_by_key("liver").label + 2 * organ_by_key("spleen").label
    assert at(after, (3, 3, 3)) == 0
    assert at(before, (3, 3, 3)) != 0, "the input must not change"


def test_voxels_that_share_a_corner_are_one_piece():
    after = postprocess(voxels(liver=[(0, 0, 0), (1, 1, 1), (2, 2, 2)]), {"liver": "largest_component"})
    assert np.count_nonzero(after.array) == 3


def test_another_organ_inside_the_bounding_box_is_left_alone():
    before = voxels(liver=[(0, 0, 0), (0, 0, 1), (5, 5, 5)], spleen=[(2, 2, 2)])
    after = postprocess(before, {"liver": "largest_component"})
    assert at(after, (2, 2, 2)) == organ_by_key("spleen").label and at(after, (5, 5, 5)) == 0


def test_post_processing_does_what_nnunet_does():
    stock = pytest.importorskip("nnunetv2.postprocessing.remove_connected_components")
    random = np.random.default_rng(7)
    for density in (0.03, 0.08, 0.2):
        array = (random.random((12, 20, 20)) < density).astype(np.uint8) * random.integers(
            1, 20, (12, 20, 20), np.uint8
        )
        expected = array
        for label in (4, 6, 9):
            expected = stock.remove_all_but_largest_component_from_segmentation(expected, label)
        steps = dict.fromkeys(("kidney_left", "liver", "stomach_bowel"), "largest_component")
        assert np.array_equal(postprocess(label_map(array), steps).array, expected)


def test_an_organ_that_was_not_found_is_no_error():
    assert not postprocess(voxels(), {"liver": "largest_component"}).array.any()


def test_an_unknown_step_or_organ_is_refused():
    with pytest.raises(UsageError, match="smooth"):
        postprocess(voxels(), {"liver": "smooth"})
    with pytest.raises(UsageError, match="tail"):
        postprocess(voxels(), {"tail": "largest_component"})


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ("spleen", "pancreas"),
        ("kidney_left", "liver"),
        ("heart", "lung_left"),
        ("pancreas", "stomach_bowel"),
        ("liver", "stomach_bowel"),
        ("stomach_bowel", "lung_right"),
        ("lung_right", "vertebrae"),
        ("lung_left", "abdominal_aorta"),
    ],
)
def test_the_organ_of_higher_priority_wins_in_either_order(winner, loser):
    place = (1, 1, 1)
    maps = [voxels(**{winner: [place]}), voxels(**{loser: [place]})]
    for order in (maps, maps[::-1]):
        assert at(merge_label_maps(order), place) == organ_by_key(winner).label


def test_of_equal_priorities_the_earlier_map_wins():
    first, second = voxels(spleen=[(1, 1, 1)]), voxels(kidney_left=[(1, 1, 1), (2, 2, 2)])
    merged = merge_label_maps([first, second])
    assert (at(merged, (1, 1, 1)), at(merged, (2, 2, 2))) == (1, 4)


def test_a_bundles_own_priority_comes_before_the_tables():
    maps = [voxels(spleen=[(1, 1, 1)]), voxels(vertebrae=[(1, 1, 1)], liver=[(2, 2, 2)]), voxels(pancreas=[(2, 2, 2)])]
    merged = merge_label_maps(maps, ("vertebrae", "pancreas", "liver"))
    assert at(merged, (1, 1, 1)) == organ_by_key("vertebrae").label
    assert at(merged, (2, 2, 2)) == organ_by_key("pancreas").label


def test_a_tumour_takes_no_voxel_from_the_liver():
    liver, tumour = voxels(liver=[(1, 1, 1)]), voxels(hepatoblastoma=[(1, 1, 1), (2, 2, 2)])
    for order in ([liver, tumour], [tumour, liver]):
        merged = merge_label_maps(order)
        assert at(merged, (1, 1, 1)) == organ_by_key("liver").label and at(merged, (2, 2, 2)) == 0


def test_label_maps_on_different_grids_are_refused():
    array = np.zeros((4, 4, 4), np.uint8)
    with pytest.raises(InputError, match="Label map 2"):
        merge_label_maps([label_map(array), label_map(np.zeros((4, 4, 5), np.uint8))])
    with pytest.raises(InputError, match="different places"):
        merge_label_maps([label_map(array), label_map(array, origin_mm=5.0)])


def test_merging_nothing_is_refused():
    with pytest.raises(UsageError):
        merge_label_maps([])


def test_an_organ_smaller_than_its_minimum_is_a_false_finding():
    before = voxels(kidney_left=[(0, 0, 0)], kidney_right=[(2, 2, 2), (2, 2, 1)])
    least_ml = 1.5 * before.geometry.voxel_volume_ml
    after = postprocess(before, {}, {"kidney_left": least_ml, "kidney_right": least_ml, "liver": 1.0})
    assert not (after.array == organ_by_key("kidney_left").label).any()
    assert (after.array == organ_by_key("kidney_right").label).sum() == 2
