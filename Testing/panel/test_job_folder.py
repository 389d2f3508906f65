"""Job folders lie where every program can read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.panel.jobs_folder import LONGEST, _private_temporary_folder, is_plain, jobs_folder

posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


def test_a_plain_data_folder_is_used_as_it_is():
    found = jobs_folder({}, "linux", Path("/home/mueller"))
    assert found == Path("/home/mueller/.local/share/PediatricAbdomenSeg/Jobs")


@posix_only
@pytest.mark.parametrize("home", ["/home/jörg", "/home/" + "a" * 250], ids=["umlaut", "250 characters"])
def test_a_user_with_a_difficult_home_gets_a_plain_folder(home):
    found = jobs_folder({}, "linux", Path(home))
    assert is_plain(found)
    assert found.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("path", "plain"),
    [("/a b/c", True), ("/a/ü", False), ("/" + "a" * LONGEST, False), ("/" + "a" * (LONGEST - 1), True)],
)
def test_plain_is_short_and_ascii(path, plain):
    assert is_plain(Path(path)) is plain


@posix_only
def test_a_temporary_folder_that_others_can_read_is_not_trusted(tmp_path):
    folder = tmp_path / f"PediatricAbdomenSeg-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o755)
    assert _private_temporary_folder(tmp_path) is None


@posix_only
def test_a_link_that_somebody_put_there_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / f"PediatricAbdomenSeg-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert _private_temporary_folder(tmp_path) is None
