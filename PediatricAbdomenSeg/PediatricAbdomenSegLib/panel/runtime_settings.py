"""Which interpreter runs the worker: found from what a user names, tried, remembered in Slicer's settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slicer.i18n import tr as _

from ..engine.errors import InputError, PediatricAbdomenSegError, ResourceError
from ..engine.runtime.hardware import Hardware as HardwareDescription
from ..engine.runtime.hardware import hardware_from_json
from ..engine.worker.protocol import Hardware
from .worker_life import CallLater, Process
from .worker_link import WorkerLink

INTERPRETER_KEY = "WorkerInterpreter"
_PLACES = ("bin/python3", "bin/python", "Scripts/python.exe", "python.exe")

MakeProcess = Callable[[str], Process]


@dataclass(frozen=True)
class RuntimeSettings:
    """The interpreter that is remembered between sessions.

    Attributes:
        read: text of a key, "" where there is none.
        write: remembers a text under a key; "" forgets it.
    """

    read: Callable[[str], str]
    write: Callable[[str, str], None]

    @property
    def interpreter(self) -> str:
        """Path of the interpreter; "" when none was chosen."""
        return self.read(INTERPRETER_KEY)

    def remember(self, interpreter: Path) -> None:
        """Use this interpreter from now on; `check_interpreter` has tried it."""
        self.write(INTERPRETER_KEY, str(interpreter))

    def forget(self) -> None:
        """Use none any more."""
        self.write(INTERPRETER_KEY, "")

    def process(self, make_process: MakeProcess) -> Process:
        """The worker's process with the remembered interpreter.

        Raises:
            ResourceError: none was chosen, or it is gone.
        """
        if not self.interpreter:
            raise ResourceError(
                _("No worker is set up yet."), _("Open the page Runtime and name a Python with the worker's packages.")
            )
        if not Path(self.interpreter).is_file():
            raise ResourceError(
                _("The worker's interpreter {path} is not there any more.").format(path=self.interpreter),
                _("Open the page Runtime and choose another one."),
            )
        return make_process(self.interpreter)


def find_interpreter(chosen: Path) -> Path:
    """The interpreter a user means by a file or by the folder of an environment.

    Links are kept: a virtual environment is known by the path of its python.

    Raises:
        InputError: there is none.
    """
    chosen = Path(os.path.abspath(Path(chosen).expanduser()))
    candidates = [chosen / place for place in _PLACES] if chosen.is_dir() else [chosen]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise InputError(
        _("There is no Python interpreter at {path}.").format(path=chosen),
        _("Choose the python program itself, or the folder of a virtual or conda environment."),
    )


def check_interpreter(
    interpreter: Path,
    make_process: MakeProcess,
    call_later: CallLater,
    on_good: Callable[[HardwareDescription], None],
    on_bad: Callable[[PediatricAbdomenSegError], None],
) -> Callable[[], None]:
    """Start a worker with an interpreter, let it try its packages and devices, and end it again.

    Exactly one of the two is called, later. ``on_bad`` also gets an interpreter that starts but lacks packages.

    Returns:
        Breaks the check off; neither is called then.
    """
    wanted = True

    def finish(call: Callable[[], None]) -> None:
        nonlocal wanted
        if wanted:
            wanted = False
            link.stop()
            call()

    def take(content: dict) -> None:
        try:
            hardware = hardware_from_json(content)
        except InputError as error:
            fail(error)
            return
        problem = runtime_problem(hardware)
        finish(lambda: on_good(hardware) if problem is None else on_bad(problem))

    def fail(error: PediatricAbdomenSegError) -> None:
        finish(lambda: on_bad(error))

    link = WorkerLink(lambda: make_process(str(interpreter)), call_later)
    link.ask(Hardware(""), take, fail)
    return lambda: finish(lambda: None)


def runtime_problem(hardware: HardwareDescription) -> ResourceError | None:
    """Why a worker with this hardware cannot segment; None when it can."""
    if hardware.missing:
        return ResourceError(
            _("{path} lacks {packages}.").format(path=hardware.executable, packages=", ".join(hardware.missing)),
            _("Install them there, or choose another interpreter."),
        )
    if hardware.torch_problem is not None:
        return ResourceError(f"{hardware.executable}: {hardware.torch_problem}.", _("Install torch anew there."))
    if not hardware.usable:
        return ResourceError(
            _("{path}: torch finds no device it can compute on.").format(path=hardware.executable),
            _("Install torch anew there."),
        )
    return None
