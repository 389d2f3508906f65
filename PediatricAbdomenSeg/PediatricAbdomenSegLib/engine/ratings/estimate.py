"""A statistic that may not exist: its value with an interval, or the sentence that says why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NOT_DEFINED = "not defined, because "
CONFIDENCE = 0.95
RESAMPLES = 1000
# With fewer cases a bootstrap interval is too narrow to be honest, and most resamples repeat one another.
FEWEST_CASES = 5
_SEED = 20240510  # any fixed number: the same scores give the same interval on every computer


@dataclass(frozen=True)
class Estimate:
    """A statistic.

    Attributes:
        value: None when it is not defined.
        low, high: 95 % confidence interval; None where there is none.
        reason: why there is no value, to follow "not defined, because"; "" when there is one.
        n: how many observations it is from.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    n: int = 0

    def text(self, digits: int = 2) -> str:
        """ "0.71 (0.55 to 0.84)", "0.71", or "not defined, because …"."""
        if self.value is None:
            return NOT_DEFINED + self.reason
        value = rounded(self.value, digits)
        if self.low is None or self.high is None:
            return value
        return f"{value} ({rounded(self.low, digits)} to {rounded(self.high, digits)})"


def undefined(reason: str, n: int = 0) -> Estimate:
    """An estimate without a value."""
    return Estimate(None, reason=reason, n=n)


def rounded(value: float, digits: int = 2) -> str:
    """The number with a true minus sign and no negative zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def bootstrap_interval(
    statistic: Callable[[np.ndarray], float], scores: np.ndarray, cases: Sequence[str]
) -> tuple[float, float] | tuple[None, None]:
    """Percentile bootstrap over cases (Efron 1979): contours of one child are not independent of one another.

    Args:
        statistic: of an array like ``scores``; NaN where it is not defined.
        scores: ``(units, raters)``.
        cases: the case of each unit.

    Returns:
        The 95 % interval; (None, None) with fewer than `FEWEST_CASES` cases, or when the statistic is not defined in
        more than a tenth of the resamples, or when all resamples give one value: that is no certainty.
    """
    groups: dict[str, list[int]] = {}
    for index, case in enumerate(cases):
        groups.setdefault(case, []).append(index)
    if len(groups) < FEWEST_CASES:
        return None, None
    members = [np.array(each) for each in groups.values()]
    drawn = np.random.default_rng(_SEED).integers(len(members), size=(RESAMPLES, len(members)))
    values = [statistic(scores[np.concatenate([members[each] for each in draw])]) for draw in drawn]
    defined = [value for value in values if not math.isnan(value)]
    if len(defined) < 0.9 * RESAMPLES:
        return None, None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return (float(low), float(high)) if low < high else (None, None)
