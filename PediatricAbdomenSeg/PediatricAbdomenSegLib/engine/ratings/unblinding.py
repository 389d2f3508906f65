"""The scores of a study together with what raters were not shown: the way into the analysis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .assignment_files import read_key, with_sources
from .record import RatingRecord, current_records, disputed
from .store import read_ratings
from .study import Study, StudyCase, read_study


@dataclass(frozen=True)
class Rating:
    """A score that counts, and all the study knows about it.

    Attributes:
        record: the score.
        case: the case, with age group, sex, contrast and tumour type where the study knows them.
        source: key of the source of the contour.
        repeat: 0 for the first time this rater saw the contour, 1 for the repetition.
        bundle_sha256: model bundle that made the contour, "" for manual ones.
        original_sha256: of the file the contour came in; a blinded study shows a copy.
    """

    record: RatingRecord
    case: StudyCase
    source: str
    repeat: int
    bundle_sha256: str
    original_sha256: str = ""


@dataclass(frozen=True)
class StudyRatings:
    """A study and its scores.

    Attributes:
        study: what was asked.
        ratings: in order of time, superseded ones left out.
        records: every record, superseded ones included.
        problems: sentences on lines of the files that could not be read, and on scores that contradict one another.
    """

    study: Study
    ratings: tuple[Rating, ...]
    records: tuple[RatingRecord, ...]
    problems: tuple[str, ...]


def read_unblinded(folder: Path) -> StudyRatings:
    """The scores of a study folder with their sources.

    Raises:
        InputError: a file of the study is missing or wrong, two studies are mixed, one rater has two spellings, or a
            score has a token that the key does not know.
        ResourceError: a file cannot be read.
    """
    key = read_key(folder)
    study = with_sources(read_study(folder), key)
    files = read_ratings(folder, study)
    records = tuple({record.id: record for file in files for record in file.records}.values())
    contours = {(contour.case, contour.source): contour for contour in key.contours}
    ratings = []
    for record in current_records(records):
        item = key.items.get(record.source_token)
        contour = item and contours.get((item.case, item.source))
        if item is None or contour is None or (item.rater, item.case) != (record.rater, record.case):
            raise InputError(
                f"The score {record.id} has the token {record.source_token}, which is not in the key of the study.",
                "Merge the study folder the assignment was made in, or take its sources.key.json.",
            )
        bundle = record.bundle_sha256 or contour.bundle_sha256
        case = study.case(item.case)
        ratings.append(Rating(record, case, item.source, item.repeat, bundle, contour.original_sha256))
    problems = (*(each for file in files for each in file.problems), *disputed(records))
    return StudyRatings(study, tuple(ratings), records, problems)
