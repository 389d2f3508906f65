"""Scores as tables for other programs: ``ratings.csv``, one row a score, and ``ratings.xlsx``, one sheet a rater.

The sheets are organs × contours, as clinics fill them in: rows `Rater`, `Case`, `Source` and `Reading` above the
scores. Cells nobody scored are empty, so that the file of a study without scores is the form to fill in by hand;
`sheet_import` reads both files back.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..cases.atomic_file import replaced_when_complete
from ..organs import organ_by_key
from .study import Study
from .unblinding import Rating

NOT_ASSESSABLE = "n/a"
ABSENT = "–"
LEGEND_SHEET = "Scale"
HEADER_ROWS = ("Rater", "Case", "Source", "Reading")
# Spreadsheet programs run a text that starts with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
TEXT_MARK = "'"
_COLOURS = {1: "F4B6B0", 2: "F9D5B5", 3: "FBF0C2", 4: "DCEDC8", 5: "B7DDB9"}
_LONGEST_TITLE = 31  # of a sheet, by the file format
_COLUMNS = (
    *("study", "case", "source", "source_title", "organ", "organ_name", "organ_type", "rater", "reading"),
    *("score", "not_assessable", "comment", "tags", "seconds_spent", "corrections", "rated_at"),
    *("age_group", "sex", "contrast", "tumour_type", "bundle_sha256", "original_sha256"),
    *("segmentation_sha256", "segmentation_changed", "software_version", "record"),
)


def write_csv(study: Study, ratings: Sequence[Rating], path: Path) -> None:
    """Write one row per score (UTF-8 with a mark that Excel needs); raises `ResourceError` when that is not possible.

    ``reading`` is 1, and 2 for a repetition; ``tags`` are separated by blanks; ``contrast`` is yes, no or empty.
    """
    with (
        replaced_when_complete(path) as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for rating in ratings:
            writer.writerow({name: _inert(value) for name, value in _row(study, rating).items()})


def write_xlsx(study: Study, ratings: Sequence[Rating], path: Path) -> None:
    """Write one sheet per rater and one with the scale; raises `ResourceError` when that is not possible."""
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.creator = "pedseg"
    for rater in study.raters:
        own = [each for each in ratings if each.record.rater == rater]
        _fill_sheet(workbook.create_sheet(_sheet_title(rater, workbook.sheetnames)), study, rater, own)
    legend = workbook.create_sheet(LEGEND_SHEET)
    for anchor in sorted(study.scale, key=lambda each: -each.score):
        legend.append([anchor.score, anchor.short, anchor.wording])
    legend.append([NOT_ASSESSABLE, "Not assessable", f"Write the reason behind it: {NOT_ASSESSABLE}: outside the scan"])
    legend.column_dimensions["B"].width, legend.column_dimensions["C"].width = 28, 90
    with replaced_when_complete(path) as temporary:
        workbook.save(temporary)


def _row(study: Study, rating: Rating) -> dict[str, Any]:
    record, case, organ = rating.record, rating.case, organ_by_key(rating.record.organ)
    return {
        "study": record.study_id,
        "case": case.pseudonym,
        "source": rating.source,
        "source_title": study.source(rating.source).title,
        "organ": organ.key,
        "organ_name": organ.display_name,
        "organ_type": organ.type,
        "rater": record.rater,
        "reading": rating.repeat + 1,
        "score": "" if record.score is None else record.score,
        "not_assessable": record.not_assessable,
        "comment": record.comment,
        "tags": " ".join(record.tags),
        "seconds_spent": f"{record.seconds_spent:g}",
        "corrections": record.corrections,
        "rated_at": record.rated_at,
        "age_group": case.age_group,
        "sex": case.sex,
        "contrast": {True: "yes", False: "no"}.get(case.contrast, ""),
        "tumour_type": case.tumour_type,
        "bundle_sha256": rating.bundle_sha256,
        "original_sha256": rating.original_sha256,
        "segmentation_sha256": record.segmentation_sha256,
        "segmentation_changed": "yes" if record.segmentation_changed else "no",
        "software_version": record.software_version,
        "record": record.id,
    }


def _inert(value: Any) -> Any:
    """The value, a text that a spreadsheet would run (or that looks marked already) marked as a text."""
    runs = isinstance(value, str) and value.startswith((*FORMULA_STARTS, TEXT_MARK))
    return f"{TEXT_MARK}{value}" if runs else value


def _fill_sheet(sheet: Any, study: Study, rater: str, ratings: Iterable[Rating]) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    given = {(each.case.pseudonym, each.source, each.repeat, each.record.organ): each.record for each in ratings}
    repeated = {key[:3] for key in given if key[2]}
    columns = [(case.pseudonym, source.key, 0) for case in study.cases for source in study.sources]
    columns = sorted({*columns, *repeated}, key=lambda each: (each[2], columns.index((*each[:2], 0))))
    titles = {source.key: source.title for source in study.sources}
    heads = ([rater], [case for case, _, _ in columns], [titles[key] for _, key, _ in columns])
    for number, (label, values) in enumerate(zip(HEADER_ROWS, (*heads, [c[2] + 1 for c in columns]), strict=True), 1):
        for place, value in enumerate((label, *values), start=1):
            cell = sheet.cell(number, place, value)
            cell.font = Font(bold=True)
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula, whatever a pseudonym starts with
    for number, organ in enumerate(study.organs, start=len(HEADER_ROWS) + 1):
        sheet.cell(number, 1, organ_by_key(organ.key).display_name)
        for place, column in enumerate(columns, start=2):
            record = given.get((*column, organ.key))
            cell = sheet.cell(number, place)
            cell.alignment = Alignment(horizontal="center")
            if record is not None and record.score is not None:
                cell.value, cell.fill = record.score, PatternFill("solid", _COLOURS[record.score])
            elif record is not None:
                cell.value = f"{NOT_ASSESSABLE}: {ILLEGAL_CHARACTERS_RE.sub(' ', record.not_assessable)}"
            elif organ.key in study.case(column[0]).absent_organs:
                cell.value = ABSENT
    sheet.freeze_panes = sheet.cell(len(HEADER_ROWS) + 1, 2)
    sheet.column_dimensions["A"].width = 28
    for place in range(2, len(columns) + 2):
        sheet.column_dimensions[get_column_letter(place)].width = 12


def _sheet_title(rater: str, taken: Sequence[str]) -> str:
    """A title the format allows, unique in the workbook; the whole name stands in the sheet."""
    plain = re.sub(r"[\[\]:*?/\\]", "_", rater).strip("'")[:_LONGEST_TITLE] or "rater"
    folded = {LEGEND_SHEET.casefold(), *(each.casefold() for each in taken)}
    title, number = plain, 2
    while title.casefold() in folded:
        suffix = f" {number}"
        title, number = plain[: _LONGEST_TITLE - len(suffix)] + suffix, number + 1
    return title
