"""Descriptive statistics of scores: mean, distribution, shares above the thresholds; by rater, organ and group.

Only the first scoring of a contour counts here; repetitions are for intra-rater agreement. "Not assessable" is counted
and is no score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..organs import OrganType, organ_by_key
from .estimate import Estimate, undefined
from .scale import HIGHEST, LOWEST
from .study import Study, StudyCase, Thresholds
from .unblinding import Rating

POOLED = {OrganType.TYPE1: "Type 1 organs", OrganType.TYPE2: "Type 2 organs", OrganType.TARGET: "Tumour"}
ALL_ORGANS = "All structures"


@dataclass(frozen=True)
class Description:
    """What a set of scores looks like.

    Attributes:
        mean, sd, median: of the scores; the SD is the sample's (n − 1).
        counts: how many scores of 1, 2, 3, 4, 5.
        acceptable, usable: share of scores at or above the study's thresholds (4 and 3) with a Wilson interval.
        n: number of scores. not_assessable: of contours without one.
    """

    mean: Estimate
    sd: Estimate
    median: Estimate
    counts: tuple[int, ...]
    acceptable: Estimate
    usable: Estimate
    n: int
    not_assessable: int = 0


@dataclass(frozen=True)
class DescriptionRow:
    """A line of a table: of which source, which group of organs or cases, and which rater ("" for all)."""

    source: str
    group: str
    label: str
    rater: str
    description: Description


def first_scorings(ratings: Iterable[Rating]) -> tuple[Rating, ...]:
    """The ratings without repetitions."""
    return tuple(each for each in ratings if each.repeat == 0)


def scores_of(ratings: Iterable[Rating]) -> list[int]:
    """The scores, without those not assessable."""
    return [each.record.score for each in ratings if each.record.score is not None]


def describe(ratings: Sequence[Rating], thresholds: Thresholds) -> Description:
    """Mean, SD, median, distribution and shares; an empty set is described by "not defined"."""
    scores = np.array(scores_of(ratings), float)
    n = len(scores)
    none = undefined("there is no score")
    return Description(
        mean=Estimate(float(scores.mean()), n=n) if n else none,
        sd=Estimate(float(scores.std(ddof=1)), n=n)
        if n > 1
        else undefined("there is one score only", 1)
        if n
        else none,
        median=Estimate(float(np.median(scores)), n=n) if n else none,
        counts=tuple(int((scores == score).sum()) for score in range(LOWEST, HIGHEST + 1)),
        acceptable=share(int((scores >= thresholds.acceptable).sum()), n),
        usable=share(int((scores >= thresholds.usable).sum()), n),
        n=n,
        not_assessable=len(ratings) - n,
    )


def share(count: int, of: int) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927), which holds for few scores and for 0 and 100 %."""
    from statsmodels.stats.proportion import proportion_confint

    if not of:
        return undefined("there is no score")
    low, high = proportion_confint(count, of, method="wilson")
    return Estimate(count / of, float(low), float(high), n=of)


def organ_rows(study: Study, ratings: Sequence[Rating]) -> tuple[DescriptionRow, ...]:
    """Per source and organ: all raters together (only where there are several), then each rater.

    Pooled lines (Type 1, Type 2, all structures) come last of each source.
    """
    groups: dict[str, tuple[str, ...]] = {organ.key: (organ.key,) for organ in study.organs}
    groups |= pooled_organs(study)
    return tuple(
        _row(study, ratings, source.key, label, rater, lambda each, keys=keys: each.record.organ in keys, "organ")
        for source in study.sources
        for label, keys in groups.items()
        for rater in (*([""] if len(study.raters) > 1 else []), *study.raters)
    )


def pooled_organs(study: Study) -> dict[str, tuple[str, ...]]:
    """Title of each kind of structure in the study to its organs, and of all when there are several kinds."""
    kinds = {
        title: tuple(organ.key for organ in study.organs if organ_by_key(organ.key).type == kind)
        for kind, title in POOLED.items()
    }
    kinds = {title: keys for title, keys in kinds.items() if keys}
    return kinds if len(kinds) < 2 else {**kinds, ALL_ORGANS: tuple(organ.key for organ in study.organs)}


def case_group_rows(study: Study, ratings: Sequence[Rating]) -> tuple[DescriptionRow, ...]:
    """By age group, sex, contrast and tumour type, per source; all organs and raters together.

    A property that the study knows of no case, or that is the same in all, gives no rows.
    """
    properties: dict[str, Callable[[StudyCase], str]] = {
        "Age group": lambda case: case.age_group,
        "Sex": lambda case: {"M": "male", "F": "female", "O": "other"}.get(case.sex, ""),
        "Contrast": lambda case: {True: "with contrast", False: "without contrast"}.get(case.contrast, ""),
        "Tumour type": lambda case: case.tumour_type,
    }
    rows = []
    for group, value_of in properties.items():
        values = sorted({value_of(case) for case in study.cases}, key=lambda value: (not value, value))
        if len(values) < 2:
            continue
        for value in values:
            chosen = [each for each in ratings if value_of(each.case) == value]
            for source in study.sources:
                rows.append(_row(study, chosen, source.key, value or "not known", "", lambda each: True, group))
    return tuple(rows)


@dataclass(frozen=True)
class Verdict:
    """What the thresholds say of a source's organs, by the mean over all raters' scores.

    Attributes:
        acceptable: keys of organs with a mean of at least the first threshold; usable: between both;
            below: under the second. unscored: organs without a score.
    """

    source: str
    acceptable: tuple[str, ...]
    usable: tuple[str, ...]
    below: tuple[str, ...]
    unscored: tuple[str, ...]


def verdicts(study: Study, ratings: Sequence[Rating]) -> tuple[Verdict, ...]:
    """Per source, which organs reach which threshold."""
    found = []
    for source in study.sources:
        classes: dict[str, list[str]] = {"acceptable": [], "usable": [], "below": [], "unscored": []}
        for organ in study.organs:
            scores = scores_of(each for each in ratings if (each.source, each.record.organ) == (source.key, organ.key))
            classes[_class_of(scores, study.thresholds)].append(organ.key)
        found.append(Verdict(source.key, **{name: tuple(keys) for name, keys in classes.items()}))
    return tuple(found)


def _class_of(scores: Sequence[int], thresholds: Thresholds) -> str:
    if not scores:
        return "unscored"
    mean = sum(scores) / len(scores)
    if mean >= thresholds.acceptable:
        return "acceptable"
    return "usable" if mean >= thresholds.usable else "below"


def _row(
    study: Study,
    ratings: Sequence[Rating],
    source: str,
    label: str,
    rater: str,
    belongs: Callable[[Rating], bool],
    group: str,
) -> DescriptionRow:
    chosen = [
        each
        for each in ratings
        if each.source == source and (not rater or each.record.rater == rater) and belongs(each)
    ]
    return DescriptionRow(source, group, label, rater, describe(chosen, study.thresholds))
