"""Agreement of raters on an ordinal scale: the coefficients, each for an array of units × raters.

All take an array of floats with NaN where a rater gave no score, and return NaN where they are not defined. Weighted
and Fleiss' kappa are statsmodels', alpha is the package krippendorff's. Gwet's AC2 and the ICC are ours: the one
package for AC2 (irrCAC) pins numpy 1, and pingouin brings a dozen packages for one formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .estimate import Estimate, bootstrap_interval, undefined
from .scale import HIGHEST, LOWEST

SCORES = tuple(range(LOWEST, HIGHEST + 1))


def quadratic_kappa(scores: np.ndarray, categories: Sequence[int] = SCORES) -> float:
    """Cohen's kappa with quadratic disagreement weights for two raters (Cohen 1968)."""
    from statsmodels.stats.inter_rater import cohens_kappa

    complete = scores[~np.isnan(scores).any(axis=1)].astype(int)
    if scores.shape[1] != 2 or len(np.unique(complete)) < 2:
        return float("nan")
    table = np.zeros((len(categories), len(categories)))
    np.add.at(table, tuple((complete - categories[0]).T), 1)
    return float(cohens_kappa(table, wt="quadratic", return_results=False))


def fleiss_kappa(scores: np.ndarray, categories: Sequence[int] = SCORES) -> float:
    """Fleiss' kappa (1971) of the units that every rater scored; it takes the scores for names, without an order."""
    from statsmodels.stats.inter_rater import fleiss_kappa as of_counts

    complete = scores[~np.isnan(scores).any(axis=1)]
    if scores.shape[1] < 2 or len(np.unique(complete)) < 2:
        return float("nan")
    return float(of_counts(_counts(complete, categories), method="fleiss"))


def krippendorff_alpha(scores: np.ndarray, level: str = "ordinal") -> float:
    """Krippendorff's alpha; any number of raters, scores may be missing.

    Args:
        level: of measurement: "nominal", "ordinal", "interval" or "ratio".
    """
    import krippendorff

    pairable = _pairable(scores)
    if len(np.unique(pairable[~np.isnan(pairable)])) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=pairable.T, level_of_measurement=level))


def gwet_ac2(scores: np.ndarray, categories: Sequence[int] = SCORES, quadratic: bool = True) -> float:
    """Gwet's AC2 with quadratic weights (AC1 without them); any number of raters, scores may be missing.

    Defined also where all scores are the same, which is why it stands beside kappa: with nearly all scores in one
    category kappa falls to 0 however well the raters agree (Feinstein and Cicchetti 1990). Formulas: Gwet, Handbook of
    Inter-Rater Reliability, 4th edition 2014, section 4.4.
    """
    scored = scores[~np.isnan(scores).all(axis=1)]
    counts = _counts(scored, categories)
    raters = counts.sum(axis=1)
    shared = raters > 1
    if not shared.any():
        return float("nan")
    values = np.array(categories, float)
    weights = np.eye(len(values))
    if quadratic:
        weights = 1 - ((values[:, None] - values) / (values[-1] - values[0])) ** 2
    counted, number = counts[shared], raters[shared]
    observed = ((counted * (counted @ weights - 1)).sum(axis=1) / (number * (number - 1))).mean()
    shares = (counts / raters[:, None]).mean(axis=0)
    by_chance = weights.sum() / (len(values) * (len(values) - 1)) * (shares * (1 - shares)).sum()
    return float((observed - by_chance) / (1 - by_chance))


def icc_2_1(scores: np.ndarray) -> float:
    """Intraclass correlation ICC(2,1): two-way random effects, absolute agreement, single rater.

    Of the units that every rater scored; formula of Shrout and Fleiss (1979).
    """
    complete = scores[~np.isnan(scores).any(axis=1)]
    units, raters = complete.shape
    if units < 2 or raters < 2:
        return float("nan")
    mean = complete.mean()
    between_units = raters * ((complete.mean(axis=1) - mean) ** 2).sum() / (units - 1)
    between_raters = units * ((complete.mean(axis=0) - mean) ** 2).sum() / (raters - 1)
    residuals = complete - complete.mean(axis=1, keepdims=True) - complete.mean(axis=0) + mean
    error = (residuals**2).sum() / ((units - 1) * (raters - 1))
    whole = between_units + (raters - 1) * error + raters * (between_raters - error) / units
    # Sums of squares of whole scores: less than this is rounding.
    return float((between_units - error) / whole) if whole > 1e-12 else float("nan")


