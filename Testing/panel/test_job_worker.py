"""What becomes of jobs when the worker does not start, dies or talks nonsense; moved by hand."""

from __future__ import annotations

import pytest

from panel.diary import Diary
from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.worker.protocol import (
    Failed,
    Hardware,
    Result,
    Segment,
)
from PediatricAbdomenSegLib.panel.job_runner import JobRunner
from PediatricAbdomenSegLib.panel.job_store import JobStore
from PediatricAbdomenSegLib.panel.worker_life import START_LIMIT_S


def test_a_crash_is_one_message_and_a_new_worker(a_runner, processes, diary, a_running_job):
    processes.last.end(11, crashed=True)
    ((job, error),) = diary.failures
    assert job == a_running_job and "crashed" in error.message
    assert a_runner.state == "failed" and len(processes.made) == 2


def test_the_queue_goes_on_after_a_crash(a_runner, processes, new_job, diary, a_running_job):
    second = new_job()
    a_runner.submit(second)
    processes.last.end(9, crashed=True)
    assert a_runner.state == "starting"
    processes.last.be_ready()
    processes.last.say(Result(second.id))
    assert diary.finished == [second]
    assert len(processes.made) == 2


def test_a_worker_that_dies_without_work_is_not_started_again_until_it_is_needed(
    a_runner, processes, new_job, diary, a_running_job
):
    processes.last.say(Result(a_running_job.id))
    processes.last.end(9, crashed=True)
    assert len(processes.made) == 1 and diary.failures == [] and a_runner.state == "idle"
    a_runner.submit(new_job())
    assert len(processes.made) == 2


def test_a_worker_that_cannot_be_started_fails_every_job_that_waits(a_runner, processes, new_job, diary):
    first, second = new_job(), new_job()
    a_runner.submit(first)
    a_runner.submit(second)
    processes.last.end(started=False, reason="No such file or directory")
    processes.last.end(started=False, reason="No such file or directory")
    assert [job for job, _ in diary.failures] == [first, second]
    assert "cannot be started" in a_runner.problem.message and a_runner.state == "failed"


def test_a_worker_that_never_becomes_ready_is_killed(a_runner, processes, clock, new_job, diary):
    a_runner.submit(new_job())
    clock.advance(START_LIMIT_S)
    assert processes.last.killed and "did not become ready" in diary.errors[0].message
    assert a_runner.state == "failed"


def test_without_an_interpreter_a_job_fails_with_what_to_do(clock, tmp_path):
    def no_process():
        raise ResourceError("No worker is set up yet.", "Open the page Runtime.")

    store = JobStore(tmp_path)
    runner = JobRunner(no_process, store, clock)
    diary = Diary(runner)
    (tmp_path / "input.nrrd").write_bytes(b"x")
    runner.submit(store.create(Segment("", "", ""), {}, lambda folder: tmp_path / "input.nrrd"))
    assert diary.errors[0].message == "No worker is set up yet." and runner.state == "failed"


def test_another_protocol_version_is_named_with_what_to_do(a_runner, processes, new_job, diary):
    a_runner.submit(new_job())
    processes.last.say_bytes(b'{"version": 99, "type": "ready"}\n')
    (error,) = diary.errors
    assert "protocol 99" in error.message and "Update" in error.hint and processes.last.killed


def test_lines_before_the_worker_is_ready_do_no_harm_and_are_not_repeated_in_the_log(a_runner, processes, diary):
    answers = []
    a_runner.ask(Hardware(""), answers.append, answers.append)
    processes.last.say_bytes(b"Welcome, Jane Doe\n\n")
    processes.last.be_ready()
    processes.last.say(Result(processes.last.requests[0].id, {"devices": []}))
    assert answers == [{"devices": []}]
    assert not any("Jane" in line for line in a_runner.log)


@pytest.mark.parametrize("garbage", [b"garbage\n", b"\xff\xfe\n", b"{}\n", b"x" * (1 << 20) + b"xx"])
def test_garbage_from_a_worker_at_work_is_one_failure_and_its_end(a_runner, processes, diary, a_running_job, garbage):
    processes.last.say_bytes(garbage)
    assert len(diary.failures) == 1 and processes.made[0].killed and a_runner.state == "failed"


def test_lines_may_come_in_pieces(a_runner, processes, diary, a_running_job):
    line = b'{"version": 1, "type": "result", "id": "%s", "result": {"a": 1}}\n' % a_running_job.id.encode()
    for byte in line:
        processes.last.say_bytes(bytes([byte]))
    assert diary.results == [(a_running_job, {"a": 1})]


def test_what_a_process_says_after_it_was_given_up_is_not_heard(a_runner, processes, diary, a_running_job):
    process = processes.last
    process.say_bytes(b"garbage\n")
    process.say(Result(a_running_job.id))
    process.end(0)
    assert diary.results == [] and len(diary.failures) == 1


def test_the_log_holds_the_workers_words_but_no_message_that_may_name_a_file(a_runner, processes, diary, a_running_job):
    processes.last.log("wärning: slow disk\nunfinish".encode())
    processes.last.log(b"ed line\n")
    processes.last.say(Failed(a_running_job.id, "input", "/data/Doe^Jane/1.dcm is damaged"))
    assert "wärning: slow disk" in diary.log and "unfinished line" in diary.log
    assert not any("Jane" in line for line in a_runner.log)
