"""``pedseg ratings``: create and assign reader studies, score from a script, merge what raters scored."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, PediatricAbdomenSegError, ResourceError, UsageError
from ..json_fields import JsonFields
from . import ratings_analysis
from .console import Console, add_common_options
from .ratings_analysis import emit_result

if TYPE_CHECKING:
    from ..ratings.record import RatingRecord
    from ..ratings.scoring import RatingSession

_TEXTS = ("not_assessable", "comment")
_SCORE_MEMBERS = ("token", "organ", "score", *_TEXTS, "tags", "seconds_spent", "corrections", "confirm_changed")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("ratings", help="reader studies: clinicians score contours on a 5-point scale")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_study_parsers(actions)
    score = actions.add_parser("score", help="save scores of a rater, as the buttons of the rating page do")
    score.add_argument("study", metavar="STUDY", type=Path, help="study folder")
    score.add_argument("--rater", metavar="NAME", required=True, help="as the study spells it")
    score.add_argument(
        "--scores",
        metavar="FILE",
        help=f"JSON lines with the members {', '.join(_SCORE_MEMBERS)}; - for standard input",
    )
    score.add_argument("--token", help="token of the contour, see `study show --rater`")
    score.add_argument("--organ", metavar="KEY", help="organ key")
    verdict = score.add_mutually_exclusive_group()
    verdict.add_argument("--score", type=int, metavar="N", help="1 unusable … 5 use as is")
    verdict.add_argument("--not-assessable", metavar="REASON", default="", help="why there is no score")
    score.add_argument("--comment", metavar="TEXT", default="", help="free text, without anything on the patient")
    score.add_argument("--tag", metavar="TAG", action="append", default=[], help="error tag; may be repeated")
    score.add_argument("--seconds", type=float, metavar="S", default=0.0, help="time spent on the organ")
    score.add_argument("--corrections", type=int, metavar="N", default=0, help="number of edits")
    score.add_argument("--confirm-changed", action="store_true", help="score contours that are not those assigned")
    score.add_argument(
        "--search", metavar="DIR", type=Path, action="append", default=[], help="where moved cases may be"
    )
    score.set_defaults(run=run_score)
    merge = actions.add_parser("merge", help="add the scores made on other machines; nothing is overwritten")
    merge.add_argument("study", metavar="STUDY", type=Path, help="study folder that receives")
    merge.add_argument(
        "others", metavar="OTHER", type=Path, nargs="+", help="study folders or files of scores (.jsonl)"
    )
    merge.set_defaults(run=run_merge)
    ratings_analysis.add_parsers(actions)
    for each in (score, merge):
        add_common_options(each, with_json=True)


def _add_study_parsers(actions: argparse._SubParsersAction) -> None:
    from ..ratings import plan

    study = actions.add_parser("study", help="create, show and assign a study")
    steps = study.add_subparsers(metavar="STEP", required=True)
    create = steps.add_parser(
        "create",
        help="a study folder from a plan",
        description=plan.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    create.add_argument("study", metavar="STUDY", type=Path, help="folder to make")
    create.add_argument("--plan", metavar="FILE", type=Path, required=True, help="JSON file, see above")
    create.add_argument("--seed", help="orders and tokens follow from it (random)")
    create.set_defaults(run=run_create)
    show = steps.add_parser("show", help="what is asked, and how far the raters are")
    show.add_argument("study", metavar="STUDY", type=Path, help="study folder")
    show.add_argument("--rater", metavar="NAME", help="list this rater's contours in order, with their tokens")
    show.set_defaults(run=run_show)
    assign = steps.add_parser("assign", help="give every rater an order of their own")
    assign.add_argument("study", metavar="STUDY", type=Path, help="study folder")
    whom = assign.add_mutually_exclusive_group()
    whom.add_argument("--rater", metavar="NAME", action="append", default=[], help="only this one (all without one)")
    whom.add_argument("--add-rater", metavar="NAME", help="add this rater to the study and assign to nobody else")
    assign.add_argument("--repeats", type=int, metavar="N", default=0, help="contours that each rater sees twice (0)")
    assign.set_defaults(run=run_assign)
    for each in (create, show, assign):
        add_common_options(each, with_json=True)


def run_create(arguments: argparse.Namespace, console: Console) -> int:
    """Create a study and say what is in it."""
    from ..ratings.creation import create_study
    from ..ratings.plan import read_plan

    study = create_study(
        arguments.study,
        read_plan(arguments.plan),
        arguments.seed,
        lambda pseudonym: console.say(f"Reading {pseudonym}"),
    )
    emit_result(console, {"study_id": study.id, "cases": len(study.cases), "folder": str(arguments.study)})
    console.say(f"{study.title}: {len(study.cases)} cases, {len(study.sources)} sources, {len(study.organs)} organs")
    console.say(f"Written to {arguments.study}; next: pedseg ratings study assign {arguments.study}")
    return 0


def run_assign(arguments: argparse.Namespace, console: Console) -> int:
    """Write the assignments and count them."""
    from ..ratings.assignment_files import add_rater, assign

    raters = arguments.rater
    if arguments.add_rater is not None:
        add_rater(arguments.study, arguments.add_rater)
        raters = [arguments.add_rater]
    made = assign(arguments.study, raters, arguments.repeats)
    emit_result(console, {"assigned": {each.rater: len(each.items) for each in made}})
    for each in made:
        console.say(f"{each.rater}: {len(each.items)} contours to score")
    if not made:
        console.say("Every rater has an assignment already.")
    return 0


def run_show(arguments: argparse.Namespace, console: Console) -> int:
    """The study and the progress of its raters, or one rater's contours; never a source of a blinded study."""
    from ..ratings.assignment_files import assignment_path, read_assignment
    from ..ratings.progress import progress_of
    from ..ratings.record import current_records
    from ..ratings.store import read_ratings
    from ..ratings.study import read_study

    study = read_study(arguments.study)
    files = read_ratings(arguments.study, study)
    scored = {(each.source_token, each.organ) for each in current_records(r for file in files for r in file.records)}
    raters = [arguments.rater] if arguments.rater else list(study.raters)
    content: dict[str, Any] = {"study_id": study.id, "title": study.title, "blinded": study.blinded, "raters": {}}
    console.say(f"{study.title} ({study.id}){', blinded' if study.blinded else ''}\n{study.question}")
    for anchor in sorted(study.scale, key=lambda each: -each.score):
        console.say(f"  {anchor.score}  {anchor.short}: {anchor.wording}")
    console.say(f"{len(study.cases)} cases; organs: " + ", ".join(organ.key for organ in study.organs))
    for rater in raters:
        if not arguments.rater and not assignment_path(arguments.study, study, rater).exists():
            console.say(f"{rater}: nothing assigned yet")
            continue
        assignment = read_assignment(arguments.study, study, rater)
        done = progress_of(study, assignment, scored)
        items = [{"token": item.token, "case": item.case} for item in assignment.items]
        content["raters"][rater] = {"items_done": done.items_done, "organs_done": done.organs_done, "items": items}
        console.say(f"{rater}: {done.items_done}/{done.items} contours, {done.organs_done}/{done.organs} organs scored")
        if arguments.rater:
            for item in assignment.items:
                console.say(f"  {item.token}  {item.case}  {item.source}".rstrip())
    for problem in (problem for file in files for problem in file.problems):
        console.warn(problem)
    emit_result(console, content)
    return 0


