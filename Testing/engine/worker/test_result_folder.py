"""The folder that is complete or absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.checksums import sha256_of_file
from PediatricAbdomenSegLib.engine.errors import ResourceError, UsageError
from PediatricAbdomenSegLib.engine.worker.result_folder import RESULT_FILES, edited_results, staged_results

ALL = len(RESULT_FILES)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg")}


def write_all(folder: Path, content: str) -> None:
    for name in RESULT_FILES:
        (folder / name).write_text(content)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_output_appears_only_when_the_block_has_ended(tmp_path):
    with staged_results(tmp_path / "out") as folder:
        write_all(folder, "new")
        assert not (tmp_path / "out").exists()
    assert contents(tmp_path / "out") == dict.fromkeys(RESULT_FILES, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_output_has_the_permissions_of_a_folder_made_the_usual_way(tmp_path):
    (tmp_path / "usual").mkdir()
    with staged_results(tmp_path / "out") as folder:
        write_all(folder, "new")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("good_moves", range(2 * len(RESULT_FILES)))
@pytest.mark.parametrize("kept", [{}, {"labels.nii.gz": "labels.edited-1.nii.gz"}])
def test_a_replacement_that_fails_midway_is_undone(tmp_path, good_moves, kept):
    out = tmp_path / "out"
    with staged_results(out) as folder:
        write_all(folder, "old")
    moves = []

    def move(source, target):
        moves.append(target)
        if len(moves) == good_moves + 1:
            raise PermissionError(13, "open in another program")
        os.replace(source, target)

    with pytest.raises(ResourceError, match="open in another program"), staged_results(out, move, kept) as folder:
        write_all(folder, "new")
    assert contents(out) == dict.fromkeys(RESULT_FILES, "old")


@pytest.mark.parametrize("made_meanwhile", [False, True])
def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path, made_meanwhile):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from PediatricAbdomenSegLib.engine.worker.result_folder import staged_results\n"
        "with staged_results(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'labels.nii.gz').write_text('half'); os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "out")], env=ENVIRONMENT, check=False)
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 1 and left[0].startswith(".out.partial-")
    if made_meanwhile:
        (tmp_path / "out").mkdir()
    with staged_results(tmp_path / "out") as folder:
        write_all(folder, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("good_moves", [0, 1, ALL - 2, ALL - 1, ALL, 2 * ALL - 2])
def test_a_result_whose_replacement_was_killed_midway_comes_back(tmp_path, good_moves):
    out = tmp_path / "out"
    with staged_results(out) as folder:
        write_all(folder, "old")
    (out / "rtstruct.dcm").unlink()  # the new result has one, the old one has not
    (out / "notes.txt").write_text("mine")
    old = contents(out)
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from PediatricAbdomenSegLib.engine.worker.result_folder import RESULT_FILES, edited_results, staged_results\n"
        "left = [int(sys.argv[2])]\n"
        "def move(source, target):\n"
        "    if not left[0]: os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))\n"
        "    left[0] -= 1; os.replace(source, target)\n"
        "with staged_results(Path(sys.argv[1]), move) as folder:\n"
        "    [(folder / name).write_text('new') for name in RESULT_FILES]\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(out), str(good_moves)], env=ENVIRONMENT, check=False)
    assert killed.returncode and list(out.glob(".partial-*")), "it was killed while it moved files"
    with pytest.raises(ResourceError), staged_results(out):
        raise ResourceError("the next run fails too")
    assert contents(out) == old


def test_a_correction_is_known_as_one_also_after_a_replacement_that_was_killed_midway(tmp_path):
    out = tmp_path / "out"
    with staged_results(out) as folder:
        write_all(folder, "old")
        digests = {name: sha256_of_file(folder / name) for name in RESULT_FILES if name != "result.json"}
        (folder / "result.json").write_text(json.dumps({"files": digests}))
    (out / "rtstruct.dcm").write_text("corrected by hand")
    script = (
        "import os, sys; from pathlib import Path\n"
        "from PediatricAbdomenSegLib.engine.worker.result_folder import staged_results\n"
        "def move(source, target):\n"
        "    os.replace(source, target); os._exit(9)\n"
        "with staged_results(Path(sys.argv[1]), move) as folder:\n"
        "    (folder / 'rtstruct.dcm').write_text('new')\n"
    )
    subprocess.run([sys.executable, "-c", script, str(out)], env=ENVIRONMENT, check=False)
    assert not (out / "result.json").exists(), "it was killed while it moved files"
    kept = edited_results(out)
    with staged_results(out, kept=kept) as folder:
        write_all(folder, "new")
    assert kept == {"rtstruct.dcm": "rtstruct.edited-1.dcm"}
    assert contents(out)["rtstruct.edited-1.dcm"] == "corrected by hand"


def test_a_result_that_was_complete_when_its_process_was_killed_stays(tmp_path):
    out = tmp_path / "out"
    with staged_results(out) as folder:
        write_all(folder, "old")
    script = (
        "import os, shutil, signal, sys; from pathlib import Path\n"
        "from PediatricAbdomenSegLib.engine.worker.result_folder import RESULT_FILES, edited_results, staged_results\n"
        "shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))\n"
        "with staged_results(Path(sys.argv[1])) as folder:\n"
        "    [(folder / name).write_text('new') for name in RESULT_FILES]\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(out)], env=ENVIRONMENT, check=False)
    assert killed.returncode and list(out.glob(".partial-*")), "it was killed before it removed the old files"
    with pytest.raises(ResourceError), staged_results(out):
        raise ResourceError("the next run fails")
    assert contents(out) == dict.fromkeys(RESULT_FILES, "new")


def test_what_a_running_process_is_writing_is_left_alone(tmp_path):
    with staged_results(tmp_path / "out") as first:
        write_all(first, "first")
        with staged_results(tmp_path / "out") as second:
            write_all(second, "second")
        assert first.exists()
    assert contents(tmp_path / "out") == dict.fromkeys(RESULT_FILES, "first")


@pytest.mark.parametrize("name", ["rtstruct.dcm", "labels.nii.gz"])
def test_files_of_others_with_the_names_of_results_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("drawn by hand")
    with pytest.raises(UsageError, match=f"holds {name} of something else"), staged_results(tmp_path):
        pass
    assert contents(tmp_path) == {name: "drawn by hand"}


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResourceError, match="cannot be written"), staged_results(tmp_path / "file" / "out"):
        pass


def test_a_name_with_pattern_characters_is_no_problem(tmp_path):
    with staged_results(tmp_path / "out [1] *") as folder:
        write_all(folder, "new")
    assert contents(tmp_path / "out [1] *") == dict.fromkeys(RESULT_FILES, "new")
