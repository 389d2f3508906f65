"""The organ table: consistent, distinguishable, and plausible for children."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.organs import (
    ALL_STRUCTURES,
    HEPATOBLASTOMA,
    LEFT,
    MORPHOLOGICALLY_ALTERED_STRUCTURE,
    ORGANS,
    RIGHT,
    OrganType,
    organ_by_key,
    organs_of_type,
)

PAIRS = [(organ, organ_by_key(organ.partner)) for organ in ORGANS if organ.partner and organ.laterality is LEFT]

# CIE76 difference in CIELAB; about 2.3 is just noticeable side by side, 20 is another colour on a crowded slice.
SMALLEST_COLOUR_DIFFERENCE = 20


def cielab(color: tuple[int, int, int]) -> np.ndarray:
    srgb = np.array(color) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ linear / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_labels_are_row_numbers():
    assert [organ.label for organ in ORGANS] == list(range(1, 20))
    assert HEPATOBLASTOMA.label == 20
    assert (*ORGANS, HEPATOBLASTOMA) == ALL_STRUCTURES


def test_nine_organs_are_type_1_and_ten_type_2():
    assert len(organs_of_type(OrganType.TYPE1)) == 9
    assert len(organs_of_type(OrganType.TYPE2)) == 10
    assert organs_of_type(OrganType.TARGET) == (HEPATOBLASTOMA,)


@pytest.mark.parametrize("attribute", ["label", "key", "display_name", "tg263_name", "short_name", "color"])
def test_no_two_structures_share_a_name_label_or_colour(attribute):
    values = [getattr(organ, attribute) for organ in ALL_STRUCTURES]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("organ", ALL_STRUCTURES, ids=lambda organ: organ.key)
def test_names_fit_the_systems_they_go_to(organ):
    assert re.fullmatch(r"[a-z_]+", organ.key)
    # Some planning systems cut ROI names at 16 characters; TG-263 stays within them.
    assert re.fullmatch(r"[A-Za-z0-9_]{1,16}", organ.tg263_name)
    assert re.fullmatch(r"[A-Za-z0-9_]{1,16}", organ.short_name)
    assert 0 < len(organ.display_name) <= 64


def test_names_cut_to_sixteen_characters_in_any_case_stay_apart():
    for attribute in ("tg263_name", "short_name"):
        cut = {getattr(organ, attribute)[:16].lower() for organ in ALL_STRUCTURES}
        assert len(cut) == len(ALL_STRUCTURES)


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=lambda organ: organ.key)
def test_the_two_of_a_pair_differ_by_side_alone(left, right):
    assert (left.partner, right.partner) == (right.key, left.key)
    assert (left.laterality, right.laterality) == (LEFT, RIGHT)
    assert (left.key.endswith("_left"), right.key.endswith("_right")) == (True, True)
    assert (left.tg263_name[:-2], left.tg263_name[-2:]) == (right.tg263_name[:-2], "_L")
    assert (left.snomed, left.type, left.priority) == (right.snomed, right.type, right.priority)
    assert left.volume_range_ml(4) == right.volume_range_ml(4)


def test_there_are_five_pairs_and_everything_else_has_no_side():
    assert len(PAIRS) == 5
    unpaired = [organ for organ in ALL_STRUCTURES if organ.partner is None]
    assert len(unpaired) == 10
    assert all(organ.laterality is None for organ in unpaired)


@pytest.mark.parametrize("organ", ALL_STRUCTURES, ids=lambda organ: organ.key)
def test_codes_are_wellformed_snomed_ct_identifiers(organ):
    concepts = [organ.snomed, organ.category, *filter(None, (organ.laterality, organ.region))]
    assert all(concept.scheme == "SCT" and concept.meaning for concept in concepts)
    assert all(_has_valid_check_digit(concept.value) for concept in concepts)


def _has_valid_check_digit(sctid: str) -> bool:
    """The Verhoeff check that ends every SNOMED CT identifier: a mistyped digit or two swapped ones fail it."""
    dihedral = [[(i + j) % 5 if j < 5 else 5 + (i + j) % 5 for j in range(10)] for i in range(5)]
    dihedral += [[5 + (i - j) % 5 if j < 5 else (i - j) % 5 for j in range(10)] for i in range(5, 10)]
    permutation = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permutation.append([permutation[-1][permutation[1][i]] for i in range(10)])
    check = 0
    for position, digit in enumerate(reversed(sctid)):
        check = dihedral[check][permutation[position % 8][int(digit)]]
    return check == 0


def test_the_check_digit_test_sees_a_mistyped_code():
    assert _has_valid_check_digit("10200004")
    assert not _has_valid_check_digit("10200005")
    assert not _has_valid_check_digit("12000004")


def test_the_tumour_is_a_morphologic_abnormality_of_the_liver():
    assert HEPATOBLASTOMA.category is MORPHOLOGICALLY_ALTERED_STRUCTURE
    assert HEPATOBLASTOMA.region == organ_by_key("liver").snomed


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ALL_STRUCTURES, 2)), ids=lambda organ: organ.key)
def test_colours_tell_structures_apart(one, other):
    assert np.linalg.norm(cielab(one.color) - cielab(other.color)) >= SMALLEST_COLOUR_DIFFERENCE


def test_overlaps_are_resolved_as_in_the_study():
    priority = {organ.key: organ.priority for organ in ALL_STRUCTURES}
    first = {priority[key] for key in ("spleen", "kidney_left", "kidney_right", "heart")}
    second = {priority[key] for key in ("pancreas", "liver")}
    lungs = {priority[key] for key in ("lung_left", "lung_right")}
    assert min(first) > max(second) > priority["stomach_bowel"] > max(lungs)
    type_1 = [organ.priority for organ in organs_of_type(OrganType.TYPE1)]
    type_2 = [organ.priority for organ in organs_of_type(OrganType.TYPE2)]
    assert min(type_1) > max(type_2)
    assert priority["spinal_canal"] > priority["vertebrae"]
    assert priority["hepatoblastoma"] > max(type_1)


# Organ masses that ICRP 89 did not use: pediatric ultrasound and CT series put these within a child's normal range.
@pytest.mark.parametrize(
    ("key", "age_years", "volume_ml"),
    [
        ("liver", 0, 120),
        ("liver", 4, 500),
        ("liver", 17, 1400),
        ("spleen", 4, 60),
        ("kidney_left", 4, 50),
        ("kidney_left", 4, 95),  # the remaining kidney after nephrectomy grows
        ("pancreas", 10, 40),
        ("adrenal_gland_right", 0, 4),
        ("lung_right", 4, 450),
    ],
)
def test_a_normal_child_is_within_the_plausible_range(key, age_years, volume_ml):
    low, high = organ_by_key(key).volume_range_ml(age_years)
    assert low < volume_ml < high


@pytest.mark.parametrize(
    ("key", "age_years", "volume_ml"),
    [("liver", 4, 60), ("liver", 4, 3000), ("kidney_left", 4, 2), ("kidney_left", 1, 300), ("spleen", 15, 5)],
)
def test_an_implausible_volume_is_outside_the_range(key, age_years, volume_ml):
    low, high = organ_by_key(key).volume_range_ml(age_years)
    assert not low <= volume_ml <= high


@pytest.mark.parametrize("organ", ALL_STRUCTURES, ids=lambda organ: organ.key)
def test_without_an_age_the_range_covers_every_age(organ):
    low, high = organ.volume_range_ml(None)
    for age_years in np.linspace(0, 21, 43):
        at_age = organ.volume_range_ml(float(age_years))
        assert 0 < low <= at_age[0] < at_age[1] <= high


def test_ages_outside_the_table_take_the_nearest_row():
    liver = organ_by_key("liver")
    assert liver.volume_range_ml(-1) == liver.volume_range_ml(0)
    assert liver.volume_range_ml(60) == liver.volume_range_ml(21)


# Publication 89, table 2.8, mean of both sexes, at 0, 1, 5, 10, 15 and 21 years; both of a pair.
ICRP_MASSES_G = {
    "spleen": (9.5, 29, 50, 80, 130, 140),
    "kidney_left": (25, 70, 110, 180, 245, 292.5),
    "liver": (130, 330, 570, 830, 1300, 1600),
    "heart": (46, 98, 220, 370, 600, 730),
    "pancreas": (6, 20, 35, 60, 105, 130),
    "adrenal_gland_left": (6, 4, 5, 7, 9.5, 13.5),
}


@pytest.mark.parametrize(("key", "masses_g"), ICRP_MASSES_G.items(), ids=ICRP_MASSES_G.keys())
def test_reference_volumes_are_the_organ_masses_of_icrp(key, masses_g):
    organ = organ_by_key(key)
    expected = np.array(masses_g) / 1.05 / (2 if organ.partner else 1)
    assert np.array(organ.reference_volume_ml) == pytest.approx(expected, rel=0.05)
    low, high = np.transpose([organ.volume_range_ml(age) for age in (0, 1, 5, 10, 15, 21)])
    assert np.all(low < expected / 2) and np.all(high > expected * 2)


def test_between_two_ages_the_range_is_interpolated():
    liver = organ_by_key("liver")
    at_1, at_3, at_5 = (np.array(liver.volume_range_ml(age)) for age in (1, 3, 5))
    assert at_3 == pytest.approx((at_1 + at_5) / 2)


def test_rows_are_found_by_key():
    for organ in ALL_STRUCTURES:
        assert organ_by_key(organ.key) is organ


def test_an_unknown_organ_is_an_error_that_names_the_choices():
    with pytest.raises(UsageError, match="spleen, lung_left"):
        organ_by_key("gallbladder")
    with pytest.raises(UsageError, match="type1, type2, target"):
        organs_of_type("type3")