def exact_agreement(scores: np.ndarray) -> float:
    """Share of pairs of scores of one unit that are the same."""
    return _share_of_pairs(scores, 0)


def agreement_within_one(scores: np.ndarray) -> float:
    """Share of pairs of scores of one unit that differ by at most one."""
    return _share_of_pairs(scores, 1)


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of the tables.

    Attributes:
        key, title: for files and for readers.
        function: of units × raters.
        only_two, only_more: asked for two raters only, or for more than two only.
        complete: only units scored by all raters count; else two raters are enough.
    """

    key: str
    title: str
    function: Callable[[np.ndarray], float]
    only_two: bool = False
    only_more: bool = False
    complete: bool = False


COEFFICIENTS = (
    Coefficient("exact", "Same score", exact_agreement),
    Coefficient("within_one", "Within one point", agreement_within_one),
    Coefficient("weighted_kappa", "Weighted κ (quadratic)", quadratic_kappa, only_two=True, complete=True),
    Coefficient("fleiss_kappa", "Fleiss’ κ", fleiss_kappa, only_more=True, complete=True),
    Coefficient("krippendorff_alpha", "Krippendorff’s α (ordinal)", krippendorff_alpha),
    Coefficient("gwet_ac2", "Gwet’s AC2 (quadratic)", gwet_ac2),
    Coefficient("icc_2_1", "ICC(2,1)", icc_2_1, complete=True),
)


def estimates(scores: np.ndarray, cases: Sequence[str], intervals: bool = True) -> dict[str, Estimate]:
    """Every coefficient that suits the number of raters.

    Args:
        scores: ``(units, raters)``, NaN where a rater gave no score.
        cases: the case of each unit, for the bootstrap.
        intervals: whether to compute them.
    """
    raters = scores.shape[1]
    wanted = [each for each in COEFFICIENTS if not (each.only_two and raters > 2 or each.only_more and raters == 2)]
    return {each.key: _estimate(each, scores, cases, intervals) for each in wanted}


def _estimate(coefficient: Coefficient, scores: np.ndarray, cases: Sequence[str], intervals: bool) -> Estimate:
    if scores.shape[1] < 2:
        return undefined("there is one rater only")
    present = (~np.isnan(scores)).sum(axis=1)
    n = int((present == scores.shape[1] if coefficient.complete else present > 1).sum())
    if not n:
        who = "every rater" if coefficient.complete and scores.shape[1] > 2 else "two raters"
        return undefined(f"no contour was scored by {who}")
    if n == 1:
        return undefined("only one contour was scored by more than one rater", n)
    # AC2 learns how often each score is given from contours with one score too; the others leave these out themselves.
    rows = present == scores.shape[1] if coefficient.complete else present > 0
    usable = scores[rows]
    value = coefficient.function(usable)
    if np.isnan(value):
        same = len(np.unique(usable[~np.isnan(usable)])) < 2
        return undefined("all scores are the same" if same else "the contours do not differ in their scores", n)
    low, high = None, None
    if intervals:
        low, high = bootstrap_interval(coefficient.function, usable, [cases[index] for index in np.flatnonzero(rows)])
    return Estimate(value, low, high, n=n)


def _pairable(scores: np.ndarray) -> np.ndarray:
    return scores[(~np.isnan(scores)).sum(axis=1) > 1]


def _counts(scores: np.ndarray, categories: Sequence[int]) -> np.ndarray:
    """How many raters gave each category: ``(units, categories)``."""
    return (scores[:, :, None] == np.array(categories)).sum(axis=1)


def _share_of_pairs(scores: np.ndarray, apart: int) -> float:
    first, second = np.triu_indices(scores.shape[1], 1)
    differences = np.abs(scores[:, first] - scores[:, second])
    differences = differences[~np.isnan(differences)]
    return float((differences <= apart).mean()) if differences.size else float("nan")
