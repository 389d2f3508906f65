from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.ratings.raters import check_spelling, rater_token, same_person


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Anna Berg", "anna berg"),
        ("Anna Berg", "Anna  Berg "),
        ("Łukasz Ångström", "lukasz angstrom"),
        ("Müller", "Mu\u0308ller"),
        ("RO-1", "ro 1"),
        ("A. Berg", "A Berg"),
        ("Großmann", "GROSSMANN"),
    ],
)
def test_spellings_of_one_name_are_one_person_and_one_file(name, other):
    assert same_person(name, other)
    assert rater_token("s", name) == rater_token("s", other)
    with pytest.raises(InputError) as caught:
        check_spelling(other, [name], "x.jsonl")
    assert f'"{name}"' in caught.value.message and f'"{other}"' in caught.value.message


def test_different_names_are_different_people():
    assert not same_person("RO-1", "RO-2")
    assert rater_token("s", "RO-1") != rater_token("s", "RO-2")
    check_spelling("RO-2", ["RO-1", "RO-2"], "x.jsonl")


def test_the_token_shows_nothing_of_the_name():
    assert "berg" not in rater_token("s", "Berg")
    assert rater_token("s", "Berg") != rater_token("another study", "Berg")
