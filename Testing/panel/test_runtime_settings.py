"""Which interpreter runs the worker: found, tried, remembered."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from panel.scripted_worker import ScriptedClock, ScriptedProcesses
from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError
from PediatricAbdomenSegLib.engine.runtime.hardware import Device, Hardware, hardware_to_json
from PediatricAbdomenSegLib.engine.runtime.packages import REQUIRED
from PediatricAbdomenSegLib.engine.worker.protocol import Failed, Result
from PediatricAbdomenSegLib.panel.runtime_settings import RuntimeSettings, check_interpreter, find_interpreter

CPU = Device("cpu", "x86_64", 16_000.0, 8_000.0, 100.0)
GOOD = Hardware((CPU,), dict.fromkeys(REQUIRED, "1"), None, "3.12.1", "/env/bin/python", "/env", None)
posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX layout")


@pytest.fixture
def settings():
    """Settings in a dictionary."""
    values = {}

    def write(key, value):
        values[key] = value

    return RuntimeSettings(lambda key: values.get(key, ""), write)


def test_without_an_interpreter_there_is_no_worker_but_a_hint(settings):
    with pytest.raises(ResourceError, match="No worker is set up") as caught:
        settings.process(lambda python: pytest.fail("must not be made"))
    assert "page Runtime" in caught.value.hint


def test_a_remembered_interpreter_makes_the_process(settings):
    settings.remember(Path(sys.executable))
    assert settings.process(lambda python: python) == sys.executable


def test_an_interpreter_that_is_gone_is_named(settings, tmp_path):
    settings.remember(tmp_path / "python")
    with pytest.raises(ResourceError, match="not there any more"):
        settings.process(lambda python: python)


def test_a_forgotten_interpreter_is_not_used(settings):
    settings.remember(Path(sys.executable))
    settings.forget()
    assert settings.interpreter == ""


@posix_only
def test_the_folder_of_an_environment_stands_for_its_python(tmp_path):
    (tmp_path / "Jörgs env" / "bin").mkdir(parents=True)
    python = tmp_path / "Jörgs env" / "bin" / "python3"
    python.symlink_to(sys.executable)
    assert find_interpreter(tmp_path / "Jörgs env") == python
    assert find_interpreter(python) == python


def test_what_is_no_interpreter_is_refused(tmp_path):
    (tmp_path / "text").write_text("x")
    for chosen in (tmp_path, tmp_path / "text", tmp_path / "nothing"):
        with pytest.raises(InputError, match="no Python interpreter"):
            find_interpreter(chosen)


class Check:
    """A check of an interpreter with a worker moved by hand."""

    def __init__(self):
        self.processes, self.good, self.bad = ScriptedProcesses(), [], []
        self.break_off = check_interpreter(
            Path("/env/bin/python"),
            lambda python: self.processes(),
            ScriptedClock(),
            self.good.append,
            self.bad.append,
        )

    def answer(self, hardware):
        process = self.processes.last
        process.be_ready()
        content = hardware if isinstance(hardware, dict) else hardware_to_json(hardware)
        process.say(Result(process.requests[0].id, content))


def test_a_good_interpreter_is_described_and_its_worker_ended():
    check = Check()
    check.answer(GOOD)
    assert check.good == [GOOD] and check.bad == [] and check.processes.last.closed


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        (Hardware((CPU,), {"numpy": "2"}, None, "3.12", "/p", "/", None), "lacks SimpleITK, pydicom"),
        (Hardware((), dict.fromkeys(REQUIRED, "1"), "torch cannot be loaded", "3.12", "/p", "/", None), "torch cannot"),
        (Hardware((), dict.fromkeys(REQUIRED, "1"), None, "3.12", "/p", "/", None), "no device"),
        ({"devices": 3}, "hardware"),
    ],
)
def test_an_interpreter_that_could_not_segment_is_refused_with_the_reason(hardware, message):
    check = Check()
    check.answer(hardware)
    assert check.good == [] and message in check.bad[0].message and check.processes.last.closed


def test_an_interpreter_whose_worker_does_not_start_is_refused():
    check = Check()
    check.processes.last.log(b"ModuleNotFoundError: No module named 'numpy'\n")
    check.processes.last.end(1)
    assert "No module named 'numpy'" in check.bad[0].message and check.good == []


def test_an_older_worker_is_refused_with_what_to_do():
    check = Check()
    process = check.processes.last
    process.be_ready()
    process.say(Failed(process.requests[0].id, "usage", "The request speaks protocol 2.", "Update the older."))
    assert check.bad[0].hint == "Update the older."


def test_a_check_that_is_broken_off_says_nothing_more():
    check = Check()
    check.break_off()
    assert check.processes.last.closed and check.good == check.bad == []
