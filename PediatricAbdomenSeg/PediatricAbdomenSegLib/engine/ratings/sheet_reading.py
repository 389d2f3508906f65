"""Tables of scores that people made: an .xlsx with a sheet per rater, or a .csv, taken apart into single scores.

Two layouts are known. A grid: organs down, cases across, above them a row of pseudonyms and, where the study has them,
rows that begin with Source, Reading or Rater; without a Rater row the sheet's title is the rater. A list: one row a
score, the first row names the columns. Nothing is judged here: names and scores stay texts, each with its place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, ResourceError
from .tables import ABSENT, HEADER_ROWS, LEGEND_SHEET, TEXT_MARK

LIST_COLUMNS = ("rater", "case", "organ", "score", "source", "reading")
MORE_COLUMNS = ("not_assessable", "comment", "tags", "seconds_spent", "corrections")
_NEEDED_COLUMNS = ("rater", "case", "organ", "score")
_EMPTY = ("", "-", ABSENT)
_LAYOUTS = (
    "Give a list with the columns rater, case, organ, score (and source), or sheets with organs down and cases across."
)


@dataclass(frozen=True)
class RawScore:
    """One filled cell.

    Attributes:
        values: of `LIST_COLUMNS` and `MORE_COLUMNS`, stripped texts; "" where nothing is given.
        places: member to where it stands, for example ``sheet RO-1, cell C4``.
    """

    values: Mapping[str, str]
    places: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class RawTable:
    """The filled cells of a file, and the columns of a list that nothing is done with."""

    scores: tuple[RawScore, ...]
    unused_columns: tuple[str, ...] = ()


def read_table(path: Path) -> RawTable:
    """Take a file apart.

    Raises:
        InputError: no .xlsx or .csv, damaged, or in neither layout; the place is named. ResourceError: unreadable.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        raise InputError(f"{path.name} is neither .xlsx nor .csv.", "Save the table in one of these formats.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    if suffix == ".xlsx":
        sheets = _sheets(content, path.name)
        return RawTable(tuple(each for title, rows in sheets for each in _grid(rows, f"sheet {title}", title)))
    rows = _csv_rows(content)
    names = [_plain(each).casefold() for each in rows[0]] if rows else []
    if all(name in names for name in _NEEDED_COLUMNS):
        unused = tuple(name for name in names if name and name not in (*LIST_COLUMNS, *MORE_COLUMNS))
        return RawTable(tuple(_list(rows, names, path.name)), unused)
    return RawTable(tuple(_grid(rows, path.name, "")))


def _sheets(content: bytes, name: str) -> list[tuple[str, list[list[Any]]]]:
    import zlib
    from xml.etree.ElementTree import ParseError
    from zipfile import BadZipFile

    from openpyxl import load_workbook

    try:
        workbook = load_workbook(io.BytesIO(content), data_only=True)
        formulae = load_workbook(io.BytesIO(content))
    # What openpyxl lets through of damaged files: it has no error of its own for them.
    except (BadZipFile, zlib.error, ParseError, LookupError, ValueError, TypeError, AttributeError, OSError) as error:
        raise InputError(f"{name} is no readable workbook: {error}.", "Save it again as .xlsx.") from error
    sheets = [
        (sheet.title, _cells(sheet, formulae[sheet.title]))
        for sheet in workbook.worksheets
        if sheet.title != LEGEND_SHEET
    ]
    return [(title, rows) for title, rows in sheets if any(_plain(cell) for row in rows for cell in row)]


def _cells(sheet: Any, formulae: Any) -> list[list[Any]]:
    """The values of a sheet; what stands in merged cells counts for all of them, as it looks.

    A formula that no spreadsheet program has calculated yet stands for itself: it is no empty cell.
    """
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    for row, cells in zip(rows, formulae.iter_rows(), strict=False):
        row[:] = [cell.value if value is None else value for value, cell in zip(row, cells, strict=False)]
    for merged in sheet.merged_cells.ranges:
        value = rows[merged.min_row - 1][merged.min_col - 1]
        for row in rows[merged.min_row - 1 : merged.max_row]:
            row[merged.min_col - 1 : merged.max_col] = [value] * (merged.max_col - merged.min_col + 1)
    return rows


def _csv_rows(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # as Western spreadsheets save it when nobody chooses
        text = content.decode("cp1252", errors="replace")
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _list(rows: Sequence[Sequence[str]], names: Sequence[str], file: str) -> Iterator[RawScore]:
    for number, row in enumerate(rows[1:], start=2):
        given = {name: _unmarked(_plain(cell)) for name, cell in zip(names, row, strict=False)}
        values = {name: given.get(name, "") for name in (*LIST_COLUMNS, *MORE_COLUMNS)}
        if values["score"] not in _EMPTY or values["not_assessable"]:
            yield RawScore(values, {name: f"{file}, line {number}, column {name}" for name in values})


def _grid(rows: Sequence[Sequence[Any]], where: str, title: str) -> Iterator[RawScore]:
    heads: dict[str, int] = {}
    start = 0
    for start, row in enumerate(rows):
        if not any(map(_plain, row)):
            continue
        label = _plain(row[0] if row else "").casefold()
        known = [name for name in HEADER_ROWS if name.casefold() == label]
        # The row of pseudonyms may begin with anything, "Organ" or nothing; it comes first but for other header rows.
        name = known[0] if known else "Case"
        if name in heads or (not known and "Case" in heads):
            break
        heads[name] = start
    if "Case" not in heads:
        raise InputError(f"{where} has no row of cases.", _LAYOUTS)
    rater_cell = (heads["Rater"], 1) if "Rater" in heads else None
    rater = _at(rows, *rater_cell) if rater_cell else title
    for index in range(start, len(rows)):
        for column in range(1, len(rows[index])):
            score = _at(rows, index, column)
            if score in _EMPTY:
                continue
            cells = {name.casefold(): (row, column) for name, row in heads.items()}
            cells |= {"organ": (index, 0), "score": (index, column)}
            values = dict.fromkeys((*LIST_COLUMNS, *MORE_COLUMNS), "")
            values |= {name: _at(rows, *cell) for name, cell in cells.items()} | {"rater": rater}
            places = {name: f"{where}, cell {_cell_name(*cell)}" for name, cell in cells.items()}
            places["rater"] = f"{where}, cell {_cell_name(*rater_cell)}" if rater_cell else where
            yield RawScore(values, {name: places.get(name, where) for name in values})


def _at(rows: Sequence[Sequence[Any]], row: int, column: int) -> str:
    return _plain(rows[row][column]) if column < len(rows[row]) else ""


def _plain(cell: Any) -> str:
    """A cell as a stripped text; 4.0, as spreadsheets keep whole numbers, is "4"."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _unmarked(text: str) -> str:
    """Without the mark that `tables` puts before texts a spreadsheet would run."""
    return text.removeprefix(TEXT_MARK)


def _cell_name(row: int, column: int) -> str:
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"
