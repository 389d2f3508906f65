"""The runner with real processes on Qt's event loop: the fake worker, and the real one once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from panel.diary import Diary
from PediatricAbdomenSegLib.engine.worker.protocol import Hardware, Segment
from PediatricAbdomenSegLib.engine.writer_mark import is_alive

FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals and /proc")


def has_ended(pid: int) -> bool:
    """Gone, or a zombie that a container's init does not reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return not is_alive(pid)


@pytest.fixture
def start_runner(slicer_host, tmp_path):
    """Makes a runner whose worker is the fake one in a scenario, or a command."""
    from PediatricAbdomenSegLib.panel.job_runner import JobRunner
    from PediatricAbdomenSegLib.panel.job_store import JobStore
    from PediatricAbdomenSegLib.panel.toolkit import Timer, startup_environment
    from PediatricAbdomenSegLib.panel.worker_process import QtProcess, outside_slicer

    runners = []

    def start(scenario="success", *arguments, command=None, folder=tmp_path / "Jobs"):
        command = command or [sys.executable, "-I", "-u", str(FAKE_WORKER), scenario, *arguments]
        store = JobStore(folder)
        runner = JobRunner(lambda: QtProcess(command, outside_slicer(startup_environment())), store, Timer)
        runners.append(runner)
        return runner, Diary(runner)

    yield start
    for runner in runners:
        runner.shutdown()


@pytest.fixture
def new_job(tmp_path):
    """Makes a job of a tiny CT in a runner's store."""
    import numpy as np

    from PediatricAbdomenSegLib.engine.cases.image_file import write_volume
    from PediatricAbdomenSegLib.engine.cases.volume import Volume
    from PediatricAbdomenSegLib.engine.geometry import Geometry

    def make(runner, model="multi-organ", **options):
        def write(folder):
            array = np.full((8, 24, 24), -1000, np.int16)
            write_volume(Volume(array, Geometry(array.shape, np.diag([-3.0, -3.0, 5.0, 1.0]))), folder / "input.nrrd")
            return folder / "input.nrrd"

        return runner.store.create(Segment("", "", "", model=model, **options), {}, write)

    return make


def test_a_volume_goes_through_the_worker_and_comes_back_as_labels(start_runner, new_job, process_events):
    from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map

    runner, diary = start_runner("progress", "--seconds", "0.3")
    runner.submit(new_job(runner, organs=("liver", "spleen")))
    process_events(until=lambda: diary.results)
    ((job, record),) = diary.results
    assert [organ["key"] for organ in record["organs"]] == ["liver", "spleen"]
    assert set(read_label_map(job.result_folder / "labels.nii.gz").array.ravel()) == {0, 1, 6}
    assert diary.states == ["starting", "running", "idle"]
    fractions = [event.fraction for _, event in diary.progress]
    assert len(fractions) > 3 and fractions == sorted(fractions)


def test_several_volumes_run_one_after_another_in_one_process(start_runner, new_job, process_events):
    runner, diary = start_runner()
    jobs = [new_job(runner) for _ in range(3)]
    for job in jobs:
        runner.submit(job)
    process_events(until=lambda: len(diary.results) == 3)
    assert diary.finished == jobs
    assert sum("worker: starting" in line for line in runner.log) == 1


@posix_only
@pytest.mark.parametrize(
    ("scenario", "message"),
    [("crash", "memory fault"), ("kill", "memory did not suffice"), ("exit", "exit code 7"), ("garbage", "JSON")],
)
def test_a_worker_that_dies_is_one_message_and_the_next_volume_gets_a_new_one(
    start_runner, new_job, process_events, scenario, message
):
    runner, diary = start_runner()
    runner.submit(new_job(runner, f"fake:{scenario}"))
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.results)
    (error,) = diary.errors
    assert message in error.message
    assert runner.state == "idle"


def test_an_error_of_the_worker_arrives_with_its_hint(start_runner, new_job, process_events):
    runner, diary = start_runner("fail")
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.failures)
    assert (diary.errors[0].message, diary.errors[0].hint) == ("There is one slice.", "Choose another series.")


