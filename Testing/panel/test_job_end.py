"""One message per way a worker can end."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.panel.worker_end import ProcessEnd, crash_error, start_error


@pytest.mark.parametrize(
    ("end", "platform", "message"),
    [
        (ProcessEnd(True, True, 9), "posix", "memory did not suffice"),
        (ProcessEnd(True, True, 11), "posix", "crashed with a memory fault"),
        (ProcessEnd(True, True, 15), "posix", "ended by signal 15"),
        (ProcessEnd(True, False, 7), "posix", "exit code 7"),
        (ProcessEnd(True, True, 0xC0000005 - 2**32), "nt", "crashed with a memory fault"),
        (ProcessEnd(True, True, 0xC0000017 - 2**32), "nt", "memory did not suffice"),
        (ProcessEnd(True, False, 1), "nt", "exit code 1"),
    ],
)
def test_a_crash_is_said_in_one_sentence_with_what_to_do(end, platform, message):
    error = crash_error(end, platform)
    assert message in error.message
    assert "again" in error.hint
    assert error.kind == "resource"


def test_an_interpreter_that_is_no_program_is_named_with_the_systems_reason():
    error = start_error(ProcessEnd(False, False, 0, "No such file or directory"), "/env/bin/python", "")
    assert error.message == "The interpreter /env/bin/python cannot be started: No such file or directory."
    assert "page Runtime" in error.hint


def test_a_worker_that_lacks_a_package_says_which():
    error = start_error(ProcessEnd(True, False, 1), "/env/bin/python", "ModuleNotFoundError: No module named 'numpy'")
    assert "No module named 'numpy'" in error.message


def test_a_worker_that_ends_without_a_word_is_named_with_its_exit_code():
    assert "exit code 3" in start_error(ProcessEnd(True, False, 3), "/env/bin/python", "").message
