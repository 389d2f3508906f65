"""What the page Score works through: the items of a study, or the one segmentation that was just made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from slicer.i18n import tr as _

from ..engine.cases.atomic_file import as_resource_error
from ..engine.ratings.privacy import PatientStrings, check_text, patient_strings
from ..engine.ratings.progress import RaterProgress
from ..engine.ratings.record import RatingRecord
from ..engine.ratings.scale import ANCHORS, Anchor
from ..engine.ratings.score_book import QUICK_STUDY_ID, ScoreBook
from ..engine.ratings.scoring import RatingSession
from ..engine.ratings.study import ImageReference, StudyOrgan


@dataclass(frozen=True)
class CaseFiles:
    """The files of one item, where they are now.

    Attributes:
        token: of the item.
        number: of the item in the rater's order, from 1.
        image, image_kind, series: the CT.
        contours, contours_kind: the contours.
        organs: keys of the organs to score.
        is_changed: the contours are not those that were assigned.
    """

    token: str
    number: int
    image: Path
    image_kind: str
    series: str
    contours: Path
    contours_kind: str
    organs: tuple[str, ...]
    is_changed: bool


@dataclass(frozen=True)
class Verdict:
    """What a rater says of one organ; either a score or a reason why there is none."""

    score: int | None = None
    not_assessable: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()


class RatingTask(Protocol):
    """Items in the rater's order, counted from 0, and the rater's scores of them.

    Attributes:
        title, question: for the rater.
        scale: what the scores mean.
        is_blinded: nothing that could tell a source may be shown.
        count: number of items.
        problems: sentences on scores that could not be read.
    """

    title: str
    question: str
    scale: Sequence[Anchor]
    is_blinded: bool
    count: int
    problems: Sequence[str]

    def organs(self, index: int) -> tuple[StudyOrgan, ...]:
        """The organs to score in an item."""

    def open_organs(self, index: int) -> tuple[str, ...]:
        """Keys of the required organs of an item that have no score yet."""

    def current(self, index: int, organ: str) -> RatingRecord | None:
        """The score that counts."""

    def first_open(self) -> int | None:
        """Where to go on; None when all is done."""

    def progress(self) -> RaterProgress:
        """How far the rater is."""

    def add(
        self, index: int, organ: str, verdict: Verdict, seconds: float, corrections: int, confirm_changed: bool
    ) -> None:
        """Save a verdict; seconds and corrections are those since the last one. Errors as `RatingSession.add_score`."""

    def close(self) -> None:
        """Let another program write."""


class StudyTask:
    """A rater's part of a study, see `RatingTask` and, for the arguments and errors, `RatingSession`."""

    def __init__(self, folder: Path, rater: str) -> None:
        self._session = RatingSession(folder, rater)
        study = self._session.study
        self.title, self.question, self.scale, self.is_blinded = study.title, study.question, study.scale, study.blinded
        self._items = self._session.assignment.items
        self.count = len(self._items)
        self.problems = self._session.book.problems
        self._images: dict[str, Path] = {}  # by case: finding a series reads every header of it

    def search_in(self, folder: Path) -> None:
        """Look for cases that moved in one more folder."""
        self._session.search = (*self._session.search, Path(folder))

    def files(self, index: int) -> CaseFiles:
        """The files of an item. Raises `InputError` when they are nowhere, `ResourceError` when one is not readable."""
        item = self._items[index]
        image = self._session.study.case(item.case).image
        found = self._session.find_segmentation(item)
        if item.case not in self._images or not self._images[item.case].exists():
            self._images[item.case] = self._session.find_image(item)
        return CaseFiles(
            token=item.token,
            number=index + 1,
            image=self._images[item.case],
            image_kind=image.kind,
            series=image.series_instance_uid,
            contours=found.path,
            contours_kind=item.segmentation.kind,
            organs=tuple(organ.key for organ in self.organs(index)),
            is_changed=found.changed,
        )

    def organs(self, index: int) -> tuple[StudyOrgan, ...]:
        return self._session.organs(self._items[index])

    def open_organs(self, index: int) -> tuple[str, ...]:
        return self._session.open_organs(self._items[index])

    def current(self, index: int, organ: str) -> RatingRecord | None:
        return self._session.book.current(self._items[index].token, organ)

    def first_open(self) -> int | None:
        item = self._session.next_item()
        return None if item is None else self._items.index(item)

    def progress(self) -> RaterProgress:
        return self._session.progress()

    def add(
        self, index: int, organ: str, verdict: Verdict, seconds: float, corrections: int, confirm_changed: bool
    ) -> None:
        before = self.current(index, organ)
        self._session.add_score(
            self._items[index].token,
            organ,
            **_said(verdict),
            **_spent(before, seconds, corrections),
            confirm_changed=confirm_changed,
        )

    def close(self) -> None:
        self._session.close()


