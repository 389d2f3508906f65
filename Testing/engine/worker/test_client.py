"""A real worker process and the client that drives it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError, ModelError, ResourceError
from PediatricAbdomenSegLib.engine.progress import CancelToken
from PediatricAbdomenSegLib.engine.worker.client import WorkerClient, worker_command, worker_environment
from PediatricAbdomenSegLib.engine.worker.processes import kill_tree_of
from PediatricAbdomenSegLib.engine.worker.protocol import Hello, ListModels, Segment
from PediatricAbdomenSegLib.engine.writer_mark import is_alive

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"
FAKE = Path(__file__).with_name("fake_worker_process.py")
LIMIT_S = 20.0
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals and /proc")


def fake_command() -> list[str]:
    return [sys.executable, "-u", str(FAKE)]


def environment() -> dict[str, str]:
    return {**worker_environment(), "PYTHONPATH": str(LIBRARY)}


@pytest.fixture
def a_worker():
    """A worker with the jobs of fake_worker_process.py."""
    with WorkerClient(fake_command(), environment()) as worker:
        yield worker


def segment(what: str) -> Segment:
    return Segment("", what, "out")


def ends(pid: int) -> bool:
    deadline = time.monotonic() + LIMIT_S
    while is_alive(pid) and not is_zombie(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_zombie(pid: int) -> bool:
    """Ended but not reaped, as an orphan in a container whose init does not reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def test_a_worker_reports_itself_and_answers(a_worker):
    assert a_worker.ready.pid == a_worker.process.pid
    assert a_worker.request(Hello(""))["pid"] == a_worker.process.pid


def test_one_worker_serves_request_after_request_with_progress(a_worker):
    events = []
    for name in ("a", "Ünïcode 日本"):
        assert a_worker.request(Segment("", "go", name), events.append) == {"output": name}
    assert [event.stage for event in events] == ["network", "network"]


def test_an_error_of_the_worker_is_raised_here(a_worker):
    with pytest.raises(InputError, match="one slice") as caught:
        a_worker.request(segment("fail"))
    assert caught.value.hint == "give more"


def test_stray_prints_land_in_the_log_and_not_in_the_protocol(a_worker):
    assert a_worker.request(segment("print")) == {"stdin": ""}
    a_worker.close()
    log = list(a_worker.log)
    assert log == ["a stray line", "a stray line of a child", "a stray line of C"]


def test_warnings_and_stray_exceptions_are_logged_without_their_text(a_worker):
    a_worker.request(segment("quote a patient"))
    a_worker.close()
    log = "\n".join(a_worker.log)
    assert "UserWarning (" in log and "KeyError raised in" in log and "Jane" not in log


def test_a_request_is_cancelled_and_the_worker_lives_on(a_worker):
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        a_worker.request(segment("wait"), lambda event: cancel.cancel(), cancel)
    assert a_worker.request(segment("go")) == {"output": "out"}


def test_a_worker_that_ignores_cancel_is_killed(a_worker):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        a_worker.request(segment("ignore cancel"), cancel=cancel, cancel_limit_s=0.3)
    assert a_worker.process.poll() is not None


def test_a_worker_that_exits_is_one_clear_error(a_worker):
    with pytest.raises(ResourceError, match="exit code 7"):
        a_worker.request(segment("exit"))
    with pytest.raises(ResourceError, match="exit code 7"):
        a_worker.request(segment("go"))


@posix_only
def test_a_worker_that_crashes_is_one_clear_error(a_worker):
    with pytest.raises(ResourceError, match="ended by signal 11"):
        a_worker.request(segment("crash"))


@pytest.mark.parametrize("pid", [0, -1])
def test_the_callers_own_group_is_never_killed_by_mistake(pid):
    with pytest.raises(ValueError, match="no process id"):
        kill_tree_of(pid)


@posix_only
def test_a_worker_heads_a_group_of_its_own_whoever_starts_it():
    with subprocess.Popen(fake_command(), stdin=-1, stdout=-1, env=environment()) as process:
        process.stdout.readline()
        assert os.getpgid(process.pid) == process.pid != os.getpgid(0)
        process.stdin.close()


def test_closing_kills_what_the_worker_started(a_worker):
    child = a_worker.request(segment("child"))["pid"]
    assert is_alive(child)
    a_worker.close()
    assert ends(child)


def test_closing_while_a_job_runs_ends_the_worker(a_worker):
    a_worker.send(segment("wait"))
    a_worker.close()
    assert a_worker.process.returncode == 0


@posix_only
def test_sigterm_cancels_the_job_and_ends_the_worker(a_worker):
    threading.Timer(0.3, a_worker.process.terminate).start()
    with pytest.raises(Cancelled):
        a_worker.request(segment("wait"))
    assert a_worker.process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("inherits_stdin", [False, True], ids=["stdin closes", "a sibling keeps stdin open"])
def test_a_worker_ends_when_its_parent_is_killed(inherits_stdin):
    script = (
        "import os, subprocess, sys\n"
        "worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "worker.stdout.readline()\n"
        "sibling = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        f"    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds={not inherits_stdin},\n"
        f"    pass_fds=[worker.stdin.fileno()] if {inherits_stdin} else ())\n"
        "print(worker.pid, sibling.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script, *fake_command()], env=environment(), capture_output=True, timeout=60, check=True
    )
    worker, sibling = map(int, parent.stdout.split())
    try:
        assert ends(worker)
        assert is_alive(sibling)
    finally:
        os.kill(sibling, 9)


def test_a_command_that_does_not_exist_is_one_clear_error():
    with pytest.raises(ResourceError, match="cannot be started"):
        WorkerClient(["/nowhere/python"])


def test_a_program_that_is_no_worker_is_one_clear_error_with_its_last_words():
    with pytest.raises(ResourceError, match="No module named nothing"):
        WorkerClient([sys.executable, "-m", "nothing"])


def test_the_real_worker_starts_by_path_in_isolated_mode(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = worker_command()
    with WorkerClient([command[0], "-I", *command[1:]], worker_environment({"PATH": os.environ["PATH"]})) as worker:
        assert "models" in worker.request(ListModels(""))
        with pytest.raises(ModelError, match="bundle.json"):
            worker.request(Segment("", str(tmp_path / "nowhere"), str(tmp_path / "out"), str(tmp_path)))


def test_the_real_worker_starts_as_a_module():
    command = [sys.executable, "-u", "-m", "PediatricAbdomenSegLib.engine.worker"]
    with WorkerClient(command, environment()) as worker:
        assert worker.ready.software_version
