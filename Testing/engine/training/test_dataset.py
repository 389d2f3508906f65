from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.image_file import read_image, read_label_map
from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.geometry import canonical_reorientation
from PediatricAbdomenSegLib.engine.phantom.spec import POSITIONS
from PediatricAbdomenSegLib.engine.training.dataset import (
    LARGEST_CLASS_WEIGHT,
    case_name,
    class_weights,
    training_pair,
    training_spec,
    write_dataset,
)
from PediatricAbdomenSegLib.engine.training.recipes import MULTI_ORGAN, RECIPES


def test_a_case_is_the_same_child_however_many_cases_there_are():
    assert training_spec(MULTI_ORGAN, 17) == training_spec(replace(MULTI_ORGAN, cases=18), 17)
    assert training_spec(MULTI_ORGAN, 17) != training_spec(MULTI_ORGAN, 18)


def test_ages_positions_contrast_operations_and_tumours_all_occur():
    specs = [training_spec(MULTI_ORGAN, index) for index in range(100)]
    ages, _ = np.histogram([spec.age_years for spec in specs], bins=17, range=(0, 17))
    assert ages.min() >= 4
    assert {spec.position for spec in specs} == set(POSITIONS)
    assert {spec.contrast for spec in specs} == {True, False}
    assert {spec.nephrectomy for spec in specs} == {None, "left", "right"}
    assert {spec.appearance for spec in specs} == {"typical", "randomised"}
    assert any(spec.tumour_ml is None for spec in specs) and any(spec.tumour_ml for spec in specs)


def test_every_case_of_every_recipe_is_a_phantom_that_can_be_made():
    # The specification itself refuses a tumour that is too large for the liver at that age.
    specs = [training_spec(recipe, index) for recipe in RECIPES for index in range(recipe.cases)]
    assert len(specs) == sum(recipe.cases for recipe in RECIPES)


def test_images_and_labels_come_in_canonical_order(a_small_recipe, a_toy_child):
    volume, label_map = training_pair(a_small_recipe, a_toy_child(training_spec(a_small_recipe, 0)))
    order = canonical_reorientation(volume.geometry.affine)
    assert order.flips == (False, False, False) and order.axes == (0, 1, 2)
    liver_x, spleen_x = (np.mean(np.nonzero(label_map.array == value)[2]) for value in (1, 2))
    assert liver_x < spleen_x  # x runs to the patient's left


def test_cropping_keeps_every_voxel_at_its_place_in_the_patient(a_small_recipe, a_toy_child):
    phantom = a_toy_child(training_spec(a_small_recipe, 0))
    _, label_map = training_pair(a_small_recipe, phantom)
    spleen_before = phantom.labels.geometry.to_ras(np.argwhere(phantom.labels.array == 1)).mean(0)
    spleen_after = label_map.geometry.to_ras(np.argwhere(label_map.array == 2)).mean(0)
    np.testing.assert_allclose(spleen_after, spleen_before)


def test_a_tumour_counts_as_liver_where_the_recipe_says_so(a_small_recipe, a_toy_child):
    phantom = a_toy_child(training_spec(a_small_recipe, 0))
    _, merged = training_pair(a_small_recipe, phantom)
    _, apart = training_pair(replace(a_small_recipe, merged_into={}), phantom)
    assert (merged.array == 1).sum() == (apart.array == 1).sum() + 27


def test_intensities_are_confined_to_the_window(a_small_recipe, a_toy_child):
    windowed = replace(a_small_recipe, intensity_window_hu=(0.0, 100.0))
    volume, _ = training_pair(windowed, a_toy_child(training_spec(windowed, 0)))
    assert (volume.array.min(), volume.array.max()) == (0, 100)
    assert volume.array.dtype == np.int16


def test_the_data_set_is_what_nnunet_expects(a_small_recipe, a_toy_child, tmp_path):
    folder = write_dataset(a_small_recipe, tmp_path, cases=3, render=a_toy_child)
    description = json.loads((folder / "dataset.json").read_text())
    assert description["labels"] == {"background": 0, "liver": 1, "spleen": 2}
    assert description["numTraining"] == 3
    splits = json.loads((folder / "splits_final.json").read_text())
    assert splits == [{"train": [case_name(1), case_name(2)], "val": [case_name(0)]}]
    image = read_image(folder / "imagesTr" / f"{case_name(2)}_0000.nii.gz")
    labels = read_label_map(folder / "labelsTr" / f"{case_name(2)}.nii.gz")
    assert image.geometry.is_close_to(labels.geometry)
    assert set(np.unique(labels.array)) == {0, 1, 2}


def test_writing_twice_gives_the_same_voxels(a_small_recipe, a_toy_child, tmp_path):
    first, second = (
        read_image(
            write_dataset(a_small_recipe, tmp_path / name, cases=2, render=a_toy_child)
            / "imagesTr"
            / f"{case_name(1)}_0000.nii.gz"
        )
        for name in ("first", "second")
    )
    np.testing.assert_array_equal(first.array, second.array)


def test_resuming_renders_only_the_missing_cases(a_small_recipe, a_toy_child, tmp_path):
    rendered = []

    def counting(spec):
        rendered.append(spec.seed)
        return a_toy_child(spec)

    write_dataset(a_small_recipe, tmp_path, cases=2, render=counting)
    write_dataset(a_small_recipe, tmp_path, cases=3, resume=True, render=counting)
    assert rendered == [7, 8, 9]


def test_a_callback_that_raises_stops_the_rendering(a_small_recipe, a_toy_child, tmp_path):
    def stop(fraction):
        raise Cancelled()

    with pytest.raises(Cancelled):
        write_dataset(a_small_recipe, tmp_path, cases=3, on_case=stop, render=a_toy_child)
    assert len(list(tmp_path.rglob("imagesTr/*"))) == 1


def test_a_class_with_a_quarter_of_the_voxels_weighs_twice_as_much(a_small_recipe, a_toy_child, tmp_path):
    folder = write_dataset(a_small_recipe, tmp_path, cases=2, render=a_toy_child)
    counts = np.bincount(read_label_map(folder / "labelsTr" / f"{case_name(0)}.nii.gz").array.ravel(), minlength=3)
    weights = np.array(class_weights(folder, classes=3))
    np.testing.assert_allclose(weights[1:] / weights[0], np.sqrt(counts[0] / counts[1:]))
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1.0)


def test_a_class_without_voxels_gets_the_largest_weight(a_small_recipe, a_toy_child, tmp_path):
    folder = write_dataset(a_small_recipe, tmp_path, cases=2, render=a_toy_child)
    assert class_weights(folder, classes=4)[3] == LARGEST_CLASS_WEIGHT