@pytest.mark.parametrize("scenario", ["hang", "deaf"])
def test_cancel_ends_a_job_whether_the_worker_listens_or_not(
    start_runner, new_job, process_events, scenario, monkeypatch
):
    from PediatricAbdomenSegLib.panel import worker_link

    monkeypatch.setattr(worker_link, "CANCEL_LIMIT_S", 0.2)
    runner, diary = start_runner(scenario)
    job = new_job(runner)
    runner.submit(job)
    process_events(until=lambda: diary.progress)
    runner.cancel()
    process_events(until=lambda: diary.cancelled)
    assert diary.states[-2:] == ["cancelling", "idle"] and not job.folder.exists()
    assert diary.failures == []


@posix_only
def test_a_worker_that_ignores_everything_is_killed_with_what_it_started(
    start_runner, new_job, process_events, monkeypatch
):
    from PediatricAbdomenSegLib.panel import worker_life, worker_link

    monkeypatch.setattr(worker_link, "CANCEL_LIMIT_S", 0.2)
    monkeypatch.setattr(worker_life, "TERMINATE_LIMIT_S", 0.2)
    runner, diary = start_runner("stubborn")
    runner.submit(new_job(runner))
    process_events(until=lambda: any(line.startswith("child ") for line in runner.log))
    child = next(int(line.split()[1]) for line in runner.log if line.startswith("child "))
    assert is_alive(child)
    runner.cancel()
    process_events(until=lambda: diary.cancelled and has_ended(child))


@posix_only
def test_quitting_during_a_run_kills_the_whole_tree_and_keeps_the_job(
    start_runner, new_job, process_events, monkeypatch
):
    from PediatricAbdomenSegLib.panel import worker_life
    from PediatricAbdomenSegLib.panel.job_store import INTERRUPTED, JobStore

    monkeypatch.setattr(worker_life, "CLOSE_LIMIT_S", 0.2)
    runner, _ = start_runner("stubborn")
    runner.submit(new_job(runner))
    process_events(until=lambda: any(line.startswith("child ") for line in runner.log))
    child = next(int(line.split()[1]) for line in runner.log if line.startswith("child "))
    runner.shutdown()
    process_events(until=lambda: has_ended(child))
    assert [left.state for left in JobStore(runner.store.folder).unfinished_or_unclaimed()] == [INTERRUPTED]


def test_a_worker_of_another_protocol_version_is_refused_with_what_to_do(start_runner, new_job, process_events):
    runner, diary = start_runner("version")
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.failures)
    assert "protocol 99" in diary.errors[0].message and "Update" in diary.errors[0].hint


def test_a_worker_that_knows_only_an_older_protocol_says_so(start_runner, new_job, process_events):
    runner, diary = start_runner("old")
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.failures)
    assert "only up to 1" in diary.errors[0].message


def test_a_worker_that_cannot_start_says_what_it_lacks(start_runner, new_job, process_events):
    runner, diary = start_runner("broken")
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.failures)
    assert "No module named 'numpy'" in diary.errors[0].message


def test_an_interpreter_that_is_no_program_is_named(start_runner, new_job, process_events, tmp_path):
    runner, diary = start_runner(command=[str(tmp_path / "python"), "-I"])
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.failures)
    assert str(tmp_path / "python") in diary.errors[0].message and runner.state == "failed"


def test_a_worker_that_never_becomes_ready_is_given_up(start_runner, new_job, process_events, monkeypatch):
    from PediatricAbdomenSegLib.panel import worker_life

    monkeypatch.setattr(worker_life, "START_LIMIT_S", 0.3)
    runner, diary = start_runner("silent")
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.failures)
    assert "did not become ready" in diary.errors[0].message


def test_what_an_activation_script_prints_does_no_harm(start_runner, new_job, process_events):
    runner, diary = start_runner("babble")
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.results)
    assert diary.failures == []


@pytest.mark.parametrize("name", ["Jörg Ünal 日本", "d" * 120 + "/" + "e" * 120], ids=["umlauts", "250 characters"])
def test_a_difficult_path_for_the_jobs_works(start_runner, new_job, process_events, tmp_path, name):
    runner, diary = start_runner(folder=tmp_path / name)
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.results)
    assert (diary.results[0][0].result_folder / "result.json").is_file()


@posix_only
def test_an_interpreter_in_a_folder_with_spaces_and_umlauts_works(start_runner, new_job, process_events, tmp_path):
    (tmp_path / "Jörgs Umgebung").mkdir()
    python = tmp_path / "Jörgs Umgebung" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    runner, diary = start_runner(command=[str(python), "-I", "-u", str(FAKE_WORKER)])
    runner.submit(new_job(runner))
    process_events(until=lambda: diary.results)
    assert diary.failures == []


