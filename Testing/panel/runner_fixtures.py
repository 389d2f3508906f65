"""Fixtures: a runner whose worker and clock are moved by hand."""

from __future__ import annotations

import pytest

from panel.diary import Diary
from panel.scripted_worker import ScriptedClock, ScriptedProcesses
from PediatricAbdomenSegLib.engine.worker.protocol import Segment
from PediatricAbdomenSegLib.panel.job_runner import JobRunner
from PediatricAbdomenSegLib.panel.job_store import JobStore


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
