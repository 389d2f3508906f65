"""The files of assignments and of the key that turns their tokens back into sources.

The page that shows the contours reads ``assignments/<rater>.json``: cases, contours and tokens, and in a blinded study
no source. ``sources.key.json`` is opened by `assign` and by the analysis only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..cases.atomic_file import replaced_when_complete
from ..errors import InputError, UsageError
from ..json_fields import JsonFields, read_json_fields
from .assignment import Assignment, AssignmentItem, Contour, KeyItem, StudyKey, make_assignment
from .export_check import check_exportable
from .raters import check_spelling, rater_token
from .study import (
    STUDY_NAME,
    Study,
    check_study,
    check_version,
    read_study,
    segmentation_from_json,
    sources_from_json,
    write_study,
)

KEY_NAME = "sources.key.json"
ASSIGNMENTS_FOLDER = "assignments"
SCHEMA_VERSION = 1
_HINT = "Take the file from a copy of the study folder."


def assign(folder: Path, raters: Sequence[str] = (), repeats: int = 0) -> tuple[Assignment, ...]:
    """Make and write the assignments of raters of a study.

    Args:
        folder: the study's.
        raters: names as in the study; () for everyone who has no assignment yet.
        repeats: see `make_assignment`.

    Raises:
        UsageError: an unknown rater, or one whose assignment exists: scores may refer to it.
        InputError: a file of the study is missing or wrong. ResourceError: a file cannot be written.
    """
    folder = Path(folder)
    study, key = read_study(folder), read_key(folder)
    for rater in raters:
        check_rater(study, rater)
        if assignment_path(folder, study, rater).exists():
            raise UsageError(
                f"{rater} has an assignment already.", "Scores refer to it: it cannot be made again in this study."
            )
    wanted = raters or [rater for rater in study.raters if not assignment_path(folder, study, rater).exists()]
    made = [make_assignment(study, key, rater, repeats) for rater in wanted]
    items = {token: item for _, entries in made for token, item in entries.items()}
    # First the key: an assignment without it could be scored, but never analysed.
    write_key(folder, replace(key, items={**key.items, **items}))
    for assignment, _ in made:
        write_assignment(folder, study, assignment)
    return tuple(assignment for assignment, _ in made)


def add_rater(folder: Path, rater: str, search: Sequence[Path] = ()) -> None:
    """Add a rater to a study that is under way; nothing of the other raters changes.

    Args:
        search: folders to look in for CTs that moved: the name must not be a patient's.

    Raises:
        UsageError: the study has this rater. InputError: the rater is known under another spelling, the name is blank
            or in the data of a patient, or a file of the study is missing or wrong.
        ResourceError: a file cannot be read or written.
    """
    study = read_study(folder)
    if rater in study.raters:
        raise UsageError(f"The study has the rater {rater} already.", "`--rater` assigns to raters of the study.")
    check_spelling(rater, study.raters, STUDY_NAME)
    larger = replace(study, raters=(*study.raters, rater))
    check_study(larger)
    check_exportable(folder, larger, (), search)
    write_study(folder, larger)


def check_rater(study: Study, rater: str) -> None:
    """Raise `InputError` for another spelling of a rater of the study and `UsageError` for nobody of it."""
    check_spelling(rater, study.raters, STUDY_NAME)
    if rater not in study.raters:
        raise UsageError(f'The study has no rater "{rater}".', f"It has: {', '.join(study.raters)}.")


def assignment_path(folder: Path, study: Study, rater: str) -> Path:
    """Where a rater's assignment lies; the file's name is a token, not the rater's name."""
    return Path(folder) / ASSIGNMENTS_FOLDER / f"{rater_token(study.id, rater)}.json"


def write_assignment(folder: Path, study: Study, assignment: Assignment) -> None:
    """Write an assignment; raises `ResourceError` when that is not possible."""
    _write(assignment_path(folder, study, assignment.rater), asdict(assignment))


def read_assignment(folder: Path, study: Study, rater: str) -> Assignment:
    """A rater's assignment.

    Raises:
        UsageError: the study has no such rater, or nothing is assigned yet.
        InputError: the rater is spelt in another way, or the file is wrong or of another study.
    """
    check_rater(study, rater)
    path = assignment_path(folder, study, rater)
    if not path.exists():
        raise UsageError(f"Nothing is assigned to {rater} yet.", "Run `pedseg ratings study assign` first.")
    values = _read(path, study.id)
    items = tuple(
        AssignmentItem(
            token=each.text("token"),
            case=each.text("case"),
            segmentation=segmentation_from_json(each.object("segmentation")),
            source=each.text("source", may_be_empty=True),
            bundle_sha256=each.text("bundle_sha256", may_be_empty=True),
        )
        for each in values.objects("items")
    )
    return Assignment(study.id, values.text("rater"), items)


def write_key(folder: Path, key: StudyKey) -> None:
    """Write the key; raises `ResourceError` when that is not possible."""
    _write(Path(folder) / KEY_NAME, asdict(key))


def read_key(folder: Path) -> StudyKey:
    """The key of a study; raises `InputError` when it is missing or wrong."""
    values = _read(Path(folder) / KEY_NAME)
    contours = tuple(
        Contour(
            case=each.text("case"),
            source=each.text("source"),
            segmentation=segmentation_from_json(each.object("segmentation")),
            bundle_sha256=each.text("bundle_sha256", may_be_empty=True),
            original_sha256=each.text("original_sha256", may_be_empty=True),
        )
        for each in values.objects("contours")
    )
    members = values.object("items")
    items = {}
    for token in members.values:
        item = members.object(token)
        items[token] = KeyItem(item.text("rater"), item.text("case"), item.text("source"), item.integer("repeat", 0))
    sources = sources_from_json(values) if "sources" in values.values else ()
    return StudyKey(values.text("study_id"), values.text("seed"), contours, items, sources)


def with_sources(study: Study, key: StudyKey) -> Study:
    """The study with its sources, which ``study.json`` of a blinded one does not name."""
    return replace(study, sources=key.sources or study.sources)


def _write(path: Path, values: dict[str, Any]) -> None:
    text = json.dumps({"schema_version": SCHEMA_VERSION, **values}, indent=1, ensure_ascii=False) + "\n"
    with replaced_when_complete(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _read(path: Path, study_id: str | None = None) -> JsonFields:
    values = read_json_fields(path, InputError, _HINT)
    check_version(values, SCHEMA_VERSION)
    if study_id is not None and values.text("study_id") != study_id:
        raise InputError(f"{path.name} is of the study {values.text('study_id')}, not of {study_id}.", _HINT)
    return values
