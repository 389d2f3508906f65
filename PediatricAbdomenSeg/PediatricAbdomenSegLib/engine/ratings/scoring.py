"""What the buttons of the rating page call: save a score, know what is done, find where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from pathlib import Path

from ..errors import InputError, UsageError
from .assignment import AssignmentItem
from .assignment_files import read_assignment
from .case_files import FoundSegmentation, find_image, find_segmentation, path_of
from .privacy import PatientStrings, check_text, patient_strings
from .progress import RaterProgress, open_organs, progress_of
from .record import RatingRecord
from .score_book import ScoreBook
from .study import StudyOrgan, read_study


class RatingSession:
    """A rater at work on a study; opens ``study.json`` and the rater's assignment, never the key.

    Args:
        folder: of the study.
        rater: one of its raters.
        search: folders to look in for cases that moved.
        machine: see `ScoreBook`.

    Attributes:
        study, assignment: what was asked of whom.
        book: the rater's scores.

    Raises:
        UsageError: no such rater, or nothing assigned. InputError, ResourceError: see `ScoreBook`.
    """

    def __init__(self, folder: Path, rater: str, search: Sequence[Path] = (), machine: str | None = None) -> None:
        self.folder, self.search = Path(folder), tuple(search)
        self.study = read_study(self.folder)
        self.assignment = read_assignment(self.folder, self.study, rater)
        self.book = ScoreBook(self.folder, self.study.id, rater, machine)
        self._strings: dict[str, PatientStrings] = {}

    def organs(self, item: AssignmentItem) -> tuple[StudyOrgan, ...]:
        """The organs to score in an item."""
        return self.study.organs_of(item.case)

    def open_organs(self, item: AssignmentItem) -> tuple[str, ...]:
        """Keys of the required organs of an item that have no score yet."""
        return open_organs(self.study, item, self.book.scored)

    def next_item(self) -> AssignmentItem | None:
        """Where to go on: the first item in the rater's order with an open organ; None when all are done."""
        return next((item for item in self.assignment.items if self.open_organs(item)), None)

    def progress(self) -> RaterProgress:
        """How far the rater is."""
        return progress_of(self.study, self.assignment, self.book.scored)

    def find_image(self, item: AssignmentItem) -> Path:
        """Where the CT is now; raises `InputError` when it is nowhere."""
        return find_image(self.folder, self.study.case(item.case).image, self.search)

    def find_segmentation(self, item: AssignmentItem) -> FoundSegmentation:
        """Where the contours are now and whether they changed; raises `InputError` when they are nowhere."""
        return find_segmentation(self.folder, item.segmentation, self.search)

    def add_score(
        self,
        token: str,
        organ: str,
        score: int | None = None,
        *,
        not_assessable: str = "",
        comment: str = "",
        tags: Sequence[str] = (),
        seconds_spent: float = 0.0,
        corrections: int = 0,
        confirm_changed: bool = False,
    ) -> RatingRecord:
        """Save the score of one organ; when this returns it is on the disk. A second one corrects the first.

        Args:
            token: of the item.
            organ: one of the study's.
            confirm_changed: the rater has been told that the contours are not those assigned, and wants to score them.

        Raises:
            UsageError: unknown token or organ, or the score is no score, see `ScoreBook.add`.
            InputError: the contours changed and this was not confirmed, they are nowhere, or a text holds a name, id
                or date of a patient of the study.
            ResourceError: the score could not be written and was not saved.
        """
        item = self.assignment.item(token)
        if organ not in [each.key for each in self.organs(item)]:
            names = ", ".join(each.key for each in self.organs(item))
            raise UsageError(f'"{organ}" is not scored in case {item.case}.', f"Score one of: {names}.")
        found = self.find_segmentation(item)
        if found.changed and not confirm_changed:
            raise InputError(
                f"The segmentation of case {item.case} is not the one assigned: its SHA-256 is {found.sha256}, "
                f"it was {item.segmentation.sha256}. The score was not saved.",
                "Put the assigned file back, or confirm that the changed one is to be scored (--confirm-changed).",
            )
        for field, text in {"comment": comment, "not_assessable": not_assessable}.items():
            if text.strip():
                check_text(text, self._patient_strings(item), field, f"Case {item.case}, {organ}")
        return self.book.add(
            token,
            organ,
            case=item.case,
            score=score,
            not_assessable=not_assessable.strip(),
            comment=comment,
            tags=tuple(tags),
            seconds_spent=seconds_spent,
            corrections=corrections,
            bundle_sha256=item.bundle_sha256,
            segmentation_sha256=found.sha256,
            segmentation_changed=found.changed,
        )

    def close(self) -> None:
        """Let another program write; may be called again."""
        self.book.close()

    def __enter__(self) -> RatingSession:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _patient_strings(self, item: AssignmentItem) -> PatientStrings:
        """Of all patients: a rater may write "like in …". Read when somebody wrote a text, and each CT once.

        The case's own CT has to be found; the others are looked for where they were, the export looks everywhere.
        """
        for case in self.study.cases:
            if case.pseudonym in self._strings:
                continue
            is_own = case.pseudonym == item.case
            image = self.find_image(item) if is_own else path_of(self.folder, case.image)
            try:
                self._strings[case.pseudonym] = patient_strings(image, case.image)
            except InputError:
                if is_own:
                    raise
        return reduce(or_, self._strings.values())
