"""One score: what is stored for it, and which of several records of the same contour counts."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from typing import Any

from ...version import __version__
from ..errors import InputError, UsageError
from ..json_fields import JsonFields
from ..organs import organ_by_key
from .scale import ERROR_TAGS, HIGHEST, LOWEST

SCHEMA_VERSION = 1
_HINT = "Nothing was changed in the file. Take the line from a copy of the file, or score the contour again."


@dataclass(frozen=True)
class RatingRecord:
    """One rater's verdict on one organ of one contour set; never changed once written.

    Attributes:
        id: UUID of the record.
        study_id: `Study.id`.
        case: the case's pseudonym.
        source_token: `AssignmentItem.token`: says nothing about who contoured; the study's key file does.
        organ: key of the organ table.
        rater: name as the study spells it.
        rated_at: UTC, ISO 8601 with milliseconds, for example ``2026-03-01T09:30:00.000Z``.
        score: 1 to 5; None when not assessable.
        not_assessable: the reason; "" when there is a score.
        comment: free text.
        tags: keys of `ERROR_TAGS`.
        seconds_spent: active time on this organ.
        corrections: number of edits the rater made to the contour.
        bundle_sha256: model bundle that made the contour; "" for manual contours and in blinded studies, where it
            would be the source's name in other letters (`unblinding` fills it in).
        segmentation_sha256: of the file that was scored.
        segmentation_changed: the file was not the one assigned, and the rater confirmed to score it.
        supersedes: ids of earlier records that this one corrects.
        software_version: that wrote the record.
        extra: members a later version added, kept as they are.
    """

    id: str
    study_id: str
    case: str
    source_token: str
    organ: str
    rater: str
    rated_at: str
    score: int | None = None
    not_assessable: str = ""
    comment: str = ""
    tags: tuple[str, ...] = ()
    seconds_spent: float = 0.0
    corrections: int = 0
    bundle_sha256: str = ""
    segmentation_sha256: str = ""
    segmentation_changed: bool = False
    supersedes: tuple[str, ...] = ()
    software_version: str = __version__
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> tuple[str, str, str]:
        """What was scored by whom: rater, source token, organ."""
        return self.rater, self.source_token, self.organ


def new_record(**values: Any) -> RatingRecord:
    """A checked record with an id and the current time, where none are given.

    Raises:
        UsageError: unknown organ or tag, a score outside 1 to 5, neither or both of score and reason, a negative time.
    """
    record = RatingRecord(**{"id": str(uuid.uuid4()), "rated_at": utc_now(), **values})
    problem = _problem(record)
    if problem:
        raise UsageError(f"The score was not saved: {problem}.", "Correct it and score again.")
    return record


def utc_now() -> str:
    """The time in the format of `RatingRecord.rated_at`."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record_to_line(record: RatingRecord) -> bytes:
    """One line of JSON with its line end, ASCII, so that half a line is never half a letter of another one."""
    members = {each.name: getattr(record, each.name) for each in fields(record) if each.name != "extra"}
    text = json.dumps({"schema_version": SCHEMA_VERSION, **members, **record.extra}, allow_nan=False)
    return text.encode("ascii") + b"\n"


def record_from_json(values: dict[str, Any], where: str) -> RatingRecord:
    """The record in a JSON object; members it does not know go to `RatingRecord.extra`.

    Raises:
        InputError: a member is missing or wrong; ``where`` (file and line) and the member are named.
    """
    members = JsonFields(values, where, InputError, _HINT)
    version = members.integer("schema_version", 1)
    known = {each.name for each in fields(RatingRecord)} - {"extra"}
    record = RatingRecord(
        **{name: members.text(name) for name in ("id", "study_id", "case", "organ", "rater", "rated_at")},
        **{
            name: members.text(name, may_be_empty=True)
            for name in ("source_token", "not_assessable", "comment", "bundle_sha256", "segmentation_sha256")
        },
        score=None if members.value("score") is None else members.integer("score", LOWEST),
        tags=members.texts("tags"),
        seconds_spent=members.number("seconds_spent"),
        corrections=members.integer("corrections", 0),
        segmentation_changed=members.flag("segmentation_changed"),
        supersedes=members.texts("supersedes"),
        software_version=members.text("software_version"),
        # The version belongs to the extras when it is a later one: writing the record again must not lower it.
        extra={
            name: value
            for name, value in values.items()
            if name not in known and (name != "schema_version" or version > SCHEMA_VERSION)
        },
    )
    problem = _problem(record)
    if problem:
        raise InputError(f"{where}: {problem}.", _HINT)
    return record


def current_records(records: Iterable[RatingRecord]) -> tuple[RatingRecord, ...]:
    """The records that count: not superseded, and of several for the same subject the latest; in order of time."""
    return tuple(sorted((each[-1] for each in standing(records)), key=_when))


def disputed(records: Iterable[RatingRecord]) -> tuple[str, ...]:
    """Sentences on contours with scores that contradict and do not correct one another.

    That happens when a rater scores on two machines whose files have not been merged; their clocks, which decide which
    score counts, may differ.
    """
    found = []
    for own in sorted(standing(records), key=lambda each: _when(each[-1])):
        verdicts = list(dict.fromkeys(str(each.score or each.not_assessable) for each in own))
        if len(verdicts) > 1:
            last = own[-1]
            found.append(
                f"{last.rater} scored {last.organ} of {last.case} ({last.source_token}) {len(verdicts)} times without "
                f"correcting: {', '.join(verdicts)}; the last one counts. Score it again if that is wrong."
            )
    return tuple(found)


def _when(record: RatingRecord) -> tuple[str, str]:
    return record.rated_at, record.id


def standing(records: Iterable[RatingRecord]) -> Collection[list[RatingRecord]]:
    """For each subject the records that none supersedes, the latest last."""
    records = list(records)
    superseded = {each for record in records for each in record.supersedes}
    subjects: dict[tuple[str, str, str], list[RatingRecord]] = {}
    for record in sorted(records, key=_when):
        if record.id not in superseded:
            subjects.setdefault(record.subject, []).append(record)
    return subjects.values()


def _problem(record: RatingRecord) -> str:
    """What is wrong with a record, "" for nothing."""
    try:
        organ_by_key(record.organ)
    except UsageError as error:
        return f"{error.message} {error.hint}".rstrip(".")
    score = record.score
    if score is not None and (isinstance(score, bool) or not isinstance(score, int)):
        return f"the score is {score!r}, not a whole number from {LOWEST} to {HIGHEST}"
    if score is not None and not LOWEST <= score <= HIGHEST:
        return f"the score is {score}; it has to be {LOWEST} to {HIGHEST}"
    if (score is None) != bool(record.not_assessable.strip()):
        return "give either a score or the reason why the contour is not assessable"
    unknown = [tag for tag in record.tags if tag not in ERROR_TAGS]
    if unknown:
        return f'there is no error tag "{unknown[0]}"; there are {", ".join(ERROR_TAGS)}'
    if not (math.isfinite(record.seconds_spent) and record.seconds_spent >= 0):
        return f"the time spent is {record.seconds_spent} s"
    if record.corrections < 0:
        return f"the number of corrections is {record.corrections}"
    try:
        datetime.fromisoformat(record.rated_at.replace("Z", "+00:00"))
    except ValueError:
        return f'the time "{record.rated_at}" is not an ISO 8601 time'
    return ""
