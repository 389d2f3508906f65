"""One source against another: paired differences of scores, Wilcoxon's signed-rank test with Bonferroni's correction.

The pair is the child: a rater's score of one source minus the same rater's score of the other, averaged over raters
(and organs, where organs are pooled), gives one difference for each case. Scores of several raters, or of several
organs of one child, are not independent; each case counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from .estimate import Estimate, undefined
from .statistics import pooled_organs
from .study import Study
from .unblinding import Rating

# All patterns of signs of up to 16 cases, whose p-values are exact; with more cases as many random patterns.
_PERMUTATIONS = 2**16
_SEED = 20240510


@dataclass(frozen=True)
class Comparison:
    """Two sources on one organ or on pooled organs.

    Attributes:
        first, second: keys of the sources.
        label: organ key or title of pooled organs.
        first_mean, second_mean: of the scores that have a partner.
        difference: mean over cases, second minus first. better, worse, same: cases where the second is.
        statistic: W, the smaller rank sum, without cases of no difference.
        p: two-sided, from the permutation distribution, which holds with ties. p_corrected: after Bonferroni, of all
            comparisons that have a p: single organs, and pooled organs, are a family each.
    """

    first: str
    second: str
    label: str
    first_mean: Estimate
    second_mean: Estimate
    difference: Estimate
    better: int
    worse: int
    same: int
    statistic: Estimate
    p: Estimate
    p_corrected: Estimate


def compare_sources(study: Study, ratings: Sequence[Rating]) -> tuple[Comparison, ...]:
    """Every pair of sources on pooled organs and on each organ; () with one source.

    Args:
        ratings: first scorings.
    """
    groups = {**pooled_organs(study), **{organ.key: (organ.key,) for organ in study.organs}}
    found = [
        _compare(ratings, first.key, second.key, label, keys)
        for first, second in combinations(study.sources, 2)
        for label, keys in groups.items()
    ]
    single = {organ.key for organ in study.organs}
    tests = Counter(each.label in single for each in found if each.p.value is not None)
    return tuple(replace(each, p_corrected=_bonferroni(each.p, tests[each.label in single])) for each in found)


def signed_rank(differences: Sequence[float]) -> tuple[Estimate, Estimate]:
    """W and p of Wilcoxon's signed-rank test; cases without a difference are left out, as Wilcoxon did (1945)."""
    from scipy.stats import permutation_test, rankdata

    # Means of thirds and the like: what differs by rounding only is a tie.
    values = np.round(np.array(differences, float), 9)
    values = values[values != 0]
    if not len(differences):
        none = undefined("no case was scored for both sources")
        return none, none
    if len(values) < 2:
        none = undefined(f"{'only one' if len(values) else 'no'} case has a difference", len(differences))
        return none, none
    ranks = np.sign(values) * rankdata(np.abs(values))
    # scipy's own `wilcoxon` leaves ties out of account, or takes a second for each test to take them into account.
    result = permutation_test(
        (ranks,),
        lambda sample, axis: sample.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=_PERMUTATIONS,
        rng=np.random.default_rng(_SEED),
    )
    smaller = min(ranks[ranks > 0].sum(), -ranks[ranks < 0].sum())
    return Estimate(float(smaller), n=len(values)), Estimate(float(result.pvalue), n=len(values))


def _compare(ratings: Sequence[Rating], first: str, second: str, label: str, keys: Sequence[str]) -> Comparison:
    scores: dict[tuple[str, str, str], dict[str, int]] = {}
    for each in ratings:
        if each.record.score is not None and each.record.organ in keys:
            unit = (each.case.pseudonym, each.record.rater, each.record.organ)
            scores.setdefault(unit, {})[each.source] = each.record.score
    pairs = {unit: (each[first], each[second]) for unit, each in scores.items() if first in each and second in each}
    by_case: dict[str, list[int]] = {}
    for (case, _, _), (one, other) in pairs.items():
        by_case.setdefault(case, []).append(other - one)
    differences = [sum(each) / len(each) for each in by_case.values()]
    statistic, p = signed_rank(differences)
    none = undefined("no case was scored for both sources")
    n = len(differences)
    means = [Estimate(float(np.mean(each)), n=len(pairs)) for each in zip(*pairs.values(), strict=True)] or [none, none]
    return Comparison(
        first,
        second,
        label,
        *means,
        difference=Estimate(float(np.mean(differences)), n=n) if n else none,
        better=sum(each > 0 for each in differences),
        worse=sum(each < 0 for each in differences),
        same=sum(each == 0 for each in differences),
        statistic=statistic,
        p=p,
        p_corrected=p,
    )


def _bonferroni(p: Estimate, tests: int) -> Estimate:
    return p if p.value is None else replace(p, value=min(1.0, p.value * tests))