def run_score(arguments: argparse.Namespace, console: Console) -> int:
    """Save scores, and say of each that it is on the disk."""
    from ..ratings.scoring import RatingSession

    single = (arguments.token, arguments.organ)
    if bool(arguments.scores) == any(single) or (any(single) and not all(single)):
        raise UsageError("It is not clear what to score.", "Give either --scores, or both --token and --organ.")
    saved = []
    with RatingSession(arguments.study, arguments.rater, arguments.search) as session:
        for problem in session.book.problems:
            console.warn(problem)
        for record in _saved(session, arguments):
            saved.append(record.id)
            verdict = record.score if record.score is not None else "not assessable"
            console.say(f"saved {record.id} {record.case} {record.organ} {verdict}")
    emit_result(console, {"saved": saved})
    return 0


def _saved(session: RatingSession, arguments: argparse.Namespace) -> Iterator[RatingRecord]:
    if not arguments.scores:
        yield session.add_score(
            arguments.token,
            arguments.organ,
            arguments.score,
            not_assessable=arguments.not_assessable,
            comment=arguments.comment,
            tags=arguments.tag,
            seconds_spent=arguments.seconds,
            corrections=arguments.corrections,
            confirm_changed=arguments.confirm_changed,
        )
        return
    for where, values in _lines(arguments.scores):
        fields = JsonFields(values, where, InputError, "Correct the line; the lines before it are saved.")
        for name in values:
            if name not in _SCORE_MEMBERS:
                raise fields.fail(f'"{name}"', f"is unknown; known are {', '.join(_SCORE_MEMBERS)}")
        given: dict[str, Any] = {name: fields.text(name, may_be_empty=True) for name in _TEXTS if name in values}
        if "tags" in values:
            given["tags"] = fields.texts("tags")
        if "seconds_spent" in values:
            given["seconds_spent"] = fields.number("seconds_spent")
        if "corrections" in values:
            given["corrections"] = fields.integer("corrections", 0)
        confirmed = arguments.confirm_changed or ("confirm_changed" in values and fields.flag("confirm_changed"))
        # No bounds here: that 0 and 6 are no scores is said where every score is checked.
        score = None if values.get("score") is None else fields.value("score")
        token, organ = fields.text("token"), fields.text("organ")
        try:
            record = session.add_score(token, organ, score, confirm_changed=confirmed, **given)
        except PediatricAbdomenSegError as error:
            raise type(error)(f"{where}: {error.message}", error.hint) from error
        yield record


def _lines(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and object of each line of a file or of standard input, read as they come."""
    try:
        with open(name if name != "-" else sys.stdin.fileno(), encoding="utf-8-sig", closefd=name != "-") as file:
            for number, line in enumerate(iter(file.readline, ""), start=1):
                where = f"{name}, line {number}"
                try:
                    values = json.loads(line) if line.strip() else None
                except ValueError as error:
                    raise InputError(f"{where} is not JSON: {error}.", "Write one JSON object a line.") from error
                if values is not None:
                    if not isinstance(values, dict):
                        raise InputError(f"{where} is no JSON object.", "Write one JSON object a line.")
                    yield where, values
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8: {error}.", "Save it as UTF-8.") from error
    except OSError as error:
        raise ResourceError(f"{name} cannot be read: {error.strerror}.", "Check the path.") from error


def run_merge(arguments: argparse.Namespace, console: Console) -> int:
    """Merge and count."""
    from ..ratings.merge import merge

    result = merge(arguments.study, arguments.others)
    for problem in result.problems:
        console.warn(problem)
    emit_result(console, {"added": result.added, "present": result.present, "problems": list(result.problems)})
    console.say(f"{result.added} scores added, {result.present} were there already")
    return 0
