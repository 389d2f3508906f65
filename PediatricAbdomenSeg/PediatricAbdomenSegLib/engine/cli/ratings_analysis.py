"""``pedseg ratings summary`` and ``pedseg ratings import``: the analysis of a study, and scores from spreadsheets."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Console, add_common_options

if TYPE_CHECKING:
    from ..ratings.summary import Summary


def add_parsers(actions: argparse._SubParsersAction) -> None:
    """Add both actions to those of ``pedseg ratings``."""
    summary = actions.add_parser(
        "summary",
        help="the analysis: summary.html, ratings.csv and ratings.xlsx",
        description="Analyse a study and show which source each contour was from: for when the raters are done. "
        "Nothing is written when a text of the study holds a name, id or birth date of a patient.",
    )
    summary.add_argument("study", metavar="STUDY", type=Path, help="study folder")
    summary.add_argument("--output", metavar="DIR", type=Path, required=True, help="folder for the three files")
    summary.set_defaults(run=run_summary)
    sheet = actions.add_parser(
        "import",
        help="scores written into a spreadsheet (.xlsx, .csv)",
        description="All scores of the file are saved or, when a cell is wrong, none; every wrong cell is named. "
        "`pedseg ratings summary` of a study without scores writes a ratings.xlsx to fill in: a sheet for each rater, "
        "structures down, cases across. It names the sources, also those of a blinded study: raters of that score in "
        "3D Slicer or with `pedseg ratings score`. A .csv may also be a list with the columns rater, case, source, "
        "organ, score, and if you like reading, not_assessable, comment, tags, seconds_spent, corrections.",
    )
    sheet.add_argument("study", metavar="STUDY", type=Path, help="study folder")
    sheet.add_argument("file", metavar="FILE", type=Path, help=".xlsx or .csv")
    sheet.add_argument("--replace", action="store_true", help="supersede scores that differ from those in the file")
    sheet.add_argument("--confirm-changed", action="store_true", help="score contours that are not those assigned")
    sheet.set_defaults(run=run_import)
    for each in (summary, sheet):
        each.add_argument(
            "--search", metavar="DIR", type=Path, action="append", default=[], help="where moved cases may be"
        )
        add_common_options(each, with_json=True)


def run_summary(arguments: argparse.Namespace, console: Console) -> int:
    """Analyse, check, write the files and say the essence."""
    from ..ratings.export_check import check_exportable
    from ..ratings.summary import summarise, summary_to_json
    from ..ratings.summary_report import notices, write_summary
    from ..ratings.tables import write_csv, write_xlsx
    from ..ratings.unblinding import read_unblinded

    content = read_unblinded(arguments.study)
    records = [rating.record for rating in content.ratings]
    not_compared = check_exportable(arguments.study, content.study, records, arguments.search)
    summary = summarise(arguments.study, content)
    output = arguments.output
    write_csv(content.study, content.ratings, output / "ratings.csv")
    write_xlsx(content.study, content.ratings, output / "ratings.xlsx")
    write_summary(summary, output / "summary.html", not_compared)
    for notice in notices(summary, not_compared):
        console.warn(notice)
    _say(summary, console)
    console.say(f"Written to {output}: summary.html, ratings.csv, ratings.xlsx")
    emit_result(console, {"folder": str(output), **summary_to_json(summary)})
    return 0


def run_import(arguments: argparse.Namespace, console: Console) -> int:
    """Import and count."""
    from ..ratings.sheet_import import import_sheet

    done = import_sheet(
        arguments.study,
        arguments.file,
        replace=arguments.replace,
        confirm_changed=arguments.confirm_changed,
        search=arguments.search,
    )
    if done.unused_columns:
        console.warn(f"Columns that were not used: {', '.join(done.unused_columns)}")
    console.say(f"{done.added} scores added, {done.replaced} replaced, {done.present} were there already")
    emit_result(console, {"added": done.added, "replaced": done.replaced, "present": done.present})
    return 0


def _say(summary: Summary, console: Console) -> None:
    from ..ratings.agreement import COEFFICIENTS
    from ..ratings.summary_tables import label_of

    study = summary.study
    console.say(f"{study.title}: scores: {summary.scores}, not assessable: {summary.not_assessable}")
    for verdict in summary.verdicts:
        console.say(f"{study.source(verdict.source).title}:")
        for text, keys in (
            (f"mean ≥ {study.thresholds.acceptable:g}", verdict.acceptable),
            (f"mean ≥ {study.thresholds.usable:g}", verdict.usable),
            ("below", verdict.below),
            ("without a score", verdict.unscored),
        ):
            if keys:
                console.say(f"  {text}: {', '.join(map(label_of, keys))}")
    if summary.inter_rater:
        last = [row for row in summary.inter_rater if row.pooled and row.raters == study.raters][-1]
        console.say(f"Agreement of the raters, {last.label[0].lower()}{last.label[1:]}:")
        for coefficient in COEFFICIENTS:
            if coefficient.key in last.coefficients:
                console.say(f"  {coefficient.title}: {last.coefficients[coefficient.key].text()}")


def emit_result(console: Console, content: dict[str, object]) -> None:
    """The result of an action for scripts; nothing for people."""
    if console.as_json:  # the protocol of the worker is loaded for scripts only
        from ..worker.protocol import Result

        console.event(Result("1", content))