@pytest.mark.parametrize(("scenario", "good"), [("success", True), ("broken", False), ("version", False)])
def test_an_interpreter_is_tried_with_a_worker_of_its_own(slicer_host, process_events, scenario, good):
    from PediatricAbdomenSegLib.panel.runtime_settings import check_interpreter
    from PediatricAbdomenSegLib.panel.toolkit import Timer, startup_environment
    from PediatricAbdomenSegLib.panel.worker_process import QtProcess

    def make_process(python):
        return QtProcess([python, "-I", "-u", str(FAKE_WORKER), scenario], startup_environment())

    found, problems = [], []
    check_interpreter(Path(sys.executable), make_process, Timer, found.append, problems.append)
    process_events(until=lambda: found or problems)
    assert (len(found), len(problems)) == ((1, 0) if good else (0, 1))
    assert all(hardware.executable == sys.executable for hardware in found)


def test_slicers_python_variables_do_not_reach_the_worker(slicer_host):
    from PediatricAbdomenSegLib.panel.worker_process import outside_slicer

    environment = {"PYTHONHOME": "/slicer", "PythonPath": "/x", "SSL_CERT_FILE": "/x.pem", "PATH": "/bin", "LANG": "C"}
    assert outside_slicer(environment) == {"PATH": "/bin", "LANG": "C"}


def test_a_timer_calls_once_and_a_cancelled_one_never(slicer_host, process_events):
    from PediatricAbdomenSegLib.panel.toolkit import Timer

    calls = []
    Timer(0.0, lambda: calls.append("due"), slicer_host.app)
    Timer(0.0, lambda: calls.append("cancelled"), slicer_host.app).cancel()
    process_events(until=lambda: calls)
    process_events()
    assert calls == ["due"]


def test_settings_are_text_and_an_empty_one_is_forgotten(slicer_host):
    from PediatricAbdomenSegLib.panel.toolkit import read_setting, write_setting

    assert read_setting("Key") == ""
    write_setting("Key", "/pfad/ü")
    assert read_setting("Key") == "/pfad/ü"
    write_setting("Key", "")
    assert read_setting("Key", "default") == "default"


@pytest.mark.slow
def test_the_real_worker_started_as_slicer_starts_it_describes_its_machine_and_segments(
    slicer_host, process_events, tmp_path
):
    import toy_bundle
    from PediatricAbdomenSegLib.engine.cases.image_file import write_volume
    from PediatricAbdomenSegLib.engine.runtime.hardware import hardware_from_json
    from PediatricAbdomenSegLib.panel.job_runner import JobRunner
    from PediatricAbdomenSegLib.panel.job_store import JobStore
    from PediatricAbdomenSegLib.panel.runtime_settings import RuntimeSettings
    from PediatricAbdomenSegLib.panel.toolkit import Timer, read_setting, write_setting
    from PediatricAbdomenSegLib.panel.worker_process import slicer_worker_process

    plans = toy_bundle.make_plans(3, toy_bundle.MODEL_SPACING_MM)
    bundle = toy_bundle.write_bundle(
        tmp_path / "toy", plans, {"0": toy_bundle.train_weights(tmp_path / "training", plans, steps=4)}
    )
    volume, _ = toy_bundle.make_child()

    def write(folder):
        write_volume(volume, folder / "input.nrrd")
        return folder / "input.nrrd"

    settings = RuntimeSettings(read_setting, write_setting)
    settings.remember(Path(sys.executable))
    runner = JobRunner(lambda: settings.process(slicer_worker_process), JobStore(tmp_path / "Jobs"), Timer)
    try:
        diary, answers = Diary(runner), []
        runner.ask(Hardware(""), answers.append, answers.append)
        runner.submit(runner.store.create(Segment("", "", "", model=str(bundle.folder), device="cpu"), {}, write))
        process_events(until=lambda: diary.results or diary.failures, timeout_s=300)
    finally:
        runner.shutdown()
    assert diary.failures == []
    assert hardware_from_json(answers[0]).device("auto").gflops > 0
    assert (diary.results[0][0].result_folder / "labels.nii.gz").is_file()
    assert {event.stage for _, event in diary.progress} >= {"network", "write"}
