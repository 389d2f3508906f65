"""How far a rater is."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from .assignment import Assignment, AssignmentItem
from .study import Study


@dataclass(frozen=True)
class RaterProgress:
    """An item is done when all its required organs are; organs count the required ones only."""

    items_done: int
    items: int
    organs_done: int
    organs: int


def open_organs(study: Study, item: AssignmentItem, scored: Container[tuple[str, str]]) -> tuple[str, ...]:
    """Keys of the required organs of an item without a score.

    Args:
        scored: pairs of token and organ key that have one.
    """
    keys = (organ.key for organ in study.organs_of(item.case) if organ.required)
    return tuple(key for key in keys if (item.token, key) not in scored)


def progress_of(study: Study, assignment: Assignment, scored: Container[tuple[str, str]]) -> RaterProgress:
    """Progress through an assignment; ``scored`` as in `open_organs`."""
    open_counts = [len(open_organs(study, item, scored)) for item in assignment.items]
    organs = sum(organ.required for item in assignment.items for organ in study.organs_of(item.case))
    return RaterProgress(open_counts.count(0), len(open_counts), organs - sum(open_counts), organs)
