from __future__ import annotations

import hashlib
import os

import pytest

from cancelling_token import CancellingToken
from PediatricAbdomenSegLib.engine.checksums import sha256_of_file
from PediatricAbdomenSegLib.engine.errors import Cancelled


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_000])
def test_the_hash_is_that_of_the_whole_content(tmp_path, size):
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sha256_of_file(path) == hashlib.sha256(content).hexdigest()


def test_a_changed_file_is_hashed_again_even_when_its_modification_time_is_put_back(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100)
    stat = path.stat()
    before = sha256_of_file(path)
    path.write_bytes(b"b" * 100)
    # The change time cannot be put back; one clock tick of the file system later it differs for certain.
    while path.stat().st_ctime_ns == stat.st_ctime_ns:
        path.write_bytes(b"b" * 100)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert sha256_of_file(path) != before


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of_file(tmp_path / "nothing")


def test_a_large_file_is_given_up_between_two_pieces_and_hashed_whole_the_next_time(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a" * 5_000_000)
    with pytest.raises(Cancelled):
        sha256_of_file(path, CancellingToken(at=3).raise_if_cancelled)
    assert sha256_of_file(path) == hashlib.sha256(b"a" * 5_000_000).hexdigest()
