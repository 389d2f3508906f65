"""Means, distributions and shares by hand and as published."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.ratings.statistics import (
    case_group_rows,
    describe,
    first_scorings,
    organ_rows,
    share,
    verdicts,
)
from PediatricAbdomenSegLib.engine.ratings.study import Thresholds
from rating_builder import a_study_of, ratings_of


def counted(*counts: int) -> list[int]:
    """Scores from how many there are of 1, 2, 3, 4, 5."""
    return [score for score, n in enumerate(counts, 1) for _ in range(n)]


# The means and standard deviations of the published reader study [Ding-OAR], two radiation oncologists, 15 children.
# There is one way to get 3.07 ± 0.26 from 15 scores: 14 × 3 and 1 × 4, sum 46, squared deviations 14/15.
# 2.80 ± 0.86: sum 42, squared deviations 10.4. 3.87 ± 0.74: sum 58, squared deviations 7.73. 3.00 ± 1.61 cannot be had
# from 15 whole scores, but from 11 with squared deviations of 26; nor can the 0.94 of 1.47 ± 0.94, of which the mean
# is 22/15.
PUBLISHED = {
    ("RO-1", "stomach_bowel"): (counted(0, 0, 14, 1, 0), "3.07", "0.26"),
    ("RO-2", "stomach_bowel"): (counted(0, 6, 7, 1, 1), "2.80", "0.86"),
    ("RO-1", "pancreas"): (counted(0, 0, 5, 7, 3), "3.87", "0.74"),
    ("RO-2", "pancreas"): (counted(0, 0, 0, 0, 15), "5.00", "0.00"),
    ("RO-1", "abdominal_aorta"): (counted(11, 2, 1, 1, 0), "1.47", None),
    ("RO-2", "abdominal_aorta"): ([*counted(1, 6, 0, 0, 4), *[None] * 4], "3.00", "1.61"),
}


@pytest.fixture
def the_published_study():
    """Study and ratings of a table of scores with the published means."""
    study = a_study_of(("stomach_bowel", "pancreas", "abdominal_aorta"))
    scores = {("model-a", rater, organ): column for (rater, organ), (column, _, _) in PUBLISHED.items()}
    return study, ratings_of(study, scores)


def test_the_published_table_comes_out(the_published_study):
    rows = {(row.rater, row.label): row.description for row in organ_rows(*the_published_study)}
    for key, (_, mean, sd) in PUBLISHED.items():
        assert rows[key].mean.text() == mean
        assert sd is None or rows[key].sd.text() == sd
    assert rows["RO-2", "abdominal_aorta"].n == 11 and rows["RO-2", "abdominal_aorta"].not_assessable == 4
    assert rows["RO-2", "stomach_bowel"].counts == (0, 6, 7, 1, 1)
    assert rows["RO-2", "stomach_bowel"].median.value == 3
    assert rows["", "pancreas"].mean.text() == "4.43"  # 133 / 30
    assert rows["", "pancreas"].acceptable.value == pytest.approx(25 / 30)
    assert rows["RO-1", "Type 1 organs"].mean.value == pytest.approx((46 + 58) / 30)
    assert rows["", "All structures"].n == 86


def test_organs_below_a_threshold_are_named(the_published_study):
    (verdict,) = verdicts(*the_published_study)
    # Both raters: pancreas 4.43, stomach-bowel 88/30 = 2.93, aorta 55/26 = 2.12.
    assert verdict.acceptable == ("pancreas",)
    assert verdict.usable == ()
    assert verdict.below == ("stomach_bowel", "abdominal_aorta")


def test_a_mean_of_exactly_the_threshold_reaches_it():
    study = a_study_of(("liver", "heart", "spleen"), cases=2)
    scores = {("model-a", "RO-1", "liver"): (3, 5), ("model-a", "RO-1", "heart"): (2, 4)}
    (verdict,) = verdicts(study, ratings_of(study, scores))
    assert (verdict.acceptable, verdict.usable, verdict.unscored) == (("liver",), ("heart",), ("spleen",))


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_of_shares_are_as_published(count, of, low, high):
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: Wilson's score interval.
    found = share(count, of)
    assert (found.value, found.low, found.high) == pytest.approx((count / of, low, high), abs=5e-5)


def test_no_scores_and_one_score_are_described_without_numbers_that_do_not_exist():
    study = a_study_of(("liver",), cases=2, raters=("RO-1",))
    nothing = describe([], Thresholds())
    assert nothing.mean.text() == nothing.acceptable.text() == "not defined, because there is no score"
    one = describe(ratings_of(study, {("model-a", "RO-1", "liver"): (4, None)}), Thresholds())
    assert (one.mean.text(), one.n, one.not_assessable) == ("4.00", 1, 1)
    assert one.sd.text() == "not defined, because there is one score only"
    assert nothing.sd.text() == nothing.median.text() == nothing.mean.text()


def test_repetitions_do_not_count_twice():
    study = a_study_of(("liver",), cases=2)
    scores = {("model-a", "RO-1", "liver"): (4, 4)}
    ratings = ratings_of(study, scores) + ratings_of(study, scores, repeat=1)
    assert len(first_scorings(ratings)) == 2


def test_cases_are_grouped_by_what_the_study_knows_of_them():
    study = a_study_of(
        ("liver",),
        cases=4,
        raters=("RO-1",),
        age_group=lambda number: "0-2" if number < 3 else "3-4",
        sex=lambda number: "F",
        contrast=lambda number: {1: True, 2: False}.get(number),
    )
    rows = case_group_rows(study, ratings_of(study, {("model-a", "RO-1", "liver"): (1, 2, 4, 5)}))
    found = {(row.group, row.label): row.description.mean.value for row in rows}
    # All girls: nothing to tell apart. No tumour type is known.
    assert found == {
        ("Age group", "0-2"): 1.5,
        ("Age group", "3-4"): 4.5,
        ("Contrast", "with contrast"): 1,
        ("Contrast", "without contrast"): 2,
        ("Contrast", "not known"): 4.5,
    }
    assert [label for group, label in found if group == "Contrast"][-1] == "not known"


def test_the_median_of_an_even_number_of_scores_lies_between_two():
    study = a_study_of(("liver",), cases=4, raters=("RO-1",))
    found = describe(ratings_of(study, {("model-a", "RO-1", "liver"): (1, 2, 5, 5)}), Thresholds())
    assert found.median.value == np.median([1, 2, 5, 5]) == 3.5


def test_two_scores_have_a_standard_deviation():
    study = a_study_of(("liver",), cases=2, raters=("RO-1",))
    found = describe(ratings_of(study, {("model-a", "RO-1", "liver"): (1, 3)}), Thresholds())
    assert found.sd.value == pytest.approx(2**0.5)
