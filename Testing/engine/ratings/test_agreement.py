"""Every coefficient against a published worked example, and what is said where it is not defined."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from PediatricAbdomenSegLib.engine.ratings.agreement import (
    estimates,
    exact_agreement,
    fleiss_kappa,
    gwet_ac2,
    icc_2_1,
    krippendorff_alpha,
    quadratic_kappa,
)
from PediatricAbdomenSegLib.engine.ratings.estimate import bootstrap_interval

NO = np.nan
# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: four observers, twelve units.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
        [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
    ]
).T
# Gwet, Handbook of Inter-Rater Reliability, 4th edition (2014): 100 pregnancies, two abstractors, three categories;
# the coefficients are those of his R package irrCAC, whose vignettes print them.
ABSTRACTORS = ((13, 0, 0), (0, 20, 7), (0, 4, 56))
# Shrout and Fleiss, Psychological Bulletin 86 (1979), table 2: six targets, four judges.
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
# Fleiss, Psychological Bulletin 76 (1971), table 1: thirty patients, six psychiatrists, five diagnoses.
FLEISS_COUNTS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)


def rated(table) -> np.ndarray:
    """One row per unit of a contingency table of two raters."""
    return np.array(
        [(row, column) for row, counts in enumerate(table, 1) for column, n in enumerate(counts, 1) for _ in range(n)],
        float,
    )


def test_weighted_kappa_of_two_abstractors_is_as_published():
    assert quadratic_kappa(rated(ABSTRACTORS), (1, 2, 3)) == pytest.approx(0.892, abs=5e-4)


def test_weighted_kappa_is_that_of_scikit_learn(rng):
    for _ in range(5):
        scores = rng.integers(1, 6, (30, 2)).astype(float)
        expected = cohen_kappa_score(*scores.T, labels=[1, 2, 3, 4, 5], weights="quadratic")
        assert quadratic_kappa(scores) == pytest.approx(expected)


def test_fleiss_kappa_of_six_raters_is_as_published():
    patients = [[category for category, n in enumerate(row, 1) for _ in range(int(n))] for row in FLEISS_COUNTS.split()]
    assert fleiss_kappa(np.array(patients, float)) == pytest.approx(0.430, abs=5e-4)


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_incomplete_data_is_as_published(level, expected):
    assert krippendorff_alpha(KRIPPENDORFF, level) == pytest.approx(expected, abs=5e-4)


def test_ac1_and_ac2_of_two_raters_are_as_published():
    scores = rated(ABSTRACTORS)
    assert gwet_ac2(scores, (1, 2, 3), quadratic=False) == pytest.approx(0.84933, abs=5e-6)
    assert gwet_ac2(scores, (1, 2, 3)) == pytest.approx(0.94024, abs=5e-6)


def test_ac1_and_ac2_of_incomplete_data_are_as_published():
    assert gwet_ac2(KRIPPENDORFF, quadratic=False) == pytest.approx(0.77544, abs=5e-6)
    assert gwet_ac2(KRIPPENDORFF) == pytest.approx(0.914, abs=5e-4)


def test_icc_is_as_published():
    assert icc_2_1(SHROUT_FLEISS) == pytest.approx(0.29, abs=5e-3)


def test_weighted_kappa_is_almost_the_icc(rng):
    # Fleiss and Cohen, Educational and Psychological Measurement 33 (1973): equal but for terms of 1/n.
    first = rng.integers(1, 6, 4000).astype(float)
    scores = np.column_stack([first, np.clip(first + rng.integers(-1, 2, 4000), 1, 5)])
    assert quadratic_kappa(scores) == pytest.approx(icc_2_1(scores), abs=1e-3)


def test_pairs_that_agree_are_counted_over_all_pairs_of_raters():
    scores = np.array([[4, 4, 5], [3, 3, NO], [NO, 2, NO]])
    assert exact_agreement(scores) == pytest.approx(2 / 4)


def test_an_interval_is_the_same_every_time_and_holds_the_value(rng):
    first = rng.integers(1, 6, 20).astype(float)
    scores = np.column_stack([first, np.clip(first + rng.integers(-1, 2, 20), 1, 5)])
    cases = [f"C{number}" for number in range(20)]
    once = estimates(scores, cases)
    assert bootstrap_interval(gwet_ac2, scores, cases) == (once["gwet_ac2"].low, once["gwet_ac2"].high)
    for key in ("weighted_kappa", "krippendorff_alpha", "gwet_ac2", "icc_2_1"):
        assert once[key].low < once[key].value < once[key].high


def test_contours_of_one_case_are_resampled_together(rng):
    first = rng.integers(1, 6, 8).astype(float)
    scores = np.column_stack([first, np.clip(first + rng.integers(-2, 3, 8), 1, 5)])
    repeated = np.repeat(scores, 6, axis=0)  # six organs that say the same: no more is known than of eight
    wide = bootstrap_interval(gwet_ac2, repeated, [f"C{number // 6}" for number in range(48)])
    narrow = bootstrap_interval(gwet_ac2, repeated, [f"C{number}" for number in range(48)])
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.full((6, 2), 4.0), "all scores are the same"),
        (np.full((6, 1), 4.0), "there is one rater only"),
        (np.array([[3.0, 4.0]]), "only one contour"),
        (np.array([[3.0, NO], [NO, 4.0]]), "no contour was scored by two raters"),
        (np.empty((0, 2)), "no contour was scored by two raters"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "the contours do not differ"),
    ],
)
def test_what_is_not_defined_says_why(scores, reason):
    icc = estimates(scores, [f"C{row}" for row in range(len(scores))])["icc_2_1"]
    assert icc.value is None and icc.reason.startswith(reason)
    assert icc.text().startswith("not defined, because ")


def test_raters_who_all_give_the_same_score_agree_by_ac2_though_kappa_is_not_defined():
    found = estimates(np.full((6, 2), 4.0), list("abcdef"))
    assert found["gwet_ac2"].value == found["exact"].value == 1
    assert found["weighted_kappa"].value is None and found["krippendorff_alpha"].value is None


def test_two_raters_get_weighted_kappa_and_more_get_fleiss():
    two = estimates(KRIPPENDORFF[:, :2], list("abcdefghijkl"), intervals=False)
    four = estimates(KRIPPENDORFF, list("abcdefghijkl"), intervals=False)
    assert "weighted_kappa" in two and "fleiss_kappa" not in two
    assert "fleiss_kappa" in four and "weighted_kappa" not in four


def test_a_contour_that_one_rater_scored_tells_ac2_how_often_a_score_is_given():
    found = estimates(KRIPPENDORFF, list("abcdefghijkl"), intervals=False)
    assert found["gwet_ac2"].value == pytest.approx(0.914, abs=5e-4)  # as published, with the twelfth unit
    assert found["gwet_ac2"].n == 11


def test_raters_who_agree_on_everything_get_no_interval_of_no_width():
    found = estimates(np.repeat([[1.0], [2.0], [3.0], [4.0], [5.0]], 2, axis=1), list("abcde"))
    assert found["exact"].text() == "1.00"


def test_few_cases_give_no_interval(rng):
    scores = rng.integers(1, 6, (12, 2)).astype(float)
    assert estimates(scores, ["C1", "C2", "C3", "C4"] * 3)["gwet_ac2"].low is None


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(5)


def test_an_interval_needs_the_statistic_in_nine_of_ten_resamples(rng):
    scores = rng.integers(1, 6, (12, 2)).astype(float)
    cases = list("abcdefghijkl")

    def seldom_defined(resampled):
        return resampled.mean() if (resampled[:, 0] == scores[0, 0]).sum() > 6 else np.nan

    assert bootstrap_interval(seldom_defined, scores, cases) == (None, None)


def test_contours_that_a_rater_left_out_do_not_count_where_all_raters_are_needed():
    found = estimates(KRIPPENDORFF, list("abcdefghijkl"), intervals=False)
    complete = int((~np.isnan(KRIPPENDORFF)).all(axis=1).sum())
    assert (found["icc_2_1"].n, found["exact"].n) == (complete, 11) and complete < 11
    apart = estimates(np.array([[1.0, 2.0, NO], [NO, 2.0, 3.0]]), list("ab"))
    assert apart["icc_2_1"].reason == "no contour was scored by every rater"
