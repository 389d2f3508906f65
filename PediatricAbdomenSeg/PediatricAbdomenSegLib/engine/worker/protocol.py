"""What the worker and its parent say to each other: one JSON object per line, typed, versioned, strictly checked.

A request carries ``type``, ``version`` and ``id`` and ends in exactly one `Result`, `Failed` or `CancelledEvent` with
the same id; any number of `Progress` events may come before. `Ready` is the first line of every worker. Lines are
pure ASCII (JSON escapes), so no locale can break them and file names that are not valid Unicode survive as well.

**Versions.** A message travels under the version in which its kind last changed (``since``), so that an older partner
still understands all it ever could, and refuses by number what it could not. 1: the first. 2: `Hardware`,
`MakePhantom`, low memory, and edited organs and name style of an RTSTRUCT. 3: entropy. 4: `ExportDicomSeg`,
`SendDicom`. 5: `PrepareRatingCase`, body and
smoothing of an RTSTRUCT. 6: an RTSTRUCT added to an existing one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from ..errors import PediatricAbdomenSegError, UsageError
from .requests import (
    Cancel,
    ExportDicomSeg,
    ExportRtstruct,
    Hardware,
    Hello,
    ListModels,
    MakePhantom,
    PrepareRatingCase,
    Segment,
    SendDicom,
    Shutdown,
)

PROTOCOL_VERSION = 6
FIRST_VERSION = 1  # of every kind of message without a ``since`` of its own
MAX_LINE_BYTES = 1 << 20  # a request is a few hundred bytes; volumes travel as files


@dataclass(frozen=True)
class Ready:
    """The worker's first line.

    Attributes:
        software_version: of the package.
        python_version: of the worker's interpreter.
        pid: its process.
    """

    type: ClassVar[str] = "ready"
    software_version: str
    python_version: str
    pid: int


@dataclass(frozen=True)
class Progress:
    """Progress of a request, see `ProgressEvent`."""

    type: ClassVar[str] = "progress"
    id: str
    stage: str
    fraction: float
    remaining_s: float | None = None


@dataclass(frozen=True)
class Result:
    """The request succeeded."""

    type: ClassVar[str] = "result"
    id: str
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The request failed.

    Attributes:
        id: of the request, None when the line was too broken to tell.
        kind: `PediatricAbdomenSegError.kind`, or "internal" for a defect of the software.
        exit_code: what the command line would exit with.
    """

    type: ClassVar[str] = "failed"
    id: str | None
    kind: str
    message: str
    hint: str = ""
    exit_code: int = 1


@dataclass(frozen=True)
class CancelledEvent:
    """The request was cancelled; nothing was written."""

    type: ClassVar[str] = "cancelled"
    id: str


Request = (
    Hello
    | Segment
    | ExportRtstruct
    | ExportDicomSeg
    | SendDicom
    | PrepareRatingCase
    | MakePhantom
    | ListModels
    | Hardware
    | Cancel
    | Shutdown
)
Event = Ready | Progress | Result | Failed | CancelledEvent

REQUESTS: Mapping[str, type] = {kind.type: kind for kind in get_args(Request)}
EVENTS: Mapping[str, type] = {kind.type: kind for kind in get_args(Event)}


class ProtocolError(UsageError):
    """A line that is no valid message.

    Attributes:
        id: the message's id as far as it could be read, else None.
    """

    def __init__(self, message: str, hint: str = "", id: str | None = None) -> None:
        super().__init__(message, hint)
        self.id = id

    def __reduce__(self):
        return type(self), (self.message, self.hint, self.id)


def failed(id: str | None, error: PediatricAbdomenSegError) -> Failed:
    """The event that reports ``error``."""
    return Failed(id, error.kind, error.message, error.hint, error.exit_code)


def encode(message: Request | Event) -> bytes:
    """One line, newline included. Raises ValueError for numbers JSON cannot hold (NaN, infinity)."""
    content = {"type": message.type, "version": getattr(message, "since", FIRST_VERSION)}
    content.update((each.name, getattr(message, each.name)) for each in fields(message))
    return json.dumps(content, allow_nan=False).encode("ascii") + b"\n"


def decode_request(line: bytes) -> Request:
    """Read one request. Raises `ProtocolError`, which keeps the id where it can be read."""
    return _decode(line, REQUESTS, "request")


def decode_event(line: bytes) -> Event:
    """Read one event. Raises `ProtocolError`."""
    return _decode(line, EVENTS, "event")


def _decode(line: bytes, known: Mapping[str, type], noun: str) -> Any:
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolError(f"A line of {len(line)} bytes is longer than the {MAX_LINE_BYTES} allowed.")
    try:
        content = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"A line is not JSON in UTF-8 ({type(error).__name__}).") from error
    if not isinstance(content, dict):
        raise ProtocolError(f"A line holds a JSON {type(content).__name__}, not an object.")
    message_id = content.get("id") if isinstance(content.get("id"), str) else None
    version = content.pop("version", None)
    if type(version) is not int or version < 1:
        raise ProtocolError(f"The {noun} has no valid protocol version (version = {version!r}).", "", message_id)
    if version > PROTOCOL_VERSION:
        raise ProtocolError(
            f"The {noun} speaks protocol {version}, this software only up to {PROTOCOL_VERSION}.",
            "Update the older of the two: the extension or the worker's environment.",
            message_id,
        )
    name = content.pop("type", None)
    if not isinstance(name, str) or name not in known:
        raise ProtocolError(f"Unknown {noun} {name!r}; known are {', '.join(sorted(known))}.", "", message_id)
    try:
        return _build(known[name], content)
    except ValueError as error:
        raise ProtocolError(f"The {noun} {name!r} is not valid: {error}.", "", message_id) from error


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _build(kind: type, content: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    known = {each.name: each for each in fields(kind)}
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}")
    missing = sorted(
        name
        for name, each in known.items()
        if name not in content and each.default is MISSING and each.default_factory is MISSING
    )
    if missing:
        raise ValueError(f"missing field {', '.join(missing)}")
    values = {name: _checked(name, value, hints[name]) for name, value in content.items()}
    if values.get("id") == "":
        raise ValueError("the id is empty")
    return kind(**values)


def _checked(name: str, value: Any, hint: Any) -> Any:
    """``value`` as the type ``hint``; JSON lists become tuples, integers may stand for floats, booleans for nothing."""
    origin = get_origin(hint)
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_checked(name, item, get_args(hint)[0]) for item in value)
    elif origin is dict:
        if isinstance(value, dict):
            return value
    elif get_args(hint):  # a union: the first member that fits
        for member in get_args(hint):
            try:
                return _checked(name, value, member)
            except ValueError:
                continue
    elif hint is float and type(value) is int:
        return float(value)
    elif type(value) is hint or (hint is type(None) and value is None):
        return value
    raise ValueError(f"{name} is a {type(value).__name__}, not {getattr(hint, '__name__', hint)}")
