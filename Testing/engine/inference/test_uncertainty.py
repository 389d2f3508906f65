from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from scipy.special import softmax
from scipy.stats import entropy as scipy_entropy

from benchmarks.stock_nnunet import stock_predictor, write_results_folder
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.pipeline import InferenceOptions, segment
from PediatricAbdomenSegLib.engine.inference.predictor import Slab
from PediatricAbdomenSegLib.engine.inference.preprocessing import prepare
from PediatricAbdomenSegLib.engine.inference.resampling import AxisGrid
from PediatricAbdomenSegLib.engine.inference.uncertainty import (
    STEPS,
    entropy_on_source_grid,
    mean_entropies,
    normalised_entropy,
    with_entropy,
)
from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan

DEFAULT = InferenceOptions(device="cpu", entropy=True)
EXACT = replace(DEFAULT, exact=True)


@pytest.fixture(scope="module")
def the_default_result(a_toy_bundle, a_toy_child):
    return segment(a_toy_child[0], a_toy_bundle, DEFAULT)


def test_equally_likely_classes_give_one_and_a_certain_class_gives_zero():
    logits = torch.tensor([[2.0, 2.0, 2.0, 2.0], [90.0, 0.0, 0.0, 0.0], [-900.0, 900.0, 0.0, 0.0]])
    np.testing.assert_allclose(normalised_entropy(logits).numpy(), [1, 0, 0], atol=1e-6)


def test_entropy_is_that_of_scipy():
    logits = np.random.default_rng(0).normal(0, 4, (50, 20)).astype(np.float32)
    expected = scipy_entropy(softmax(logits.astype(float), -1), axis=-1, base=20)
    np.testing.assert_allclose(normalised_entropy(torch.from_numpy(logits)).numpy(), expected, atol=1e-6)


def test_slabs_pass_through_untouched_and_fill_the_whole_image():
    logits = torch.randn(7, 3, 4, 5)
    entropy = np.full((7, 3, 4), np.nan, np.float32)
    passed = list(with_entropy([Slab(0, logits[:3]), Slab(3, logits[3:])], entropy))
    assert torch.equal(torch.cat([slab.logits for slab in passed]), logits)
    np.testing.assert_array_equal(entropy, normalised_entropy(logits).numpy())


@pytest.mark.parametrize(
    "axes",
    [
        (AxisGrid(9, 6, 0, 6), AxisGrid(11, 22, 3, 20), AxisGrid(13, 13, 2, 12)),
        (AxisGrid(9, 18, 2, 17, label_order=0), AxisGrid(22, 11, 1, 9), AxisGrid(30, 13, 0, 13)),
        (AxisGrid(9, 1, 0, 1), AxisGrid(5, 5, 0, 5), AxisGrid(6, 4, 1, 3)),
    ],
)
def test_the_source_grid_gets_what_scipy_interpolates(axes):
    entropy = np.random.default_rng(1).random([axis.length for axis in axes]).astype(np.float32)
    positions = []
    for axis in axes:
        source = np.arange(*axis.source_range())
        on_model = (source + 0.5) * axis.model_size / axis.source_size - 0.5 - axis.start
        positions.append(np.floor(on_model + 0.5) if axis.label_order == 0 else on_model)
    grid = np.meshgrid(*positions, indexing="ij")
    expected = map_coordinates(entropy, grid, order=1, mode="nearest")
    np.testing.assert_allclose(entropy_on_source_grid(entropy, axes) / STEPS, expected, atol=0.6 / STEPS)


def test_mean_entropies_are_of_each_label_alone():
    labels = np.array([[[0, 3, 3]], [[3, 7, 0]]], np.uint8)
    entropy = np.array([[[255, 0, 51]], [[102, 255, 9]]], np.uint8)
    assert mean_entropies(labels, entropy) == pytest.approx({3: 0.2, 7: 1.0})
    assert mean_entropies(np.zeros_like(labels), entropy) == {}


def test_exact_entropy_is_that_of_stock_probabilities(a_toy_bundle, a_toy_child, tmp_path):
    volume, _ = a_toy_child
    ours = segment(volume, a_toy_bundle, EXACT).entropy / STEPS
    folds = write_results_folder(a_toy_bundle, "3d_fullres", tmp_path / "stock")
    image = prepare(volume, read_network_plan(a_toy_bundle.folder, "3d_fullres"), whole_field=True).image
    predictor = stock_predictor(tmp_path / "stock", folds)
    logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(image[None])).float().numpy()
    on_model = scipy_entropy(softmax(logits.astype(float), 0), axis=0, base=len(logits))
    ratio = [coarse / fine for coarse, fine in zip(on_model.shape, ours.shape, strict=True)]
    grid = np.meshgrid(*((np.arange(n) + 0.5) * r - 0.5 for n, r in zip(ours.shape, ratio, strict=True)), indexing="ij")
    expected = map_coordinates(on_model, grid, order=1, mode="nearest")
    # Stock rounds each tile's logits to half precision.
    assert np.abs(ours - expected).mean() < 0.002 and np.abs(ours - expected).max() < 0.05


def test_the_map_lies_on_the_input_grid_however_the_slices_are_stored(a_toy_bundle, a_toy_child, the_default_result):
    volume, _ = a_toy_child
    affine = volume.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 0] * (volume.array.shape[2] - 1)
    affine[:3, 0] *= -1
    turned = np.ascontiguousarray(volume.array[:, :, ::-1].transpose(1, 0, 2))
    affine = affine[:, [0, 2, 1, 3]]
    result = segment(replace(volume, array=turned, geometry=Geometry(turned.shape, affine)), a_toy_bundle, DEFAULT)
    np.testing.assert_array_equal(result.entropy.transpose(1, 0, 2)[:, :, ::-1], the_default_result.entropy)


def test_air_beside_the_body_is_not_looked_at(a_toy_child, the_default_result):
    entropy, organs = the_default_result.entropy, a_toy_child[1] > 0
    assert entropy.shape == organs.shape and entropy.dtype == np.uint8
    assert entropy[organs].all()
    assert not entropy[:, :2].any() and not entropy[:, :, :2].any()


def test_each_organ_gets_the_mean_of_its_voxels(the_default_result):
    for organ in the_default_result.organs:
        voxels = the_default_result.entropy[the_default_result.label_map.array == organ.label]
        assert organ.mean_entropy == pytest.approx(voxels.mean() / STEPS)


def test_labels_do_not_depend_on_the_map_and_without_it_there_is_none(a_toy_bundle, a_toy_child, the_default_result):
    plain = segment(a_toy_child[0], a_toy_bundle, replace(DEFAULT, entropy=False))
    np.testing.assert_array_equal(plain.label_map.array, the_default_result.label_map.array)
    assert plain.entropy is None and [organ.mean_entropy for organ in plain.organs] == [None] * 3
