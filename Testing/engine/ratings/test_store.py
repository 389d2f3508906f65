"""No confirmed score is lost and no file becomes unreadable, whatever happens to the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError
from PediatricAbdomenSegLib.engine.ratings.record import new_record, record_to_line
from PediatricAbdomenSegLib.engine.ratings.store import (
    RatingStore,
    machine_token,
    rating_files,
    rating_path,
    read_rating_file,
    read_ratings,
)
from PediatricAbdomenSegLib.engine.ratings.writer_lock import note_path
from rating_builder import a_study_of

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")


def a_record(organ: str = "liver", study_id: str = "s", **values):
    return new_record(
        **{
            "study_id": study_id,
            "case": "C01",
            "source_token": "t",
            "organ": organ,
            "rater": "RO-1",
            "score": 4,
            **values,
        }
    )


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "ratings" / "r-m.jsonl"


def test_records_are_there_after_reopening(path):
    first, second = a_record(), a_record("spleen")
    with RatingStore(path, "s") as store:
        store.append(first)
        store.append(second)
        assert store.records == (first, second)
    assert read_rating_file(path).records == (first, second)
    with RatingStore(path, "s") as store:
        assert store.records == (first, second)
    assert not note_path(path).exists()


def test_a_record_is_on_the_disk_before_append_returns(path, monkeypatch):
    synchronised = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synchronised.append(path.stat().st_size), fsync(descriptor)))
    with RatingStore(path, "s") as store:
        synchronised.clear()
        store.append(a_record())
    assert synchronised == [path.stat().st_size]


def test_a_record_that_is_there_is_not_written_twice(path):
    record = a_record()
    with RatingStore(path, "s") as store:
        store.append(record)
        store.append(record, a_record("spleen"))
    assert len(path.read_bytes().splitlines()) == 2


def test_a_file_cut_anywhere_keeps_every_whole_line_and_takes_new_ones(path):
    records = [a_record(organ, comment="é" * 3) for organ in ("liver", "spleen", "heart")]
    lines = [record_to_line(record) for record in records]
    whole = b"".join(lines)
    ends = [sum(map(len, lines[: count + 1])) for count in range(3)]
    path.parent.mkdir()
    near_an_end = {min(max(end + offset, 0), len(whole)) for end in (0, *ends) for offset in range(-3, 4)}
    for cut in sorted(near_an_end | set(range(0, len(whole), 37))):
        path.write_bytes(whole[:cut])
        kept = [record for record, end in zip(records, ends, strict=True) if end <= cut]
        complete_without_end = [record for record, end in zip(records, ends, strict=True) if end - 1 == cut]
        assert list(read_rating_file(path).records) == kept
        last = a_record("pancreas")
        with RatingStore(path, "s") as store:
            store.append(last)
        assert path.read_bytes().startswith(whole[:cut])
        content = read_rating_file(path)
        assert list(content.records) == [*kept, *complete_without_end, last]
        assert content.problems == ()


def test_a_repair_that_was_itself_cut_short_loses_nothing(path):
    record = a_record()
    path.parent.mkdir()
    path.write_bytes(record_to_line(record) + b'{"schema_vers\n{"torn_by')
    with RatingStore(path, "s") as store:
        store.append(a_record("spleen"))
    assert [each.organ for each in read_rating_file(path).records] == ["liver", "spleen"]


def test_zeros_after_a_power_cut_are_a_remnant(path):
    path.parent.mkdir()
    path.write_bytes(record_to_line(a_record()) + b"\0" * 300)
    with RatingStore(path, "s") as store:
        store.append(a_record("spleen"))
    content = read_rating_file(path)
    assert [each.organ for each in content.records] == ["liver", "spleen"]
    assert content.problems == ()


def test_a_damaged_line_is_named_and_the_others_are_read(path):
    path.parent.mkdir()
    bad_score = {**json.loads(record_to_line(a_record())), "score": 6}
    path.write_bytes(
        record_to_line(a_record())
        + b'{"broken\n'
        + json.dumps(bad_score).encode()
        + b"\n\xff\xfe\n[1]\n"
        + record_to_line(a_record("spleen"))
    )
    before = path.read_bytes()
    content = read_rating_file(path)
    assert [each.organ for each in content.records] == ["liver", "spleen"]
    assert sorted(each.split(":")[0].split(" is")[0] for each in content.problems) == [
        f"r-m.jsonl, line {number}" for number in (2, 3, 4, 5)
    ]
    with RatingStore(path, "s") as store:
        assert len(store.problems) == 4
    assert path.read_bytes() == before


def test_lines_of_a_later_version_stay_as_they_are(path):
    later = {**json.loads(record_to_line(a_record())), "schema_version": 9, "heat_map": [1, 2]}
    path.parent.mkdir()
    path.write_bytes(json.dumps(later).encode() + b"\n")
    with RatingStore(path, "s") as store:
        store.append(a_record("spleen"))
    assert json.loads(path.read_bytes().splitlines()[0]) == later


def test_scores_of_another_study_are_refused_naming_both(path):
    with RatingStore(path, "first") as store:
        store.append(a_record(study_id="first"))
        with pytest.raises(InputError, match="second.*first"):
            store.append(a_record(study_id="second"))
    with pytest.raises(InputError, match="first.*second"):
        RatingStore(path, "second")
    assert len(read_rating_file(path).records) == 1


HOLD = """
import sys
from pathlib import Path
from PediatricAbdomenSegLib.engine.ratings.store import RatingStore
store = RatingStore(Path(sys.argv[1]), "s")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def a_holder(path):
    """A process that has the file open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_program_is_told_who_writes_the_file(path, a_holder):
    with pytest.raises(ResourceError) as caught:
        RatingStore(path, "s")
    assert f"process {a_holder.pid}" in caught.value.message and path.name in caught.value.message
    assert read_rating_file(path).records == ()  # reading is free


def test_the_lock_of_a_killed_program_is_gone(path, a_holder):
    a_holder.kill()
    a_holder.wait()
    assert note_path(path).exists()  # what it left behind
    with RatingStore(path, "s") as store:
        store.append(a_record())
    assert len(read_rating_file(path).records) == 1


def test_the_same_program_cannot_open_a_file_twice(path):
    with RatingStore(path, "s"), pytest.raises(ResourceError, match=f"process {os.getpid()}"):
        RatingStore(path, "s")
    RatingStore(path, "s").close()


@posix
def test_on_a_disk_without_locks_the_note_counts_while_its_process_lives(path, a_holder, monkeypatch):
    import errno
    import fcntl

    def no_locks(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(ResourceError, match=f"process {a_holder.pid}"):
        RatingStore(path, "s")
    a_holder.kill()
    a_holder.wait()
    with RatingStore(path, "s") as store:
        store.append(a_record())


@posix
def test_a_full_disk_leaves_the_file_as_it_was_and_the_score_unsaved(path):
    """In a process of its own, whose files may not grow past a limit: to a writer that looks like a full disk."""
    with RatingStore(path, "s") as store:
        store.append(a_record())
    before = path.read_bytes()
    script = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        from PediatricAbdomenSegLib.engine.errors import ResourceError
        from PediatricAbdomenSegLib.engine.ratings.record import new_record
        from PediatricAbdomenSegLib.engine.ratings.store import RatingStore
        path = Path(sys.argv[1])
        def a_record(organ):
            return new_record(study_id="s", case="C01", source_token="t", organ=organ, rater="RO-1", score=4)
        with RatingStore(path, "s") as store:
            size = path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
            try:
                store.append(a_record("spleen"))
            except ResourceError as error:
                print(error.message, error.hint)
            print(path.stat().st_size - size, len(store.records))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            store.append(a_record("heart"))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=True,
    )
    message, after = done.stdout.splitlines()
    assert "not saved" in message and "No space left" in message and "pedseg ratings merge" in message
    assert after == "0 1"
    assert path.read_bytes().startswith(before)
    assert [each.organ for each in read_rating_file(path).records] == ["liver", "heart"]


def test_a_write_that_is_interrupted_is_taken_back_before_the_next_one(path, monkeypatch):
    write = os.write

    def half(descriptor, content):
        write(descriptor, content[: len(content) // 2])
        raise KeyboardInterrupt

    with RatingStore(path, "s") as store:
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(KeyboardInterrupt):
            store.append(a_record())
        monkeypatch.undo()
        store.append(a_record("spleen"))
    assert [each.organ for each in read_rating_file(path).records] == ["spleen"]
    assert b"torn" not in path.read_bytes()


@posix
def test_a_file_that_was_replaced_under_us_does_not_swallow_scores(path):
    with RatingStore(path, "s") as store:
        store.append(a_record())
        copy = path.with_suffix(".copy")
        copy.write_bytes(path.read_bytes())
        os.replace(copy, path)  # as programs that synchronise folders do
        with pytest.raises(ResourceError, match="replaced"):
            store.append(a_record("spleen"))
        path.unlink()
        with pytest.raises(ResourceError, match="not saved"):
            store.append(a_record("spleen"))


@posix
def test_a_folder_without_write_permission_is_named(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:  # root may write anywhere: go on as nobody for as long as it takes
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(ResourceError, match=r"r-m.jsonl cannot be written: Permission denied"):
            RatingStore(locked / "r-m.jsonl", "s")
    finally:
        if is_root:
            os.seteuid(0)


def test_the_names_of_files_are_the_same_each_time_and_differ_by_machine(tmp_path):
    assert machine_token() == machine_token()
    assert rating_path(tmp_path, "r", "one") != rating_path(tmp_path, "r", "two")


def test_the_store_loads_nothing_heavy():
    script = (
        "import sys, PediatricAbdomenSegLib.engine.ratings.score_book\n"
        "print(sorted({'numpy', 'SimpleITK', 'pydicom'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_files_of_scores_are_found_in_a_study_and_in_its_folder_of_scores(path):
    with RatingStore(path, "s") as store:
        store.append(a_record())
    assert rating_files(path.parent.parent) == rating_files(path.parent) == (path,)


def test_a_rater_whom_the_study_spells_in_another_way_is_named_when_scores_are_read(path):
    study = a_study_of(("liver",), raters=("ro-1",))
    with RatingStore(path, study.id) as store:
        store.append(a_record(study_id=study.id))
    with pytest.raises(InputError, match='"ro-1"'):
        read_ratings(path.parent.parent, study)
