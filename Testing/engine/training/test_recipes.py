from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.organs import ORGANS
from PediatricAbdomenSegLib.engine.training.recipes import MULTI_ORGAN, RECIPES, recipe_by_name


def test_the_multi_organ_network_uses_the_label_values_of_the_organ_table():
    assert MULTI_ORGAN.organ_keys == tuple(organ.key for organ in ORGANS)


def test_no_two_recipes_train_on_the_same_phantom_or_folder():
    seeds = [range(recipe.first_seed, recipe.first_seed + recipe.cases) for recipe in RECIPES]
    assert len(set().union(*seeds)) == sum(len(each) for each in seeds)
    assert len({recipe.dataset_id for recipe in RECIPES}) == len(RECIPES)


def test_an_unknown_bundle_is_refused_with_the_names_there_are():
    with pytest.raises(UsageError, match="multi-organ") as caught:
        recipe_by_name("brain")
    assert "brain" in caught.value.message
