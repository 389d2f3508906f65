"""How a worker process came to its end, and the one message a user gets about it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..engine.errors import ResourceError

_SEGMENT_AGAIN = "The worker is started again; nothing was written, so segment once more."
_SIGNALS = {4: "an illegal instruction", 6: "an abort", 7: "a bus error", 8: "a numerical trap", 11: "a memory fault"}
_KILLED = 9
_NT_STATUS = {
    0xC0000005: "a memory fault",
    0xC000001D: "an illegal instruction",
    0xC0000135: "a library that is missing",
    0xC0000409: "an abort",
}
_NT_NO_MEMORY = (0xC0000017, 0xC000012D)


@dataclass(frozen=True)
class ProcessEnd:
    """The end of a process.

    Attributes:
        started: False when the program could not be run at all.
        crashed: ended by a signal or an exception of the system.
        code: exit code, or number of the signal.
        reason: the system's words where it was not started.
    """

    started: bool
    crashed: bool
    code: int
    reason: str = ""


def start_error(end: ProcessEnd, program: str, last_words: str) -> ResourceError:
    """Why there is no worker.

    Args:
        end: of the process.
        program: the interpreter.
        last_words: the last line it wrote to stderr; there is no patient yet that it could name.
    """
    hint = "Choose or repair the interpreter on the Runtime page."
    if not end.started:
        return ResourceError(f"The interpreter {program} cannot be started: {end.reason or 'no reason given'}.", hint)
    words = last_words.rstrip(".") or f"exit code {end.code}"
    return ResourceError(f"The worker of {program} ended before it was ready: {words}.", hint)


def crash_error(end: ProcessEnd, platform: str = os.name) -> ResourceError:
    """Why a worker that was at work is gone; without its own words, which might name a file."""
    code = end.code & 0xFFFFFFFF
    if (end.crashed and platform != "nt" and end.code == _KILLED) or code in _NT_NO_MEMORY:
        return ResourceError(
            "The system ended the worker, most often because the memory did not suffice.",
            f"Close other programs or choose the low-resolution configuration. {_SEGMENT_AGAIN}",
        )
    cause = _NT_STATUS.get(code) if platform == "nt" else _SIGNALS.get(end.code) if end.crashed else None
    if cause is not None:
        return ResourceError(f"The worker crashed with {cause}.", _SEGMENT_AGAIN)
    how = f"was ended by signal {end.code}" if end.crashed else f"ended with exit code {end.code}"
    return ResourceError(f"The worker {how} before it answered.", _SEGMENT_AGAIN)
