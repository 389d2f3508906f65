"""What a run will cost, before it is started."""

from __future__ import annotations

import numpy as np
import pytest

import toy_bundle
from PediatricAbdomenSegLib.engine.cases.volume import Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.body_crop import find_body
from PediatricAbdomenSegLib.engine.inference.estimate import (
    body_box,
    estimate_run,
    run_seconds,
    tile_gflop,
    typical_seconds,
)
from PediatricAbdomenSegLib.engine.inference.preprocessing import prepare
from PediatricAbdomenSegLib.engine.inference.tiles import tile_count
from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan
from PediatricAbdomenSegLib.engine.runtime.hardware import Device

CPU = Device("cpu", "x86_64", 16_000.0, 8_000.0, 200.0)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Makes a bundle of the toy network without training; its weights are placeholders."""
    import torch

    def make(dimensions=3, folds=("0",), mirror_axes=(), change=lambda plans: None):
        plans = toy_bundle.make_plans(dimensions, toy_bundle.MODEL_SPACING_MM[-dimensions:])
        change(plans["configurations"]["3d_fullres" if dimensions == 3 else "2d"])
        weights = {fold: {"placeholder": torch.zeros(1)} for fold in folds}
        return toy_bundle.write_bundle(tmp_path_factory.mktemp("toy"), plans, weights, mirror_axes)

    return make


def test_the_published_network_costs_what_was_counted(untrained):
    def publish(configuration):
        configuration["patch_size"] = [64, 192, 192]
        configuration["architecture"]["arch_kwargs"].update(
            n_stages=6,
            features_per_stage=[32, 64, 128, 256, 320, 320],
            kernel_sizes=[[3] * 3] * 6,
            strides=[[1] * 3, *[[2] * 3] * 4, [1, 2, 2]],
            n_conv_per_stage=[2] * 6,
            n_conv_per_stage_decoder=[2] * 5,
        )

    plan = read_network_plan(untrained(change=publish).folder, "3d_fullres")
    assert tile_gflop(plan) == pytest.approx(1077, rel=0.01)  # 1.077 TFLOP a patch, with 20 classes


def test_a_convolution_counts_as_its_multiplications_and_additions(untrained):
    # two stages of 6 and 12 channels, one convolution each, 4 classes, 16 × 32 × 32 voxels
    voxels, coarse = 16 * 32 * 32, 16 * 32 * 32 // 8
    products = voxels * 27 * 6 * 1 + coarse * 27 * 12 * 6 + voxels * 6 * 12 + voxels * 27 * 6 * 12 + voxels * 6 * 4
    assert tile_gflop(read_network_plan(untrained().folder, "3d_fullres")) == pytest.approx(2 * products / 1e9)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_tiles_are_those_the_run_will_have(untrained, dimensions):
    bundle = untrained(dimensions)
    volume, _ = toy_bundle.make_child()
    plan = read_network_plan(bundle.folder, "3d_fullres" if dimensions == 3 else "2d")
    image = prepare(volume, plan).image
    patch = plan.patch_size if dimensions == 3 else (1, *plan.patch_size)
    tiles = [size if tile == 1 else tile_count(size, tile) for size, tile in zip(image.shape, patch, strict=True)]
    assert estimate_run(volume, bundle).tiles == np.prod(tiles)


def test_mirroring_and_folds_multiply_the_passes(untrained):
    volume, _ = toy_bundle.make_child()
    bundle = untrained(folds=("0", "1"), mirror_axes=(0, 1, 2))
    assert estimate_run(volume, bundle).passes == 16
    assert estimate_run(volume, bundle, mirror=False).passes == 2
    assert estimate_run(volume, bundle, folds=("1",), mirror=False).passes == 1
    whole, single = estimate_run(volume, bundle), estimate_run(volume, bundle, folds=("1",), mirror=False)
    assert whole.teraflop == pytest.approx(16 * single.teraflop)


def test_the_body_is_found_without_the_table_as_the_run_finds_it():
    volume, _ = toy_bundle.make_child()
    found, expected = body_box(volume.array, (5.0, 3.0, 3.0)), find_body(volume.array, (5.0, 3.0, 3.0))
    assert found is not None
    assert np.abs(np.subtract(found, expected)).max() <= 4


@pytest.mark.parametrize("value", [-1000, 3000])
def test_an_image_without_a_body_has_no_box_or_all_of_it(value):
    box = body_box(np.full((10, 40, 40), value, np.int16), (5.0, 3.0, 3.0))
    assert box is None if value < 0 else box == ((0, 10), (0, 40), (0, 40))


def test_a_slower_device_takes_longer_and_one_of_unknown_speed_is_not_guessed(untrained):
    estimate = estimate_run(toy_bundle.make_child()[0], untrained())
    slow = Device("cpu", "x86_64", None, None, 0.01)
    assert estimate.seconds(slow) > estimate.seconds(CPU) > 0
    assert estimate.seconds(Device("cpu", "x86_64", None, None, None)) is None
    assert run_seconds(1.0, 0.0, Device("cuda:0", "GPU", None, None, 200.0)) > run_seconds(1.0, 0.0, CPU)


def test_a_typical_time_can_be_told_before_a_volume_is_chosen(untrained):
    assert typical_seconds(untrained(), CPU) > 10


def test_a_feet_first_series_costs_the_same(untrained):
    volume, _ = toy_bundle.make_child()
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])
    turned = Volume(volume.array, Geometry(volume.array.shape, flip @ volume.geometry.affine), "CT")
    bundle = untrained()
    assert estimate_run(turned, bundle).tiles == estimate_run(volume, bundle).tiles
