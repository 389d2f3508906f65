"""The runner's states, with a worker and a clock that are moved by hand."""

from __future__ import annotations

import pytest

from panel.diary import Diary
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
from PediatricAbdomenSegLib.panel.job_runner import RunnerEvents
from PediatricAbdomenSegLib.panel.job_store import JobStore
from PediatricAbdomenSegLib.panel.worker_life import TERMINATE_LIMIT_S
from PediatricAbdomenSegLib.panel.worker_link import CANCEL_LIMIT_S


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


def test_a_listener_that_raises_stops_neither_the_queue_nor_the_others(a_runner, processes, new_job, a_running_job):
    def break_down(job, record):
        raise ZeroDivisionError

    a_runner.listen(RunnerEvents(on_result=break_down))
    diary, second = Diary(a_runner), new_job()
    a_runner.submit(second)
    with pytest.raises(ZeroDivisionError):
        processes.last.say(Result(a_running_job.id))
    assert diary.finished == [a_running_job] and a_runner.current == second


def test_a_listener_that_has_left_hears_nothing(a_runner, processes, a_running_job):
    heard = []
    leave = a_runner.listen(RunnerEvents(on_state=heard.append))
    leave()
    processes.last.say(Result(a_running_job.id))
    assert heard == []
