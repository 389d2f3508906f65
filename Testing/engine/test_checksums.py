from __future__ import annotations

import hashlib
import os

import pytest

from PediatricAbdomenSegLib.engine.checksums import sha256_of_file


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
