"""How far raters agree with one another and with themselves, and Bland and Altman's limits of agreement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .agreement import estimates
from .estimate import Estimate, undefined
from .statistics import pooled_organs
from .study import Study
from .unblinding import Rating

_LIMIT_SDS = 1.96  # 95 % of normal differences [Bland and Altman 1986]


@dataclass(frozen=True)
class AgreementRow:
    """Agreement of raters on a group of organs.

    Attributes:
        label: organ key or title of pooled organs.
        raters: whose scores are compared; one name for intra-rater agreement.
        coefficients: key of `agreement.COEFFICIENTS` to its estimate.
        pooled: of several organs; these have intervals.
    """

    label: str
    raters: tuple[str, ...]
    coefficients: dict[str, Estimate]
    pooled: bool


@dataclass(frozen=True)
class BlandAltman:
    """Differences of two raters' scores (first minus second) and what 95 % of them stay within.

    Attributes:
        raters: first and second.
        bias: mean difference. lower, upper: limits of agreement, bias ± 1.96 SD. All with 95 % intervals.
        sd: standard deviation of the differences.
        points: mean of both scores, difference and how many contours have them.
    """

    raters: tuple[str, str]
    bias: Estimate
    sd: Estimate
    lower: Estimate
    upper: Estimate
    points: tuple[tuple[float, float, int], ...]


def inter_rater_rows(study: Study, ratings: Sequence[Rating]) -> tuple[AgreementRow, ...]:
    """All raters together on pooled organs and each organ, then every pair of raters where there are more than two.

    Args:
        ratings: first scorings; the contours of all sources are compared.
    """
    rows = _rows(study, ratings, study.raters)
    if len(study.raters) > 2:
        for pair in combinations(study.raters, 2):
            rows += _rows(study, ratings, pair, pooled_only=True)
    return tuple(rows)


def intra_rater_rows(study: Study, ratings: Sequence[Rating]) -> tuple[AgreementRow, ...]:
    """Every rater's first and second scores of repeated contours, all organs together; () without repetitions."""
    if not any(each.repeat for each in ratings):
        return ()
    rows = []
    for rater in study.raters:
        own = [each for each in ratings if each.record.rater == rater]
        repeated = {_contour(each) for each in own if each.repeat}
        scores, cases = _matrix([each for each in own if _contour(each) in repeated], (0, 1), lambda each: each.repeat)
        rows.append(AgreementRow(list(pooled_organs(study))[-1], (rater,), estimates(scores, cases), True))
    return tuple(rows)


def bland_altman_of_raters(study: Study, ratings: Sequence[Rating]) -> tuple[BlandAltman, ...]:
    """One comparison for each pair of raters, over all contours both scored."""
    comparisons = []
    for pair in combinations(study.raters, 2):
        scores, _ = _matrix(ratings, pair, lambda each: each.record.rater)
        comparisons.append(bland_altman(scores[~np.isnan(scores).any(axis=1)], pair))
    return tuple(comparisons)


def bland_altman(pairs: np.ndarray, raters: tuple[str, str]) -> BlandAltman:
    """Limits of agreement (Bland and Altman, Lancet 1986; intervals as there, with the t distribution).

    Args:
        pairs: ``(units, 2)``, complete.
    """
    n = len(pairs)
    if n < 2:
        none = undefined("no contour was scored by both" if not n else "only one contour was scored by both", n)
        return BlandAltman(raters, none, none, none, none, _points(pairs))
    from scipy.stats import t

    differences = pairs[:, 0] - pairs[:, 1]
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    quantile = float(t.ppf(0.975, n - 1))

    def around(value: float, error: float) -> Estimate:
        return Estimate(value, value - quantile * error, value + quantile * error, n=n)

    limit_error = float(np.sqrt(3 * sd**2 / n))
    return BlandAltman(
        raters,
        around(bias, sd / n**0.5),
        Estimate(sd, n=n),
        around(bias - _LIMIT_SDS * sd, limit_error),
        around(bias + _LIMIT_SDS * sd, limit_error),
        _points(pairs),
    )


def _points(pairs: np.ndarray) -> tuple[tuple[float, float, int], ...]:
    places, counts = np.unique(
        np.column_stack([pairs.mean(axis=1), pairs[:, 0] - pairs[:, 1]]).reshape(-1, 2), axis=0, return_counts=True
    )
    return tuple(
        (float(mean), float(difference), int(count)) for (mean, difference), count in zip(places, counts, strict=True)
    )


def _rows(
    study: Study, ratings: Sequence[Rating], raters: Sequence[str], pooled_only: bool = False
) -> list[AgreementRow]:
    groups = {label: (keys, True) for label, keys in pooled_organs(study).items()}
    if not pooled_only:
        groups |= {organ.key: ((organ.key,), False) for organ in study.organs}
    rows = []
    for label, (keys, pooled) in groups.items():
        chosen = [each for each in ratings if each.record.organ in keys]
        scores, cases = _matrix(chosen, raters, lambda each: each.record.rater)
        rows.append(AgreementRow(label, tuple(raters), estimates(scores, cases, intervals=pooled), pooled))
    return rows


def _contour(rating: Rating) -> tuple[str, str, str]:
    return rating.case.pseudonym, rating.source, rating.record.organ


def _matrix(
    ratings: Sequence[Rating], columns: Sequence[object], column_of: Callable[[Rating], object]
) -> tuple[np.ndarray, list[str]]:
    """Contours × columns with NaN where there is no score, and the case of each contour."""
    contours = sorted({_contour(each) for each in ratings})
    scores = np.full((len(contours), len(columns)), np.nan)
    places = {contour: row for row, contour in enumerate(contours)}
    for each in ratings:
        if each.record.score is not None and column_of(each) in columns:
            scores[places[_contour(each)], columns.index(column_of(each))] = each.record.score
    return scores, [case for case, _, _ in contours]
