"""How long scoring took: per organ and per case, from the time the rating page measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .estimate import Estimate, undefined
from .study import Study
from .unblinding import Rating

PER_CASE = "Whole case"


@dataclass(frozen=True)
class DurationRow:
    """Seconds a rater spent.

    Attributes:
        label: organ key, or `PER_CASE` for the sum over the organs of one contour set.
        rater: whose.
        seconds: the median with the quartiles as ``low`` and ``high``; scores without a measured time are left out.
        total_s: sum.
    """

    label: str
    rater: str
    seconds: Estimate
    total_s: float


def duration_rows(study: Study, ratings: Sequence[Rating]) -> tuple[DurationRow, ...]:
    """Per rater: each whole case, then each organ; repetitions count, they took time as well."""
    measured = [each for each in ratings if each.record.seconds_spent > 0]
    rows = []
    for rater in study.raters:
        own = [each.record for each in measured if each.record.rater == rater]
        cases: dict[str, float] = defaultdict(float)
        for record in own:
            cases[record.source_token] += record.seconds_spent
        rows.append(_row(PER_CASE, rater, cases.values()))
        rows += [
            _row(organ.key, rater, (e.seconds_spent for e in own if e.organ == organ.key)) for organ in study.organs
        ]
    return tuple(rows)


def _row(label: str, rater: str, seconds: Iterable[float]) -> DurationRow:
    values = np.array(list(seconds), float)
    if not len(values):
        return DurationRow(label, rater, undefined("no time was measured"), 0.0)
    low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
    return DurationRow(
        label, rater, Estimate(float(median), float(low), float(high), n=len(values)), float(values.sum())
    )
