"""Files that are complete or absent."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.cases.atomic_file import as_resource_error, move_patiently, replaced_when_complete
from PediatricAbdomenSegLib.engine.errors import UsageError

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"
WRITE_AND_DIE = (
    "import os, sys; from pathlib import Path\n"
    "from PediatricAbdomenSegLib.engine.cases.atomic_file import replaced_when_complete\n"
    "with replaced_when_complete(Path(sys.argv[1])) as temporary:\n"
    "    temporary.write_text('half of a patient'); os._exit(9)\n"
)


def windows_error(code: int) -> OSError:
    """What Windows raises; elsewhere an OSError has no such code."""
    error = PermissionError(errno.EACCES, "The process cannot access the file")
    error.winerror = code
    return error


class Replacing:
    """`os.replace` of a disk where the first attempts fail."""

    def __init__(self, *errors: OSError) -> None:
        self.errors, self.done, self.pauses_s = list(errors), False, []

    def __call__(self, source: Path, target: Path) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.done = True


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "result.nii.gz"
    with replaced_when_complete(target) as temporary:
        temporary.write_text("half")
        assert not target.exists() and temporary.name.endswith(".nii.gz")
        temporary.write_text("whole")
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [("result.nii.gz", "whole")]


def test_a_failure_keeps_the_earlier_file_and_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "result.txt").write_text("earlier")
    with pytest.raises(KeyError), replaced_when_complete(tmp_path / "result.txt") as temporary:
        temporary.write_text("half")
        raise KeyError("any")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("result.txt", "earlier")]


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "results").mkdir()
    with pytest.raises(UsageError, match="results is a folder"), replaced_when_complete(tmp_path / "results"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_what_a_killed_process_left_goes_with_the_next_file_in_that_folder(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    command = [sys.executable, "-c", WRITE_AND_DIE, str(tmp_path / "rtstruct.dcm")]
    subprocess.run(command, env=environment, check=False)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".") and left.read_text() == "half of a patient"
    (tmp_path / ".0a1b2c3d-1-0a1b2c3d-rtstruct.dcm").write_text("of another machine")
    (tmp_path / ".hidden-rtstruct.dcm").write_text("of another program")
    with replaced_when_complete(tmp_path / "other.txt") as temporary:
        temporary.write_text("whole")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"other.txt", ".0a1b2c3d-1-0a1b2c3d-rtstruct.dcm", ".hidden-rtstruct.dcm"}


def test_what_a_running_process_writes_is_left_alone_by_another_write_into_the_folder(tmp_path):
    with replaced_when_complete(tmp_path / "a.txt") as first:
        first.write_text("first")
        with replaced_when_complete(tmp_path / "b.txt") as second:
            second.write_text("second")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "first", "b.txt": "second"}


def test_a_file_whose_name_is_as_long_as_names_can_be_is_written(tmp_path):
    target = tmp_path / ("n" * 248 + ".nii.gz")
    with replaced_when_complete(target) as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_text("whole")
    assert target.read_text() == "whole"


@pytest.mark.parametrize("code", [5, 32])
def test_a_file_that_a_virus_scanner_holds_for_a_moment_is_replaced_nevertheless(code):
    replacing = Replacing(windows_error(code), windows_error(code))
    move_patiently(Path("new"), Path("old"), replacing, replacing.pauses_s.append)
    assert replacing.done and len(replacing.pauses_s) == 2


def test_a_file_that_stays_open_in_another_program_is_said_so_with_what_to_do():
    replacing = Replacing(*[windows_error(32)] * 99)
    with pytest.raises(OSError) as caught:
        move_patiently(Path("new"), Path("old"), replacing, replacing.pauses_s.append)
    assert not replacing.done and 0 < sum(replacing.pauses_s) < 5
    assert "close that" in as_resource_error(caught.value, Path("old")).hint


def test_an_error_that_waiting_does_not_heal_is_told_at_once():
    replacing = Replacing(PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(PermissionError):
        move_patiently(Path("new"), Path("old"), replacing, replacing.pauses_s.append)
    assert replacing.pauses_s == []


def test_a_reason_that_a_library_has_wrapped_in_an_error_of_its_own_is_still_told():
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise OSError("With tag (7FE0,0010) got exception: ZZPATIENT") from error
    except OSError as error:
        told = as_resource_error(error, Path("rtstruct.dcm"))
    assert told.message == "No space left to write rtstruct.dcm: No space left on device." and "Free" in told.hint
