from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.ratings.comparison import compare_sources, signed_rank
from rating_builder import a_study_of, ratings_of

# Hollander and Wolfe, Nonparametric Statistical Methods (1973), p. 29: depression scale factor of nine patients before
# and after a tranquilliser. There: T+ = 40, one-sided p = 0.0195.
BEFORE = (1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
AFTER = (0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)


def test_the_signed_rank_test_is_as_published():
    statistic, p = signed_rank([after - before for before, after in zip(BEFORE, AFTER, strict=True)])
    assert statistic.value == 45 - 40
    assert p.value == pytest.approx(2 * 0.01953, abs=1e-5)


def test_ties_and_cases_without_a_difference_are_right_by_hand():
    # Three cases better by one, one the same: of the 8 patterns of signs 2 are as extreme.
    statistic, p = signed_rank([1, 1, 1, 0])
    assert (statistic.value, p.value, p.n) == (0, pytest.approx(2 / 8), 3)


@pytest.mark.parametrize(
    ("differences", "reason"),
    [
        ([0, 2], "only one case has a difference"),
        ([], "no case was scored for both sources"),
        ([0, 0, 1 / 3 - 1 / 3], "no case has a difference"),
    ],
)
def test_without_differences_there_is_no_test(differences, reason):
    assert signed_rank(differences)[1].text() == f"not defined, because {reason}"


@pytest.fixture
def two_models():
    """Model B is one better on the liver in every case and for both raters; the heart is scored the same."""
    study = a_study_of(("liver", "heart"), cases=6, sources=("model-a", "model-b"))
    scores = {
        (source, rater, organ): [base + (source == "model-b" and organ == "liver")] * 6
        for source in ("model-a", "model-b")
        for rater, base in (("RO-1", 3), ("RO-2", 2))
        for organ in ("liver", "heart")
    }
    return study, scores


def test_each_case_counts_once_however_many_raters_and_organs_there_are(two_models):
    study, scores = two_models
    pooled, liver, heart = compare_sources(study, ratings_of(study, scores))
    assert (pooled.label, liver.label, heart.label) == ("Type 1 organs", "liver", "heart")
    assert (liver.first, liver.second) == ("model-a", "model-b")
    assert (liver.first_mean.value, liver.second_mean.value) == (2.5, 3.5)
    assert (liver.difference.value, liver.better, liver.worse, liver.same) == (1, 6, 0, 0)
    assert liver.p.value == pytest.approx(2 / 2**6)
    assert pooled.difference.value == 0.5 and pooled.difference.n == 6
    assert heart.p.reason == "no case has a difference"


def test_bonferroni_counts_the_tests_there_are_of_single_and_of_pooled_organs(two_models):
    study, scores = two_models
    scores["model-b", "RO-1", "heart"] = [4] * 5 + [2]
    pooled, liver, heart = compare_sources(study, ratings_of(study, scores))
    assert liver.p_corrected.value == pytest.approx(2 * liver.p.value)
    assert heart.p_corrected.value == pytest.approx(min(1, 2 * heart.p.value))
    assert pooled.p_corrected == pooled.p
    *_, heart = compare_sources(study, ratings_of(study, {**scores, ("model-b", "RO-1", "heart"): [3] * 6}))
    assert heart.p_corrected.value is None


def test_a_score_without_a_partner_is_left_out(two_models):
    study, scores = two_models
    scores["model-b", "RO-2", "liver"] = [None] * 5 + [3]
    del scores["model-a", "RO-1", "liver"]
    _, liver, _ = compare_sources(study, ratings_of(study, scores))
    assert liver.difference.n == 1 and (liver.first_mean.value, liver.second_mean.value) == (2, 3)


def test_sources_that_were_never_scored_together_are_not_compared(two_models):
    study, scores = two_models
    only_a = {key: column for key, column in scores.items() if key[0] == "model-a"}
    assert all(
        each.p.reason.startswith("no case was scored") for each in compare_sources(study, ratings_of(study, only_a))
    )


def test_three_sources_are_compared_in_pairs():
    study = a_study_of(("liver",), cases=2, sources=("a", "b", "manual"))
    pairs = {(each.first, each.second) for each in compare_sources(study, [])}
    assert pairs == {("a", "b"), ("a", "manual"), ("b", "manual")}


def test_two_differences_are_enough_for_a_test():
    assert signed_rank([1, 2])[1].value == pytest.approx(2 / 4)
