"""The serve loop with streams and handlers handed in."""

from __future__ import annotations

import io
import os
import threading

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.progress import ProgressEvent
from PediatricAbdomenSegLib.engine.worker.protocol import (
    MAX_LINE_BYTES,
    Cancel,
    CancelledEvent,
    ExportRtstruct,
    Failed,
    Hello,
    ListModels,
    Progress,
    Ready,
    Result,
    Segment,
    Shutdown,
    decode_event,
    encode,
)
from PediatricAbdomenSegLib.engine.worker.server import Server

READY = Ready("0.1.0", "3.12", 1)
LIMIT_S = 20


class Conversation:
    """A server on pipes; ``tell`` it something, ``hear`` its next event."""

    def __init__(self, handlers, clock=None):
        stdin, self._requests = (os.fdopen(fd, mode, 0) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        self._events, stdout = (os.fdopen(fd, mode, 0) for fd, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        self.hung_up = threading.Event()
        extra = {"clock": clock} if clock else {}
        self._server = Server(io.BufferedReader(stdin), stdout, handlers, READY, self.hung_up.set, **extra)
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()
        assert self.hear() == READY

    def tell(self, *messages) -> None:
        for message in messages:
            self._requests.write(message if isinstance(message, bytes) else encode(message))

    def hear(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self._events.read(1)
            assert byte, "the server closed its stream"
            line += byte
        return decode_event(line)

    def hang_up(self) -> None:
        self._requests.close()

    def stop_listening(self) -> None:
        self._events.close()

    def stop(self) -> None:
        self._server.stop()

    def has_ended(self) -> bool:
        self._thread.join(LIMIT_S)
        return not self._thread.is_alive()


def works(request, on_progress, cancel):
    return {"input": request.input}


def fails(request, on_progress, cancel):
    raise InputError("one slice", "give more")


class Blocker:
    """A handler that runs until it is cancelled."""

    def __init__(self):
        self.started = threading.Semaphore(0)

    def __call__(self, request, on_progress, cancel):
        self.started.release()
        while True:
            threading.Event().wait(0.005)
            cancel.raise_if_cancelled()

    def has_started(self) -> bool:
        return self.started.acquire(timeout=LIMIT_S)


def segment(identifier: str) -> Segment:
    return Segment(identifier, "in", "out")


def test_requests_are_answered_in_turn():
    talk = Conversation({Segment: works})
    talk.tell(segment("1"), segment("2"))
    assert [talk.hear(), talk.hear()] == [Result("1", {"input": "in"}), Result("2", {"input": "in"})]


def test_an_error_of_the_engine_becomes_a_failure_with_hint_and_the_worker_goes_on():
    talk = Conversation({Segment: fails, ListModels: lambda *_: {}})
    talk.tell(segment("1"), ListModels("2"))
    assert talk.hear() == Failed("1", "input", "one slice", "give more", 3)
    assert talk.hear() == Result("2")


@pytest.mark.parametrize("defect", [ZeroDivisionError("Jane Doe"), SystemExit(3), RecursionError("Jane Doe")])
def test_a_defect_is_reported_without_its_text_and_the_worker_goes_on(defect, capfd):
    def breaks(*_):
        raise defect

    talk = Conversation({Segment: breaks, ListModels: lambda *_: {}})
    talk.tell(segment("1"), ListModels("2"))
    event = talk.hear()
    assert (event.id, event.kind, event.exit_code) == ("1", "internal", 1)
    assert talk.hear() == Result("2")
    log = capfd.readouterr().err
    assert type(defect).__name__ in log and "breaks" in log and "Jane" not in log


def test_memory_that_is_not_enough_is_a_failure_of_resources():
    def is_hungry(*_):
        raise MemoryError

    talk = Conversation({Segment: is_hungry})
    talk.tell(segment("1"))
    assert (talk.hear().kind) == "resource"


def test_a_result_that_is_no_json_is_a_failure_and_not_silence():
    talk = Conversation({Segment: lambda *_: {"volume_ml": float("nan")}, ListModels: lambda *_: {"x": object()}})
    talk.tell(segment("1"), ListModels("2"))
    assert [talk.hear().kind, talk.hear().kind] == ["internal", "internal"]


def test_cancel_reaches_a_running_job():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"))
    assert job.has_started()
    talk.tell(Cancel("2", "1"))
    assert [talk.hear(), talk.hear()] == [Result("2", {"found": True}), CancelledEvent("1")]


def test_cancel_reaches_a_waiting_job_which_then_never_starts():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"), segment("2"))
    assert job.has_started()
    talk.tell(Cancel("3", "2"), Cancel("4", "1"))
    events = [talk.hear() for _ in range(4)]
    assert events[2:] == [CancelledEvent("1"), CancelledEvent("2")]
    assert not job.started.acquire(blocking=False)


def test_cancel_of_a_request_that_is_over_finds_nothing():
    talk = Conversation({Segment: works})
    talk.tell(segment("1"))
    talk.hear()
    talk.tell(Cancel("2", "1"))
    assert talk.hear() == Result("2", {"found": False})


def test_hello_is_answered_while_a_job_runs():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"))
    assert job.has_started()
    talk.tell(Hello("2"))
    assert talk.hear().result["software_version"] == "0.1.0"


def test_an_id_in_use_is_refused_without_ending_the_request_that_uses_it():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"), segment("1"), Cancel("2", "1"))
    first = talk.hear()
    assert (first.id, first.kind) == (None, "usage")
    assert [talk.hear(), talk.hear()] == [Result("2", {"found": True}), CancelledEvent("1")]


def test_an_id_may_be_used_again_once_its_request_is_over():
    talk = Conversation({Segment: works})
    talk.tell(segment("1"))
    talk.hear()
    talk.tell(segment("1"))
    assert talk.hear() == Result("1", {"input": "in"})


def test_broken_lines_are_answered_and_survived():
    talk = Conversation({Segment: works})
    huge = b'{"id": "' + b"x" * (3 * MAX_LINE_BYTES) + b'"}\n'
    talk.tell(b"garbage\n", b"\n", b"   \n", huge, b'{"version": 9, "type": "hello", "id": "4"}\n', segment("5"))
    events = [talk.hear() for _ in range(4)]
    assert [(event.id, event.kind) for event in events[:3]] == [(None, "usage"), (None, "usage"), ("4", "usage")]
    assert events[3] == Result("5", {"input": "in"})


def test_a_request_without_a_handler_is_refused():
    talk = Conversation({Segment: works})
    talk.tell(ExportRtstruct("1", "ct", ("l",), "o"))
    assert (talk.hear().kind) == "usage"


def test_shutdown_cancels_what_runs_and_waits_and_is_answered_last():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"), segment("2"))
    assert job.has_started()
    talk.tell(Shutdown("3"))
    assert [talk.hear() for _ in range(3)] == [CancelledEvent("1"), CancelledEvent("2"), Result("3")]
    assert talk.has_ended()


def test_a_closed_stdin_cancels_the_job_and_ends_the_worker():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"))
    assert job.has_started()
    talk.hang_up()
    assert talk.hear() == CancelledEvent("1")
    assert talk.has_ended() and talk.hung_up.is_set()


def test_stop_ends_the_worker_as_a_signal_would():
    job = Blocker()
    talk = Conversation({Segment: job})
    talk.tell(segment("1"))
    assert job.has_started()
    talk.stop()
    assert talk.hear() == CancelledEvent("1")
    assert talk.has_ended()


def test_nobody_listening_does_not_break_the_worker():
    talk = Conversation({Segment: works})
    talk.stop_listening()
    talk.tell(segment("1"))
    talk.hang_up()
    assert talk.has_ended()


def test_progress_is_thinned_but_every_new_stage_is_told():
    times = iter([0.0, 0.01, 0.02, 0.03, 0.2])

    def reports(request, on_progress, cancel):
        for stage, fraction in [("read", 0.0), ("read", 0.1), ("network", 0.2), ("network", 0.3), ("network", 0.4)]:
            on_progress(ProgressEvent(stage, fraction))
        return {}

    talk = Conversation({Segment: reports}, clock=lambda: next(times))
    talk.tell(segment("1"))
    events = [talk.hear() for _ in range(4)]
    assert events == [
        Progress("1", "read", 0.0),
        Progress("1", "network", 0.2),
        Progress("1", "network", 0.4),
        Result("1"),
    ]
