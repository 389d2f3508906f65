"""Bring scores that were written into a spreadsheet into a study: all of a file or, when a cell is wrong, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .assignment import StudyKey
from .assignment_files import read_key, with_sources
from .export_check import patients_of
from .privacy import check_text
from .record import RatingRecord, current_records
from .scoring import RatingSession
from .sheet_reading import RawTable, read_table
from .sheet_scores import NO_REASON, record_of
from .store import read_ratings
from .study import Study, read_study
from .tables import NOT_ASSESSABLE

MOST_ERRORS_SHOWN = 20
_HINT = "Nothing was imported. Correct the cells and import the file again."


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        added: scores that are new. replaced: that supersede another one. present: that were there already.
        unused_columns: of a list.
    """

    added: int
    replaced: int
    present: int
    unused_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """A checked cell and the record that counts now for the same contour."""

    record: RatingRecord
    where: str
    before: RatingRecord | None


def import_sheet(
    folder: Path, path: Path, *, replace: bool = False, confirm_changed: bool = False, search: Sequence[Path] = ()
) -> ImportResult:
    """Save the scores of an .xlsx or .csv file through the same door as the buttons; importing it twice adds nothing.

    Args:
        folder: of the study; its key tells which contour a case and source are.
        path: the file, see `sheet_reading` for its layouts.
        replace: scores that are there already and differ are superseded, else they are errors.
        confirm_changed: contours that changed since they were assigned are scored.
        search: folders to look in for cases that moved.

    Raises:
        InputError: cells are wrong; every one is named (the first `MOST_ERRORS_SHOWN`), nothing is saved.
        ResourceError: a file cannot be read or written, or a rater's file is open elsewhere.
    """
    key = read_key(folder)
    study = with_sources(read_study(folder), key)
    table = read_table(path)
    errors: dict[str, None] = {}  # in order, each once: an unknown case is one error, not one for each organ
    entries = _entries(folder, study, key, table, replace, errors)
    fresh = [each for each in entries if not _says_the_same(each)]
    _check_texts(folder, study, fresh, search, errors)
    _fail(errors, path.name)
    with ExitStack() as stack:
        raters = dict.fromkeys(each.record.rater for each in fresh)
        sessions = {rater: stack.enter_context(RatingSession(folder, rater, search)) for rater in raters}
        if not confirm_changed:
            _check_contours(sessions, fresh, errors)
        _fail(errors, path.name)
        for each in fresh:
            record = each.record
            sessions[record.rater].add_score(
                record.source_token,
                record.organ,
                record.score,
                not_assessable=record.not_assessable,
                comment=record.comment,
                tags=record.tags,
                seconds_spent=record.seconds_spent,
                corrections=record.corrections,
                confirm_changed=confirm_changed,
            )
    replaced = sum(each.before is not None for each in fresh)
    return ImportResult(len(fresh) - replaced, replaced, len(entries) - len(fresh), table.unused_columns)


def _entries(
    folder: Path, study: Study, key: StudyKey, table: RawTable, replace: bool, errors: dict[str, None]
) -> list[_Entry]:
    tokens = {(item.rater, item.case, item.source, item.repeat): token for token, item in key.items.items()}
    files = read_ratings(folder, study)
    current = {each.subject: each for each in current_records(each for file in files for each in file.records)}
    seen: dict[tuple[str, str, str], str] = {}
    entries = []
    for raw in table.scores:
        record = record_of(study, raw, tokens, errors)
        if record is None:
            continue
        where = raw.places["score"]
        if record.subject in seen:
            errors[f"{where}: the same contour is scored in {seen[record.subject]} too"] = None
            continue
        seen[record.subject] = where
        entry = _Entry(record, where, current.get(record.subject))
        if entry.before is not None and not _says_the_same(entry) and not replace:
            errors[f"{where}: the study has {_verdict(entry.before)} there, not {_verdict(record)} (--replace)"] = None
        entries.append(entry)
    return entries


def _says_the_same(entry: _Entry) -> bool:
    if entry.before is None:
        return False
    names = ("score", "not_assessable", "comment", "tags")
    # A grid has no room for comments and tags: none there does not say that there are none.
    silent = not entry.record.comment and not entry.record.tags
    return all(getattr(entry.record, name) == getattr(entry.before, name) for name in names[: 2 if silent else 4])


def _verdict(record: RatingRecord) -> str:
    return f"{NOT_ASSESSABLE}: {record.not_assessable}" if record.score is None else str(record.score)


def _check_texts(
    folder: Path, study: Study, entries: Sequence[_Entry], search: Sequence[Path], errors: dict[str, None]
) -> None:
    typed = [
        (each, field, text)
        for each in entries
        for field, text in (("comment", each.record.comment), ("not_assessable", each.record.not_assessable))
        if text and text != NO_REASON
    ]
    if not typed:
        return
    strings, not_found = patients_of(folder, study, search)
    for each, field, text in typed:
        if each.record.case in not_found:
            errors[f"{each.where}: the CT of {each.record.case} was not found to compare texts with (--search)"] = None
            continue
        try:
            check_text(text, strings, field, each.where)
        except InputError as error:
            errors[error.message] = None


def _check_contours(sessions: dict[str, RatingSession], entries: Sequence[_Entry], errors: dict[str, None]) -> None:
    for each in entries:
        session = sessions[each.record.rater]
        item = session.assignment.item(each.record.source_token)
        try:
            if session.find_segmentation(item).changed:
                errors[f"{each.where}: the contours of {item.case} changed since (--confirm-changed)"] = None
        except InputError as error:
            errors[f"{each.where}: {error.message}"] = None


def _fail(errors: dict[str, None], file: str) -> None:
    if not errors:
        return
    shown = list(errors)[:MOST_ERRORS_SHOWN]
    if len(errors) > len(shown):
        shown.append(f"… and {len(errors) - len(shown)} more")
    cells = "1 thing is wrong" if len(errors) == 1 else f"{len(errors)} things are wrong"
    raise InputError("\n  ".join([f"{file}: {cells}:", *shown]), _HINT)
