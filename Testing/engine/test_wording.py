"""Numbers in messages."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.wording import counted


@pytest.mark.parametrize(("number", "words"), [(0, "0 slices"), (1, "1 slice"), (2, "2 slices")])
def test_only_a_single_thing_is_named_without_an_s(number, words):
    assert counted(number, "slice") == words
