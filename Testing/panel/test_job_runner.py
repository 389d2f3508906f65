"""The runner's states, with a worker and a clock that are moved by hand."""

from __future__ import annotations

import pytest

from panel.diary import Diary
from panel.scripted_worker import ScriptedClock, ScriptedProcesses
from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.worker.protocol import (
    Cancel,
    CancelledEvent,
    Failed,
    Hardware,
    ListModels,
    Progress,
    Result,
    Segment,
    Shutdown,
)
from PediatricAbdomenSegLib.panel.job_runner import JobRunner, RunnerEvents
from PediatricAbdomenSegLib.panel.job_store import JobStore
from PediatricAbdomenSegLib.panel.worker_life import START_LIMIT_S, TERMINATE_LIMIT_S
from PediatricAbdomenSegLib.panel.worker_link import CANCEL_LIMIT_S


@pytest.fixture
def processes():
    """Processes that do as the test says."""
    return ScriptedProcesses()


@pytest.fixture
def clock():
    """Time that passes when the test says so."""
    return ScriptedClock()


@pytest.fixture
def a_runner(processes, clock, tmp_path):
    """A runner with an empty queue."""
    runner = JobRunner(processes, JobStore(tmp_path / "Jobs"), clock)
    yield runner
    runner.shutdown()


@pytest.fixture
def diary(a_runner):
    """What the runner tells."""
    return Diary(a_runner)


@pytest.fixture
def new_job(a_runner):
    """Makes a job with a small input file."""

    def make(model="multi-organ"):
        def write(folder):
            (folder / "input.nrrd").write_bytes(b"x")
            return folder / "input.nrrd"

        return a_runner.store.create(Segment("", "", "", model=model), {}, write)

    return make


@pytest.fixture
def a_running_job(a_runner, processes, new_job):
    """A job the worker is at work on."""
    job = new_job()
    a_runner.submit(job)
    processes.last.be_ready()
    return job


def test_a_job_starts_the_worker_and_is_sent_once_it_is_ready(a_runner, processes, new_job, diary):
    job = new_job()
    a_runner.submit(job)
    assert a_runner.state == "starting" and processes.last.requests == []
    processes.last.be_ready()
    assert a_runner.state == "running" and processes.last.requests == [job.request]


def test_progress_and_result_reach_the_listener(a_runner, processes, diary, a_running_job):
    processes.last.say(Progress(a_running_job.id, "network", 0.5, 3.0), Result(a_running_job.id, {"organs": []}))
    ((job, event),) = diary.progress
    assert (job, event.stage, event.fraction, event.remaining_s) == (a_running_job, "network", 0.5, 3.0)
    assert diary.results == [(a_running_job, {"organs": []})]
    assert diary.states[-1] == "idle" and a_runner.current is None


def test_the_second_job_runs_in_the_worker_that_is_warm(a_runner, processes, new_job, a_running_job):
    processes.last.say(Result(a_running_job.id))
    second = new_job()
    a_runner.submit(second)
    assert a_runner.state == "running" and len(processes.made) == 1
    assert processes.last.requests == [a_running_job.request, second.request]


def test_queued_jobs_run_one_after_another(a_runner, processes, new_job, diary, a_running_job):
    second, third = new_job(), new_job()
    a_runner.submit(second)
    a_runner.submit(third)
    assert a_runner.waiting == (second, third) and len(processes.last.requests) == 1
    for job in (a_running_job, second, third):
        processes.last.say(Result(job.id))
    assert diary.finished == [a_running_job, second, third]
    assert a_runner.state == "idle"


def test_a_failure_is_told_once_and_leaves_no_folder(a_runner, processes, diary, a_running_job):
    processes.last.say(Failed(a_running_job.id, "input", "one slice", "give more", 3))
    ((job, error),) = diary.failures
    assert (job, error.kind, error.message, error.hint) == (a_running_job, "input", "one slice", "give more")
    assert a_runner.state == "failed" and a_runner.problem is error
    assert not a_running_job.folder.exists()


def test_a_new_job_after_a_failure_clears_it(a_runner, processes, new_job, a_running_job):
    processes.last.say(Failed(a_running_job.id, "input", "one slice"))
    a_runner.submit(new_job())
    assert a_runner.state == "running" and a_runner.problem is None


def test_cancel_is_a_message_first(a_runner, processes, diary, a_running_job):
    a_runner.cancel()
    assert a_runner.state == "cancelling"
    assert [request.target for request in processes.last.told(Cancel)] == [a_running_job.id]
    processes.last.say(CancelledEvent(a_running_job.id))
    assert diary.cancelled == [a_running_job] and a_runner.state == "idle"
    assert not a_running_job.folder.exists()


