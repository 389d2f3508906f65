"""Tests of the state that is saved with the scene."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.organs import ORGANS
from PediatricAbdomenSegLib.scene.parameters import (
    DEFAULTS,
    MODEL_MISSING,
    Settings,
    model_problem,
    settings_as_values,
    settings_from,
)

ALL_KEYS = tuple(organ.key for organ in ORGANS)


def test_settings_survive_being_stored():
    settings = Settings("mine", "cuda:1", "own", "liver heart", "3d_lowres", "0 1", False, True, True, "short", True)
    assert settings_from(settings_as_values(settings)) == settings


def test_settings_survive_being_stored_as_text():
    settings = Settings(mirror=False, entropy_map=True)
    assert settings_from({name: str(value) for name, value in settings_as_values(settings).items()}) == settings


def test_an_empty_scene_gives_the_defaults():
    assert settings_from({}) == DEFAULTS


@pytest.mark.parametrize(
    "values",
    [{"organ_choice": "some"}, {"name_style": "long"}, {"mirror": "perhaps"}, {"device": " "}, {"of_tomorrow": "1"}],
)
def test_a_value_of_another_version_becomes_the_default(values):
    assert settings_from(values) == DEFAULTS


def test_organs_no_table_knows_are_forgotten():
    assert settings_from({"own_organs": "liver gizzard heart"}).own_organs == "liver heart"


@pytest.mark.parametrize(("choice", "count"), [("all", 19), ("type1", 9), ("type2", 10), ("own", 2)])
def test_a_choice_of_organs_is_in_table_order(choice, count):
    wanted = Settings(organ_choice=choice, own_organs="heart liver").wanted_organs(ALL_KEYS)
    assert len(wanted) == count
    assert list(wanted) == sorted(wanted, key=ALL_KEYS.index)


def test_only_organs_the_model_knows_are_wanted():
    assert Settings(organ_choice="type1").wanted_organs({"hepatoblastoma"}) == ()


def test_a_model_that_is_not_here_is_named():
    problem = model_problem(Settings(model="centre-x"), {"multi-organ"})
    assert problem.kind == MODEL_MISSING and "centre-x" in problem.message
    assert model_problem(Settings(), {"multi-organ"}) is None
