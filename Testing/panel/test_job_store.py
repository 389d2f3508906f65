"""Job folders: nothing is lost, nothing piles up, nobody else can look in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError
from PediatricAbdomenSegLib.engine.worker.protocol import Segment
from PediatricAbdomenSegLib.panel.job_store import FINISHED, INTERRUPTED, RUNNING, UNCLAIMED, JobStore

REQUEST = Segment("", "", "", model="multi-organ", folds=("0",), organs=("liver", "spleen"))
CONTEXT = {"volume_node_id": "vtkMRMLScalarVolumeNode1"}
LIBRARY = Path(__file__).resolve().parents[2] / "PediatricAbdomenSeg"
posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


def write_volume(folder: Path) -> Path:
    (folder / "input.nrrd").write_bytes(b"voxels")
    return folder / "input.nrrd"


def write_result(job) -> None:
    job.result_folder.mkdir()
    (job.result_folder / "result.json").write_text('{"organs": []}')


@pytest.fixture
def a_store(tmp_path):
    """A store of the session that runs."""
    store = JobStore(tmp_path / "Jobs")
    yield store
    store.close()


@pytest.fixture
def an_earlier_store(tmp_path):
    """A store of a session that a test ends with ``close``."""
    return JobStore(tmp_path / "Jobs")


def test_a_job_gets_a_folder_of_its_own_with_the_volume_and_its_request(tmp_path):
    store = JobStore(tmp_path, now=lambda: datetime(2026, 11, 21, 0, 45, 12))
    job = store.create(REQUEST, CONTEXT, write_volume)
    store.close()
    assert job.id.startswith("261121-004512-") and job.folder == tmp_path / job.id
    assert job.request.id == job.id
    assert (job.request.input, job.request.output) == (str(job.folder / "input.nrrd"), str(job.result_folder))
    assert job.request.organs == ("liver", "spleen")
    assert json.loads((job.folder / "job.json").read_text())["state"] == "queued"


@posix_only
def test_nobody_else_can_read_the_images_of_a_job(a_store):
    job = a_store.create(REQUEST, CONTEXT, write_volume)
    assert a_store.folder.stat().st_mode & 0o077 == 0
    assert job.folder.stat().st_mode & 0o077 == 0


def test_a_volume_that_cannot_be_written_leaves_no_folder(a_store):
    def refuse(folder):
        (folder / "input.nrrd").write_bytes(b"half")
        raise InputError("no image", "load one")

    with pytest.raises(InputError):
        a_store.create(REQUEST, CONTEXT, refuse)
    assert [path.name for path in a_store.folder.iterdir()] == ["sessions"]


def test_a_full_disk_is_an_error_with_a_hint(a_store):
    def fill(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match="No space left"):
        a_store.create(REQUEST, CONTEXT, fill)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResourceError, match="file"):
        JobStore(tmp_path / "file" / "Jobs")


def test_a_result_that_was_finished_when_slicer_crashed_is_offered_with_all_that_is_needed(an_earlier_store, tmp_path):
    job = an_earlier_store.create(REQUEST, CONTEXT, write_volume)
    an_earlier_store.mark(job, RUNNING)
    write_result(job)
    an_earlier_store.close()
    (left,) = JobStore(tmp_path / "Jobs").unfinished_or_unclaimed()
    assert (left.job, left.state, left.record) == (job, UNCLAIMED, {"organs": []})


def test_a_job_that_was_not_finished_when_slicer_crashed_is_offered_to_be_run_again(an_earlier_store, tmp_path):
    job = an_earlier_store.create(REQUEST, CONTEXT, write_volume)
    an_earlier_store.mark(job, RUNNING)
    an_earlier_store.close()
    (left,) = JobStore(tmp_path / "Jobs").unfinished_or_unclaimed()
    assert (left.job.request, left.state, left.record) == (job.request, INTERRUPTED, None)


def test_a_result_of_this_session_that_nobody_took_is_offered_but_not_what_still_runs(a_store):
    running, finished = (a_store.create(REQUEST, CONTEXT, write_volume) for _ in range(2))
    for job in (running, finished):
        a_store.mark(job, RUNNING)
        write_result(job)
    a_store.mark(finished, FINISHED)
    assert [left.job.id for left in a_store.unfinished_or_unclaimed()] == [finished.id]


def test_jobs_of_another_slicer_that_still_runs_are_left_alone(an_earlier_store, a_store):
    job = an_earlier_store.create(REQUEST, CONTEXT, write_volume)
    write_result(job)
    an_earlier_store.mark(job, FINISHED)
    assert a_store.unfinished_or_unclaimed() == ()
    an_earlier_store.close()
    assert len(a_store.unfinished_or_unclaimed()) == 1


def test_a_session_that_was_killed_counts_as_ended(tmp_path):
    script = (
        "import os, pathlib, signal, sys\n"
        "from PediatricAbdomenSegLib.panel.job_store import JobStore\n"
        "from PediatricAbdomenSegLib.engine.worker.protocol import Segment\n"
        "store = JobStore(pathlib.Path(sys.argv[1]))\n"
        "def write(folder):\n"
        "    (folder / 'input.nrrd').write_bytes(b'x'); return folder / 'input.nrrd'\n"
        "store.create(Segment('', '', ''), {}, write)\n"
        "os._exit(9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, check=False)
    (left,) = JobStore(tmp_path).unfinished_or_unclaimed()
    assert left.state == INTERRUPTED


def test_a_job_that_is_taken_over_belongs_to_the_session_that_took_it(an_earlier_store, a_store):
    job = an_earlier_store.create(REQUEST, CONTEXT, write_volume)
    an_earlier_store.close()
    (left,) = a_store.unfinished_or_unclaimed()
    a_store.mark(left.job, RUNNING)
    assert a_store.unfinished_or_unclaimed() == ()
    assert left.job.id == job.id


def test_a_discarded_job_leaves_nothing(a_store):
    job = a_store.create(REQUEST, CONTEXT, write_volume)
    a_store.discard(job)
    a_store.discard(job)
    assert not job.folder.exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"schema_version": 1}', '{"schema_version": 9, "session": "x", "state": "queued"}'],
)
def test_a_folder_that_is_no_job_of_ours_is_passed_over(a_store, content):
    (a_store.folder / "strange").mkdir()
    (a_store.folder / "strange" / "job.json").write_text(content)
    assert a_store.unfinished_or_unclaimed() == ()


def test_a_job_whose_options_a_newer_version_wrote_is_passed_over(an_earlier_store, a_store):
    job = an_earlier_store.create(REQUEST, CONTEXT, write_volume)
    an_earlier_store.close()
    content = json.loads((job.folder / "job.json").read_text())
    content["request"]["colour"] = "red"
    (job.folder / "job.json").write_text(json.dumps(content))
    assert a_store.unfinished_or_unclaimed() == ()


def test_a_job_whose_files_are_gone_is_removed(an_earlier_store, a_store):
    job = an_earlier_store.create(REQUEST, CONTEXT, write_volume)
    an_earlier_store.close()
    (job.folder / "input.nrrd").unlink()
    assert a_store.unfinished_or_unclaimed() == () and not job.folder.exists()


def test_half_a_volume_of_a_slicer_that_crashed_while_writing_is_removed(tmp_path):
    script = (
        "import os, pathlib, sys\n"
        "from PediatricAbdomenSegLib.panel.job_store import JobStore\n"
        "from PediatricAbdomenSegLib.engine.worker.protocol import Segment\n"
        "def write(folder):\n"
        "    (folder / 'input.nrrd').write_bytes(b'half'); os._exit(9)\n"
        "JobStore(pathlib.Path(sys.argv[1])).create(Segment('', '', ''), {}, write)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, check=False)
    assert list(tmp_path.glob("*/input.nrrd")) != []
    assert JobStore(tmp_path).unfinished_or_unclaimed() == ()
    assert list(tmp_path.glob("*/input.nrrd")) == []


def test_old_locks_of_killed_sessions_are_removed_and_those_of_living_ones_kept(tmp_path, an_earlier_store):
    sessions = an_earlier_store.folder / "sessions"
    (living,) = sessions.iterdir()
    dead = sessions / "dead.lock"
    dead.touch()
    for path in (living, dead):
        os.utime(path, (0, 0))
    JobStore(an_earlier_store.folder).close()
    assert list(sessions.iterdir()) == [living]


@pytest.fixture
def an_open_input(monkeypatch):
    """Windows' refusal to remove a file that another program has open; call it to close the file."""
    unlink, is_open = Path.unlink, [True]  # emptied when it is closed

    def refuse(path, *arguments, **options):
        if is_open and path.name == "input.nrrd":
            raise PermissionError(13, "being used by another process")
        unlink(path, *arguments, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    return is_open.clear


@pytest.mark.parametrize("with_result", [False, True])
def test_a_discarded_job_that_another_program_has_open_is_never_offered_and_goes_later(
    a_store, an_open_input, with_result
):
    job = a_store.create(REQUEST, CONTEXT, write_volume)
    if with_result:
        write_result(job)
    with pytest.raises(ResourceError, match="cannot be removed"):
        a_store.discard(job)
    assert a_store.unfinished_or_unclaimed() == () and (job.folder / "input.nrrd").exists()
    an_open_input()
    assert a_store.unfinished_or_unclaimed() == () and not job.folder.exists()


def test_a_full_disk_does_not_keep_a_job_from_being_discarded(a_store, monkeypatch):
    job = a_store.create(REQUEST, CONTEXT, write_volume)

    def refuse(*_):
        raise ResourceError("No space left")

    monkeypatch.setattr(a_store, "mark", refuse)
    a_store.discard(job)
    assert not job.folder.exists()


@posix_only
def test_nobody_else_can_read_a_private_folder(a_store):
    assert a_store.private_folder("export").stat().st_mode & 0o077 == 0


def test_private_folders_of_sessions_that_were_killed_go_and_those_of_living_ones_stay(tmp_path, a_store):
    script = (
        "import os, pathlib, sys\n"
        "from PediatricAbdomenSegLib.panel.job_store import JobStore\n"
        "folder = JobStore(pathlib.Path(sys.argv[1])).private_folder('export')\n"
        "(folder / 'ct.dcm').write_bytes(b'name of a patient'); os._exit(9)\n"
    )
    living = a_store.private_folder("rating")
    (living / "image.nrrd").write_bytes(b"voxels")
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    subprocess.run([sys.executable, "-c", script, str(a_store.folder)], env=environment, check=False)
    assert len(list(a_store.folder.glob("*/ct.dcm"))) == 1
    JobStore(a_store.folder).close()
    assert list(a_store.folder.glob("*/ct.dcm")) == [] and (living / "image.nrrd").exists()


def test_what_lies_in_private_folders_goes_when_slicer_quits_but_jobs_stay(tmp_path):
    store = JobStore(tmp_path)
    folder, job = store.private_folder("export"), store.create(REQUEST, CONTEXT, write_volume)
    store.close()
    assert not folder.exists() and job.folder.exists()
