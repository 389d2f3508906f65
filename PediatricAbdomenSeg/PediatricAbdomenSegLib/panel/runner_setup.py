"""Puts runner, process, timers, settings and store together as they are inside Slicer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..engine.errors import PediatricAbdomenSegError
from ..engine.runtime.hardware import Hardware
from .job_runner import JobRunner
from .job_store import JobStore
from .jobs_folder import jobs_folder
from .runtime_settings import RuntimeSettings, check_interpreter
from .toolkit import Timer, read_setting, write_setting
from .worker_process import slicer_worker_process


def slicer_settings() -> RuntimeSettings:
    """What Slicer remembers between sessions."""
    return RuntimeSettings(read_setting, write_setting)


def slicer_runner(settings: RuntimeSettings, parent: Any, folder: Path | None = None) -> JobRunner:
    """A runner that starts the worker with whatever interpreter the settings name at that moment.

    Args:
        settings: see `slicer_settings`.
        parent: Qt object that lives at least as long as the runner, for example the main window.
        folder: for the jobs; None for `jobs_folder`.

    Raises:
        ResourceError: the folder for jobs cannot be written to.
    """

    def make_process():
        return settings.process(lambda python: slicer_worker_process(python, parent))

    return JobRunner(make_process, JobStore(folder or jobs_folder()), lambda *later: Timer(*later, parent))


def check_in_slicer(
    interpreter: Path,
    parent: Any,
    on_good: Callable[[Hardware], None],
    on_bad: Callable[[PediatricAbdomenSegError], None],
) -> Callable[[], None]:
    """`check_interpreter` with Slicer's processes and timers."""
    return check_interpreter(
        interpreter,
        lambda python: slicer_worker_process(python, parent),
        lambda *later: Timer(*later, parent),
        on_good,
        on_bad,
    )