@dataclass(frozen=True)
class QuickSubject:
    """The segmentation that is scored without a study.

    Attributes:
        token: SHA-256 of its contours.
        organs: keys of its organs.
        bundle_sha256: of the model that made it, "" when it is not known.
        dicom_folder, series: of the CT, None and "" when it did not come from DICOM: what a comment must not name.
    """

    token: str
    organs: tuple[str, ...]
    bundle_sha256: str = ""
    dicom_folder: Path | None = None
    series: str = ""


class QuickTask:
    """One segmentation, see `RatingTask`; its scores go into a folder that holds no study.

    Args:
        folder: for the scores; made if needed.
        rater: name or code.
        subject: what is scored.

    Raises:
        InputError, ResourceError: see `ScoreBook`.
    """

    question, scale, is_blinded, count = "", ANCHORS, False, 1

    def __init__(self, folder: Path, rater: str, subject: QuickSubject) -> None:
        self.title = _("One segmentation, without a study")
        self.subject = subject
        self._strings: PatientStrings | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise as_resource_error(error, folder) from error
        self._book = ScoreBook(folder, QUICK_STUDY_ID, rater)
        self.problems = self._book.problems

    def organs(self, index: int) -> tuple[StudyOrgan, ...]:
        return tuple(StudyOrgan(key) for key in self.subject.organs)

    def open_organs(self, index: int) -> tuple[str, ...]:
        return tuple(key for key in self.subject.organs if (self.subject.token, key) not in self._book.scored)

    def current(self, index: int, organ: str) -> RatingRecord | None:
        return self._book.current(self.subject.token, organ)

    def first_open(self) -> int | None:
        return 0 if self.open_organs(0) else None

    def progress(self) -> RaterProgress:
        left, organs = len(self.open_organs(0)), len(self.subject.organs)
        return RaterProgress(int(not left), 1, organs - left, organs)

    def add(
        self, index: int, organ: str, verdict: Verdict, seconds: float, corrections: int, confirm_changed: bool
    ) -> None:
        for name, text in (("comment", verdict.comment), ("not_assessable", verdict.not_assessable)):
            if text.strip():
                check_text(text, self._patient_strings(), name, organ)
        self._book.add(
            self.subject.token,
            organ,
            case=self.subject.token[:12],  # names of volumes may be patients' names
            **_said(verdict),
            **_spent(self.current(index, organ), seconds, corrections),
            bundle_sha256=self.subject.bundle_sha256,
            segmentation_sha256=self.subject.token,
        )

    def close(self) -> None:
        self._book.close()

    def _patient_strings(self) -> PatientStrings:
        if self._strings is None:
            folder = self.subject.dicom_folder
            reference = ImageReference("dicom_series", "", "", self.subject.series)
            self._strings = patient_strings(folder, reference) if folder else PatientStrings()
        return self._strings


def _said(verdict: Verdict) -> dict[str, Any]:
    return {
        "score": verdict.score,
        "not_assessable": verdict.not_assessable.strip(),
        "comment": verdict.comment.strip(),
        "tags": verdict.tags,
    }


def _spent(before: RatingRecord | None, seconds: float, corrections: int) -> dict[str, Any]:
    """The record that counts holds all the time an organ took, also that before it was corrected."""
    earlier = (before.seconds_spent, before.corrections) if before is not None else (0.0, 0)
    return {"seconds_spent": round(earlier[0] + seconds, 1), "corrections": earlier[1] + corrections}
