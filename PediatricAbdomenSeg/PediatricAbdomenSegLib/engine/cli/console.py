"""What a command prints: for people (progress bar on stderr, text on stdout) or for scripts (JSON lines on stdout)."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from ..errors import Cancelled, PediatricAbdomenSegError, ResourceError
from ..progress import OnProgress, ProgressEvent
from ..runtime.packages import package_not_installed
from ..worker.protocol import CancelledEvent, Event, Progress, encode, failed

BAR_WIDTH = 28
REDRAW_S = 0.1


class Console:
    """Where a command's output goes.

    Args:
        as_json: protocol events as JSON lines on ``out`` and nothing else there.
        out, err: the streams; None for those of the process.
    """

    def __init__(self, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._bar_shown = False
        self._last_drawn = 0.0

    def say(self, text: str) -> None:
        """A line for people; silent when the output is for scripts."""
        self.clear_bar()
        if not self.as_json:
            print(text, file=self._out, flush=True)

    def warn(self, text: str) -> None:
        """A line for people that is no result, on stderr in either case."""
        self.clear_bar()
        print(text, file=self._err, flush=True)

    def event(self, event: Event) -> None:
        """A line for scripts; silent when the output is for people."""
        if self.as_json:
            print(encode(event).decode("ascii"), end="", file=self._out, flush=True)

    def failure(self, error: PediatricAbdomenSegError, request_id: str = "1", prefix: str = "pedseg: ") -> None:
        """Say what happened and what to do."""
        self.event(CancelledEvent(request_id) if isinstance(error, Cancelled) else failed(request_id, error))
        self.warn(f"{prefix}{error.message}" + (f"\n  {error.hint}" if error.hint else ""))

    def progress(self, request_id: str = "1", label: str = "") -> OnProgress:
        """A callback that draws a bar on a terminal, or writes `Progress` events for scripts."""

        def show(event: ProgressEvent) -> None:
            if self.as_json:
                self.event(Progress(request_id, event.stage, event.fraction, event.remaining_s))
            elif self._err.isatty() and (event.fraction >= 1 or time.monotonic() - self._last_drawn >= REDRAW_S):
                self._last_drawn = time.monotonic()
                self._err.write("\r" + bar_text(event, label) + "\x1b[K")
                self._err.flush()
                self._bar_shown = True

        return show

    def clear_bar(self) -> None:
        """Remove the progress bar so that the next line starts clean."""
        if self._bar_shown:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._bar_shown = False


def bar_text(event: ProgressEvent, label: str = "") -> str:
    """One line: label, bar, per cent, stage, remaining time."""
    filled = round(event.fraction * BAR_WIDTH)
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    left = "" if event.remaining_s is None else f"  {_duration(event.remaining_s)} left"
    return f"{label + '  ' if label else ''}[{bar}] {event.fraction:4.0%}  {event.stage}{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def known_error(error: BaseException) -> PediatricAbdomenSegError:
    """``error`` as one of ours; what we did not foresee is a defect with exit code 1."""
    if isinstance(error, PediatricAbdomenSegError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Cancelled()
    if isinstance(error, MemoryError):
        return ResourceError("The memory of this machine is not enough.", "Close other programs and try again.")
    if missing := package_not_installed(error):
        return missing
    return PediatricAbdomenSegError(  # not its text, which may quote a patient's name and ends up in logs of scripts
        f"The software failed unexpectedly ({type(error).__name__}).",
        "Run it again with --debug and report what it prints, without what may name a patient.",
    )


@contextmanager
def stray_prints_to_stderr() -> Iterator[None]:
    """Send what libraries print to stderr, so that stdout holds the command's own lines only."""
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def library_warnings_silenced() -> Iterator[None]:
    """Drop what libraries warn of: no user can act on it, and pydicom's warnings quote values such as birth dates."""
    with warnings.catch_warnings():  # which puts back what shows warnings
        warnings.showwarning = lambda *_, **__: None
        yield


def add_common_options(parser: argparse.ArgumentParser, with_json: bool = False) -> None:
    """Options that every subcommand takes as well as ``pedseg`` itself."""
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )
    if with_json:
        parser.add_argument("--json", action="store_true", help="progress and result as JSON lines on stdout")
