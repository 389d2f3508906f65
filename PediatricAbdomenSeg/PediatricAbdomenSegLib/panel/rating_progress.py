"""What the page Score says of where the rater stands."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from ..engine.organs import organ_by_key
from .rating_table import anchor_text
from .rating_task import RatingTask


def show_progress(ui: Any, task: RatingTask, index: int) -> None:
    """Show title, question, how much is done, and the way to the cases before and after."""
    progress = task.progress()
    ui.titleLabel.text = task.title
    ui.questionLabel.text = task.question
    ui.questionLabel.visible = bool(task.question)
    ui.caseLabel.text = _("Case {n} of {cases}").format(n=index + 1, cases=task.count)
    ui.ratingProgressBar.maximum = max(progress.organs, 1)
    ui.ratingProgressBar.value = progress.organs_done
    ui.ratingProgressBar.format = _("{done} of {organs} organs, {cases_done} of {cases} cases").format(
        done=progress.organs_done, organs=progress.organs, cases_done=progress.items_done, cases=progress.items
    )
    for name in ("caseLabel", "previousCaseButton", "nextCaseButton"):
        getattr(ui, name).visible = task.count > 1
    ui.previousCaseButton.enabled = index > 0
    ui.nextCaseButton.enabled = index + 1 < task.count


def done_text(task: RatingTask, index: int) -> str:
    """Whether an item or all of them are done; "" while they are not."""
    progress = task.progress()
    if progress.items_done == progress.items:
        return _("All cases are scored. Thank you; every score can still be corrected.")
    return "" if task.open_organs(index) else _("This case is done.")


def score_text(task: RatingTask, index: int, organ: str) -> str:
    """What was saved for an organ, in the words of the scale."""
    saved = task.current(index, organ)
    if saved is None:
        steps = ", ".join(f"{anchor.score} {anchor.short}" for anchor in task.scale)
        text = _("not scored yet.\n{steps}").format(steps=steps)
    elif saved.score is None:
        text = _("not assessable \u2013 {reason}").format(reason=saved.not_assessable)
    else:
        text = next(anchor_text(anchor) for anchor in task.scale if anchor.score == saved.score)
    return f"{organ_by_key(organ).display_name}: {text}"
