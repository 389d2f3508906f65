"""Bring together what raters scored on different machines: the union of their records."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cases.atomic_file import replaced_when_complete
from ..errors import InputError
from .assignment import StudyKey
from .assignment_files import ASSIGNMENTS_FOLDER, KEY_NAME, read_key, write_key
from .raters import check_spelling, rater_token
from .record import RatingRecord, disputed
from .store import (
    RATINGS_FOLDER,
    SUFFIX,
    RatingFile,
    RatingStore,
    check_one_study,
    check_raters,
    rating_files,
    read_rating_file,
    read_ratings,
)
from .study import STUDY_NAME, Study, read_study, write_study


@dataclass(frozen=True)
class MergeResult:
    """What a merge did.

    Attributes:
        added: records that were not there before.
        present: records that were.
        problems: lines that could not be read, which stay where they are, and scores that contradict one another.
    """

    added: int
    present: int
    problems: tuple[str, ...]


def merge(folder: Path, others: Sequence[Path]) -> MergeResult:
    """Add the records, assignments and key entries of copies of a study; doing it twice changes nothing.

    Everything is checked before anything is written.

    Args:
        folder: the study that receives.
        others: study folders, folders of scores or single files of scores.

    Raises:
        InputError: scores or folders of another study (both ids are named), a rater in two spellings (both are named),
            two different records, assignments or key entries under one id, or nothing to merge in one of ``others``.
        ResourceError: a file is being written by another program, or cannot be read or written.
    """
    folder = Path(folder)
    study = read_study(folder)
    mine = read_ratings(folder, study)
    theirs = [file for other in others for file in _files_of(Path(other), study.id)]
    check_one_study(theirs, study.id)
    raters = _raters(study, others)
    check_raters((*mine, *theirs), raters)
    known = _by_id((*mine, *theirs))
    keys = [read_key(other) for other in map(Path, others) if (other / KEY_NAME).is_file()]
    key = read_key(folder)
    joined = _joined(key, keys)
    assignments = _new_assignments(folder, [Path(other) for other in others])

    present = {record.id for file in mine for record in file.records}
    if joined != key:
        write_key(folder, joined)
    if raters != study.raters:
        write_study(folder, replace(study, raters=raters))
    for source, target in assignments:
        with replaced_when_complete(target) as temporary:
            shutil.copyfile(source, temporary)
    added = set(known) - present
    for file in theirs:
        fresh = [record for record in file.records if record.id not in present]
        present |= {record.id for record in fresh}
        for rater in dict.fromkeys(record.rater for record in fresh):
            # Files that were renamed on their way get the name by which the rating page finds them.
            token, name = rater_token(study.id, rater), file.path.name
            path = folder / RATINGS_FOLDER / (name if name.startswith(token) else f"{token}-{name}")
            with RatingStore(path, study.id) as store:
                store.append(*(record for record in fresh if record.rater == rater))
    problems = [problem for file in theirs for problem in file.problems]
    return MergeResult(len(added), len(known) - len(added), (*problems, *disputed(known.values())))


def _files_of(other: Path, study_id: str) -> list[RatingFile]:
    if other.is_file() and other.suffix == SUFFIX:
        return [read_rating_file(other)]
    if (other / STUDY_NAME).is_file() and (other_id := read_study(other).id) != study_id:
        raise InputError(
            f"{other} is the study {other_id}, but this is the study {study_id}.",
            "Two studies cannot be merged: scores answer the question of their own study.",
        )
    paths = rating_files(other)
    if not paths:
        raise InputError(f"There are no scores in {other}.", "Give a study folder or a file of scores (.jsonl).")
    return [read_rating_file(path) for path in paths]


def _raters(study: Study, others: Sequence[Path]) -> tuple[str, ...]:
    """Those of this study, then those who joined in a copy of it: a rater the study lacks is not analysed."""
    joined = list(study.raters)
    for other in others:
        if (Path(other) / STUDY_NAME).is_file():
            for rater in read_study(other).raters:
                check_spelling(rater, joined, f"{other}, {STUDY_NAME}")
                joined += [rater] * (rater not in joined)
    return tuple(joined)


def _by_id(files: Sequence[RatingFile]) -> dict[str, RatingRecord]:
    known: dict[str, RatingRecord] = {}
    for file in files:
        for record in file.records:
            if known.setdefault(record.id, record) != record:
                raise InputError(
                    f"{file.path.name} has another score under the id {record.id} than the other files.",
                    "One of the files was changed by hand: take it from a copy.",
                )
    return known


def _joined(key: StudyKey, others: Sequence[StudyKey]) -> StudyKey:
    for other in others:
        for token, item in other.items.items():
            if key.items.get(token, item) != item:
                raise InputError(
                    f"The token {token} stands for two contours in the two keys.",
                    "One of the study folders was made anew: merge copies of one study only.",
                )
        key = replace(key, items={**key.items, **other.items})
    return key


def _new_assignments(folder: Path, others: Sequence[Path]) -> list[tuple[Path, Path]]:
    """What to copy where."""
    copies: dict[Path, Path] = {}
    for other in others:
        for source in sorted((other / ASSIGNMENTS_FOLDER).glob("*.json")):
            target = folder / ASSIGNMENTS_FOLDER / source.name
            existing = target if target.exists() else copies.get(target, source)
            if existing.read_bytes() != source.read_bytes():
                raise InputError(
                    f"The assignment {source.name} differs between the study folders.",
                    "It was made twice with different options: keep the one that was scored.",
                )
            if not target.exists():
                copies[target] = source
    return [(source, target) for target, source in copies.items()]
