"""Errors say what happened and what to do, and map to exit codes."""

from __future__ import annotations

import pickle

import pytest

from PediatricAbdomenSegLib.engine.errors import (
    Cancelled,
    InputError,
    ModelError,
    PediatricAbdomenSegError,
    ResourceError,
    UsageError,
)

EXIT_CODES = [(UsageError, 2), (InputError, 3), (ModelError, 4), (ResourceError, 5), (Cancelled, 130)]


@pytest.mark.parametrize(("kind", "code"), EXIT_CODES)
def test_each_kind_of_error_has_the_documented_exit_code(kind, code):
    assert kind("something").exit_code == code
    assert issubclass(kind, PediatricAbdomenSegError)


def test_the_kinds_are_distinct_words():
    assert len({kind.kind for kind, _ in EXIT_CODES}) == len(EXIT_CODES)


def test_the_text_of_an_error_is_its_message_followed_by_its_hint():
    assert str(InputError("The file is empty.", "Copy it again.")) == "The file is empty. Copy it again."
    assert str(InputError("The file is empty.")) == "The file is empty."


def test_an_error_keeps_message_and_hint_when_it_crosses_a_process():
    error = pickle.loads(pickle.dumps(ModelError("weights.safetensors differs.", "Reinstall the bundle.")))
    assert type(error) is ModelError
    assert (error.message, error.hint) == ("weights.safetensors differs.", "Reinstall the bundle.")


def test_a_cancelled_run_says_that_nothing_was_written():
    assert "nothing was written" in str(Cancelled())
