"""What one rater scores, in which order, and the key that says later which source each contour was from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from .study import SegmentationReference, Source, Study

# A repeated contour comes after at least this many others, where the assignment is long enough for it.
FEWEST_BETWEEN = 10


@dataclass(frozen=True)
class AssignmentItem:
    """One contour set to score.

    Attributes:
        token: unique in the study, says nothing about the source, nor whether the item is a repetition.
        case: pseudonym.
        segmentation: the file as it was when assigned.
        source: key of the source; "" in a blinded study.
        bundle_sha256: model bundle that made it; "" in a blinded study and for manual contours.
    """

    token: str
    case: str
    segmentation: SegmentationReference
    source: str = ""
    bundle_sha256: str = ""


@dataclass(frozen=True)
class Assignment:
    """Everything one rater scores, in the rater's own order."""

    study_id: str
    rater: str
    items: tuple[AssignmentItem, ...]

    def item(self, token: str) -> AssignmentItem:
        """The item with this token; raises `UsageError` when there is none."""
        for item in self.items:
            if item.token == token:
                return item
        raise UsageError(
            f'"{token}" is not assigned to {self.rater}.',
            "`pedseg ratings study show STUDY --rater NAME` lists the tokens.",
        )


@dataclass(frozen=True)
class Contour:
    """One source's contours of one case.

    Attributes:
        case: pseudonym.
        source: key.
        segmentation: the file that raters get.
        bundle_sha256: "" for manual contours.
        original_sha256: of the file that a blinded study's copy was made from, else of the file itself.
    """

    case: str
    source: str
    segmentation: SegmentationReference
    bundle_sha256: str = ""
    original_sha256: str = ""


@dataclass(frozen=True)
class KeyItem:
    """What a token stands for; ``repeat`` is 0 where the rater sees the contour first, 1 for the second time."""

    rater: str
    case: str
    source: str
    repeat: int


@dataclass(frozen=True)
class StudyKey:
    """Which contour is whose: the file that blinded raters do not open.

    Attributes:
        study_id: of the study.
        seed: orders and tokens follow from it.
        contours: of every case and source.
        items: token to what it stands for.
        sources: of the study; () in keys of an earlier version, where study.json has them.
    """

    study_id: str
    seed: str
    contours: tuple[Contour, ...]
    items: dict[str, KeyItem]
    sources: tuple[Source, ...] = ()


def make_assignment(study: Study, key: StudyKey, rater: str, repeats: int = 0) -> tuple[Assignment, dict[str, KeyItem]]:
    """Every contour once, in an order of this rater's own, and some a second time for intra-rater agreement.

    The same seed, study and rater give the same assignment on every computer.

    Args:
        rater: one of `Study.raters`.
        repeats: how many contours are shown twice.

    Returns:
        The assignment, and the key entries of its tokens.

    Raises:
        UsageError: more repeats than contours, or too few contours to keep a repetition apart from its original.
    """
    contours = sorted(key.contours, key=lambda each: _digest(key.seed, "order", rater, each.case, each.source))
    if not 0 <= repeats <= len(contours) or (repeats and len(contours) < 2):
        raise UsageError(
            f"{repeats} repeats of {len(contours)} contours are not possible.",
            "Choose between 0 and the number of contours; there have to be two contours at least.",
        )
    chosen = sorted(contours, key=lambda each: _digest(key.seed, "repeat", rater, each.case, each.source))[:repeats]
    order = _with_repeats(contours, chosen, key.seed, rater)
    items, entries = [], {}
    for index, contour in enumerate(order):
        repeat = order[:index].count(contour)
        token = _digest(key.seed, "token", rater, contour.case, contour.source, str(repeat))[:12]
        shown = ("", "") if study.blinded else (contour.source, contour.bundle_sha256)
        items.append(AssignmentItem(token, contour.case, contour.segmentation, *shown))
        entries[token] = KeyItem(rater, contour.case, contour.source, repeat)
    return Assignment(study.id, rater, tuple(items)), entries


def _with_repeats(contours: Sequence[Contour], chosen: Sequence[Contour], seed: str, rater: str) -> list[Contour]:
    """The order with each chosen contour put in a second time, far from its first."""
    order = list(contours)
    for contour in chosen:
        original = order.index(contour)
        # From the middle of an order the far end is only half its length away.
        between = min(FEWEST_BETWEEN, len(order) // 2)
        places = [
            place for place in range(len(order) + 1) if place - original - 1 >= between or original - place >= between
        ]
        number = int(_digest(seed, "place", rater, contour.case, contour.source), 16)
        order.insert(places[number % len(places)], contour)
    return order


def _digest(*parts: str) -> str:
    """A number that looks random and is the same on every computer and in every version of Python, as hexadecimal."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
