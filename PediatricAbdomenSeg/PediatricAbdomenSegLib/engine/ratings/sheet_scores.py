"""What a cell of an imported table says: which rater, contour and organ its texts mean, and whether it is a score."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..cases.roi_names import organ_of_roi_name
from ..errors import InputError, PediatricAbdomenSegError
from ..organs import ALL_STRUCTURES
from .assignment_files import check_rater
from .record import RatingRecord, new_record
from .scale import HIGHEST, LOWEST
from .sheet_reading import RawScore
from .study import Study

NO_REASON = "No reason given in the imported sheet"
_NOT_ASSESSABLE_TEXT = re.compile(r"(?:n/?a|n\.\s?a\.|not assessable)\s*(?::\s*(.*))?", re.IGNORECASE | re.DOTALL)


def record_of(
    study: Study, raw: RawScore, tokens: Mapping[tuple[str, str, str, int], str], errors: dict[str, None]
) -> RatingRecord | None:
    """The cell as a record that is not saved yet; None when something is wrong with it.

    Args:
        tokens: rater, case, source and 0 or 1 for the first or second reading to the token of the contour.
        errors: gets a sentence with its place for everything that is wrong, in order, each once.
    """
    found: dict[str, object] = {}
    checks: dict[str, Callable[[Study, RawScore], object]] = {
        **{"rater": _rater, "case": _case, "organ": _organ, "source": _source, "reading": _reading},
        **{"score": _score, "seconds_spent": _seconds, "corrections": _corrections},
    }
    for member, check in checks.items():
        try:
            found[member] = check(study, raw)
        except PediatricAbdomenSegError as error:
            errors[f"{raw.places[member]}: {error.message.rstrip('.')}. {error.hint}".rstrip(". ")] = None
    if len(found) < len(checks):
        return None
    rater, case, source, reading = (found[name] for name in ("rater", "case", "source", "reading"))
    token = tokens.get((rater, case, source, reading - 1))
    where = raw.places["score"]
    if token is None:
        which = "a second reading of " if reading == 2 else ""
        errors[f"{where}: {which}{source} of {case} is not assigned to {rater}"] = None
        return None
    if found["organ"] not in [organ.key for organ in study.organs_of(case)]:
        errors[f"{where}: {case} has no {found['organ']}"] = None
        return None
    score, reason = found["score"]
    try:
        return new_record(
            study_id=study.id,
            case=case,
            source_token=token,
            organ=found["organ"],
            rater=rater,
            score=score,
            not_assessable=reason,
            comment=raw.values["comment"],
            tags=tuple(raw.values["tags"].replace(",", " ").split()),
            seconds_spent=found["seconds_spent"],
            corrections=found["corrections"],
        )
    except PediatricAbdomenSegError as error:
        errors[f"{where}: {error.message.removeprefix('The score was not saved: ').rstrip('.')}"] = None
        return None


def _rater(study: Study, raw: RawScore) -> str:
    check_rater(study, raw.values["rater"])
    return raw.values["rater"]


def _case(study: Study, raw: RawScore) -> str:
    return study.case(raw.values["case"]).pseudonym


def _organ(study: Study, raw: RawScore) -> str:
    name = raw.values["organ"]
    keys = [organ.key for organ in study.organs]
    exact = [
        each.key
        for each in ALL_STRUCTURES
        if name.casefold() in (n.casefold() for n in (each.key, each.display_name, each.tg263_name, each.short_name))
    ]
    alike = organ_of_roi_name(name)
    key = exact[0] if exact else alike.key if alike else None
    if key not in keys:
        raise InputError(f'unknown organ "{name}"', f"The study has: {', '.join(keys)}")
    return key


def _source(study: Study, raw: RawScore) -> str:
    name = raw.values["source"].casefold()
    if not name and len(study.sources) == 1:
        return study.sources[0].key
    for source in study.sources:
        if name and name in (source.key.casefold(), source.title.casefold()):
            return source.key
    names = ", ".join(source.key for source in study.sources)
    raise InputError(f'unknown source "{raw.values["source"]}"' if name else "no source is given", f"It has: {names}")


def _reading(study: Study, raw: RawScore) -> int:
    text = raw.values["reading"] or "1"
    if text not in ("1", "2"):
        raise InputError(f'the reading is "{text}"', "1 is the first, 2 the repetition")
    return int(text)


def _score(study: Study, raw: RawScore) -> tuple[int | None, str]:
    text, reason = raw.values["score"], raw.values["not_assessable"]
    match = _NOT_ASSESSABLE_TEXT.fullmatch(text)
    if match or not text:
        return None, (match and match[1]) or reason or NO_REASON
    whole = re.fullmatch(r"([+-]?\d+)(?:[.,]0*)?", text)  # 4.0, as tables with empty cells are often saved
    if not whole:
        raise InputError(f'"{text}" is no score', f"Give a whole number from {LOWEST} to {HIGHEST}, or n/a: reason")
    if not LOWEST <= int(whole[1]) <= HIGHEST:
        raise InputError(f"the score is {text}", f"It has to be {LOWEST} to {HIGHEST}")
    return int(whole[1]), reason


def _seconds(study: Study, raw: RawScore) -> float:
    return _number(raw.values["seconds_spent"], float)


def _corrections(study: Study, raw: RawScore) -> int:
    return _number(raw.values["corrections"], int)


def _number(text: str, kind: type) -> float | int:
    try:
        return kind(text.replace(",", ".") or 0)
    except ValueError:
        raise InputError(f'"{text}" is no number', "") from None
