from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.ratings.rater_agreement import (
    bland_altman,
    bland_altman_of_raters,
    inter_rater_rows,
    intra_rater_rows,
)
from rating_builder import a_study_of, ratings_of

# Bland and Altman, Lancet 327 (1986), table 1: first peak flow of 17 people with each meter, l/min.
LARGE_METER = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
MINI_METER = (512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)


def test_limits_of_agreement_are_as_published():
    found = bland_altman(np.column_stack([LARGE_METER, MINI_METER]).astype(float), ("large", "mini"))
    assert found.bias.text(1) == "−2.1 (−22.0 to 17.8)"  # the paper, with rounded numbers: −22.0 to 17.8
    assert found.sd.text(1) == "38.8"
    # The paper takes 2 SD: −79.7 and 75.5; with 1.96 the limits lie 0.04 SD = 1.6 further in.
    assert (found.lower.value, found.upper.value) == pytest.approx((-79.7 + 1.55, 75.5 - 1.55), abs=0.1)
    # "−114.3 to −45.1" and "40.9 to 110.1" there, again from 2 SD.
    assert (found.lower.low, found.upper.high) == pytest.approx((-114.3 + 1.55, 110.1 - 1.55), abs=0.6)


def test_differences_of_two_raters_are_counted_by_hand():
    study = a_study_of(("liver",), cases=4)
    scores = {("model-a", "RO-1", "liver"): (5, 5, 3, None), ("model-a", "RO-2", "liver"): (4, 4, 3, 2)}
    (found,) = bland_altman_of_raters(study, ratings_of(study, scores))
    assert found.raters == ("RO-1", "RO-2")
    assert found.points == ((3.0, 0.0, 1), (4.5, 1.0, 2))
    assert found.bias.value == pytest.approx(2 / 3)


def test_raters_with_no_contour_in_common_have_no_limits():
    study = a_study_of(("liver",), cases=2)
    (found,) = bland_altman_of_raters(study, ratings_of(study, {("model-a", "RO-1", "liver"): (4, 4)}))
    assert found.bias.text() == "not defined, because no contour was scored by both" and found.points == ()


def test_two_raters_are_compared_on_pooled_organs_and_each_organ():
    study = a_study_of(("liver", "abdominal_aorta"), cases=6)
    both = ("liver", "abdominal_aorta")
    scores = {("model-a", "RO-1", organ): (1, 2, 3, 4, 5, 5) for organ in both}
    scores |= {("model-a", "RO-2", organ): (1, 2, 3, 4, 5, 4) for organ in both}
    rows = inter_rater_rows(study, ratings_of(study, scores))
    assert [row.label for row in rows] == [
        *("Type 1 organs", "Type 2 organs", "All structures"),
        *("liver", "abdominal_aorta"),
    ]
    assert all(row.coefficients["exact"].value == pytest.approx(5 / 6) for row in rows)
    assert [row.coefficients["gwet_ac2"].low is not None for row in rows] == [True] * 3 + [False] * 2
    assert rows[2].coefficients["icc_2_1"].n == 12


def test_three_raters_are_compared_together_and_in_pairs():
    study = a_study_of(("liver",), cases=4, raters=("A", "B", "C"))
    scores = {("model-a", rater, "liver"): (1, 3, 4, 5) for rater in study.raters}
    rows = inter_rater_rows(study, ratings_of(study, scores))
    assert [row.raters for row in rows] == [("A", "B", "C")] * 2 + [("A", "B"), ("A", "C"), ("B", "C")]
    assert rows[0].coefficients["fleiss_kappa"].value == pytest.approx(1)


def test_a_rater_is_compared_with_the_same_rater_on_repeated_contours_only():
    study = a_study_of(("liver",), cases=6)
    first = ratings_of(study, {("model-a", rater, "liver"): (1, 2, 3, 4, 5, 1) for rater in study.raters})
    second = ratings_of(study, {("model-a", "RO-1", "liver"): (1, 3, 3)}, repeat=1)
    one, two = intra_rater_rows(study, [*first, *second])
    assert one.raters == ("RO-1",) and one.coefficients["exact"].n == 3 and one.pooled
    assert one.coefficients["exact"].value == pytest.approx(2 / 3)
    assert two.coefficients["exact"].text() == "not defined, because no contour was scored by two raters"


def test_without_repetitions_there_is_no_intra_rater_agreement():
    study = a_study_of(("liver",), cases=2)
    assert intra_rater_rows(study, ratings_of(study, {("model-a", "RO-1", "liver"): (1, 2)})) == ()


def test_limits_take_two_contours_in_common():
    one = bland_altman(np.array([[4.0, 5.0]]), ("A", "B"))
    assert one.bias.text() == "not defined, because only one contour was scored by both"
    assert bland_altman(np.array([[4.0, 5.0], [3.0, 3.0]]), ("A", "B")).bias.value == -0.5
