"""How a worker process came to its end, and the one message a user gets about it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from slicer.i18n import tr as _

from ..engine.errors import ResourceError

_SEGMENT_AGAIN = _("The worker is started again; nothing was written, so segment once more.")
_SIGNALS = {
    4: _("an illegal instruction"),
    6: _("an abort"),
    7: _("a bus error"),
    8: _("a numerical trap"),
    11: _("a memory fault"),
}
_KILLED = 9
_NT_STATUS = {
    0xC0000005: _("a memory fault"),
    0xC000001D: _("an illegal instruction"),
    0xC0000135: _("a library that is missing"),
    0xC0000409: _("an abort"),
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
    hint = _("Choose or repair the interpreter on the page Runtime.")
    if not end.started:
        reason = end.reason or _("no reason given")
        return ResourceError(
            _("The interpreter {path} cannot be started: {reason}.").format(path=program, reason=reason), hint
        )
    words = last_words.rstrip(".") or _("exit code {code}").format(code=end.code)
    return ResourceError(
        _("The worker of {path} ended before it was ready: {words}.").format(path=program, words=words), hint
    )


def crash_error(end: ProcessEnd, platform: str = os.name) -> ResourceError:
    """Why a worker that was at work is gone; without its own words, which might name a file."""
    code = end.code & 0xFFFFFFFF
    if (end.crashed and platform != "nt" and end.code == _KILLED) or code in _NT_NO_MEMORY:
        return ResourceError(
            _("The system ended the worker, most often because the memory did not suffice."),
            _("Close other programs, or tick Low memory under Advanced.") + f" {_SEGMENT_AGAIN}",
        )
    cause = _NT_STATUS.get(code) if platform == "nt" else _SIGNALS.get(end.code) if end.crashed else None
    if cause is not None:
        return ResourceError(_("The worker crashed with {cause}.").format(cause=cause), _SEGMENT_AGAIN)
    how = _("The worker was ended by signal {code} before it answered.")
    if not end.crashed:
        how = _("The worker ended with exit code {code} before it answered.")
    return ResourceError(how.format(code=end.code), _SEGMENT_AGAIN)