def test_a_worker_that_does_not_hear_is_terminated_and_then_killed(a_runner, processes, clock, diary, a_running_job):
    a_runner.cancel()
    clock.advance(CANCEL_LIMIT_S)
    assert processes.last.terminated and not processes.last.killed
    clock.advance(TERMINATE_LIMIT_S)
    assert processes.last.killed
    processes.last.end(9, crashed=True)
    assert diary.cancelled == [a_running_job] and diary.failures == []
    assert a_runner.state == "idle"


def test_a_worker_that_hears_is_not_terminated_later(a_runner, processes, clock, a_running_job):
    a_runner.cancel()
    processes.last.say(CancelledEvent(a_running_job.id))
    clock.advance(1000)
    assert not processes.last.terminated and clock.waiting == 0


def test_what_waits_behind_a_job_that_had_to_be_killed_runs_in_a_new_worker(
    a_runner, processes, clock, new_job, diary, a_running_job
):
    second = new_job()
    a_runner.submit(second)
    answers = []
    a_runner.ask(ListModels(""), answers.append, answers.append)
    a_runner.cancel()
    clock.advance(CANCEL_LIMIT_S)
    processes.last.end(15, crashed=True)
    processes.last.be_ready()
    assert [type(request) for request in processes.last.requests] == [ListModels, Segment]
    processes.last.say(Result(processes.last.requests[0].id, {"models": []}), Result(second.id))
    assert answers == [{"models": []}]
    assert diary.finished == [second]


def test_a_result_that_crosses_the_cancel_is_dropped(a_runner, processes, diary, a_running_job):
    a_runner.cancel()
    processes.last.say(Result(a_running_job.id))
    assert diary.results == [] and diary.cancelled == [a_running_job]


def test_a_job_is_cancelled_at_once_while_the_worker_starts(a_runner, processes, new_job, diary):
    job = new_job()
    a_runner.submit(job)
    a_runner.cancel()
    assert diary.cancelled == [job] and a_runner.state == "idle"
    processes.last.be_ready()
    assert processes.last.requests == []


def test_a_waiting_job_can_be_cancelled_alone(a_runner, processes, new_job, diary, a_running_job):
    second = new_job()
    a_runner.submit(second)
    a_runner.cancel(second.id)
    assert diary.cancelled == [second] and a_runner.state == "running"
    assert not second.folder.exists() and a_running_job.folder.exists()


def test_all_jobs_can_be_cancelled(a_runner, processes, new_job, diary, a_running_job):
    second = new_job()
    a_runner.submit(second)
    a_runner.cancel_all()
    processes.last.say(CancelledEvent(a_running_job.id))
    assert diary.cancelled == [second, a_running_job] and a_runner.state == "idle"


def test_cancelling_nothing_is_no_error(a_runner, diary):
    a_runner.cancel()
    a_runner.cancel("261121-000000-abcd")
    assert diary.states == [] and diary.cancelled == []


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
        raise ResourceError("No worker is set up yet.", "Open the Runtime page.")

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


def test_requests_beside_jobs_change_no_state(a_runner, processes, diary):
    answers, problems = [], []
    a_runner.ask(Hardware(""), answers.append, problems.append)
    processes.last.be_ready()
    processes.last.say(Failed(processes.last.requests[0].id, "usage", "The request speaks protocol 2", "Update"))
    assert answers == [] and problems[0].hint == "Update" and diary.states == []


def test_shutdown_ends_the_worker_and_keeps_what_was_not_finished(a_runner, processes, new_job, diary, a_running_job):
    second = new_job()
    a_runner.submit(second)
    a_runner.shutdown()
    a_runner.shutdown()
    assert processes.last.closed and len(processes.last.told(Shutdown)) == 1
    assert diary.failures == [] and diary.cancelled == []
    left = JobStore(a_runner.store.folder).unfinished_or_unclaimed()
    assert [each.job.id for each in left] == sorted([a_running_job.id, second.id])


def test_an_interrupted_job_can_be_submitted_again(a_runner, processes, diary, tmp_path):
    earlier = JobStore(a_runner.store.folder)
    (tmp_path / "input.nrrd").write_bytes(b"x")
    earlier.create(Segment("", "", ""), {}, lambda folder: tmp_path / "input.nrrd")
    earlier.close()
    (left,) = a_runner.store.unfinished_or_unclaimed()
    a_runner.submit(left.job)
    processes.last.be_ready()
    processes.last.say(Result(left.job.id))
    assert diary.finished == [left.job]


def test_a_listener_that_has_left_hears_nothing(a_runner, processes, a_running_job):
    heard = []
    leave = a_runner.listen(RunnerEvents(on_state=heard.append))
    leave()
    processes.last.say(Result(a_running_job.id))
    assert heard == []
