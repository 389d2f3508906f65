from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.stock_nnunet import stock_predictor, write_results_folder
from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.inference.model_cache import ModelCache
from PediatricAbdomenSegLib.engine.inference.predictor import Window, _pad, predict
from toy_bundle import MODEL_SPACING_MM, make_plans, write_bundle


def never() -> None:
    """The check of a run that nobody cancels."""


def logits_of(bundle, image, mirror: bool = True, on_tile=lambda done, total: None) -> np.ndarray:
    """Our logits ``(classes, z, y, x)`` of a whole image."""
    configuration = next(iter(bundle_plans(bundle)))
    model = ModelCache().load(bundle, configuration, None, "cpu", "float32")
    axes = model.mirror_axes if mirror else ()
    window = Window(model.plan.patch_size, model.plan.num_classes, axes, "cpu", "cpu")
    with torch.inference_mode():
        slabs = list(predict(image, model.networks, window, on_tile, never))
    assert [slab.start for slab in slabs] == list(np.cumsum([0] + [len(slab.logits) for slab in slabs])[:-1])
    return torch.cat([slab.logits for slab in slabs]).movedim(-1, 0).numpy()


def bundle_plans(bundle) -> dict:
    from PediatricAbdomenSegLib.engine.models.nnunet_folder import available_configurations

    return dict.fromkeys(available_configurations(bundle.folder))


def stock_logits_of(bundle, image, folder, mirror: bool = True) -> np.ndarray:
    folds = write_results_folder(bundle, next(iter(bundle_plans(bundle))), folder)
    predictor = stock_predictor(folder, folds, mirror)
    return predictor.predict_logits_from_preprocessed_data(torch.from_numpy(image[None])).float().numpy()


def assert_close_to_stock(ours: np.ndarray, stock: np.ndarray) -> None:
    """Equal up to stock's float16 sums, apart from the image's rim.

    There stock multiplies logits by weights below 1e-6, which float16 cannot hold: its corner voxels are quantised to
    whole numbers or 0.
    """
    assert ours.shape == stock.shape
    inside = tuple(slice(4, -4) if size > 16 else slice(None) for size in stock.shape[1:])
    ours, stock = ours[(slice(None), *inside)], stock[(slice(None), *inside)]
    np.testing.assert_allclose(ours, stock, atol=0.01 * np.abs(stock).max())
    assert np.mean(ours.argmax(0) == stock.argmax(0)) > 0.995


@pytest.fixture
def an_image() -> np.ndarray:
    """More than one tile along each axis, sizes that are no multiple of anything."""
    return np.random.default_rng(0).normal(size=(37, 41, 53)).astype(np.float32)


@pytest.fixture
def make_bundle(tmp_path):
    """A bundle of random networks."""

    def build(dimensions: int = 3, folds: tuple[str, ...] = ("0",), mirror_axes=()):
        from PediatricAbdomenSegLib.engine.inference.network import build_module
        from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan

        plans = make_plans(dimensions, MODEL_SPACING_MM[-dimensions:])
        folder = tmp_path / "bundle"
        write_bundle(folder, plans, {"0": {"placeholder": torch.zeros(1)}})
        plan = read_network_plan(folder, next(iter(plans["configurations"])))
        weights = {}
        for fold in folds:
            torch.manual_seed(int(fold))
            module = build_module(plan)
            weights[fold] = {name: parameter.detach().contiguous() for name, parameter in module.named_parameters()}
        return write_bundle(folder, plans, weights, mirror_axes)

    return build


@pytest.mark.parametrize(
    ("dimensions", "folds", "mirror_axes"),
    [(3, ("0",), ()), (3, ("0", "1"), ()), (3, ("0",), (0, 2)), (2, ("0",), ()), (2, ("0", "1"), (0, 1))],
)
def test_logits_equal_stocks(make_bundle, an_image, tmp_path, dimensions, folds, mirror_axes):
    bundle = make_bundle(dimensions, folds, mirror_axes)
    image = an_image[:5] if dimensions == 2 else an_image
    assert_close_to_stock(logits_of(bundle, image), stock_logits_of(bundle, image, tmp_path / "stock"))


def test_an_image_smaller_than_the_patch_is_padded_as_stock_pads_it(make_bundle, tmp_path):
    bundle = make_bundle()
    image = np.random.default_rng(1).normal(size=(5, 40, 17)).astype(np.float32)
    ours, stock = logits_of(bundle, image), stock_logits_of(bundle, image, tmp_path / "stock")
    assert_close_to_stock(ours, stock)


def test_mirroring_can_be_switched_off(make_bundle, an_image, tmp_path):
    bundle = make_bundle(mirror_axes=(0, 1, 2))
    image = an_image[:20, :40, :40].copy()
    ours = logits_of(bundle, image, mirror=False)
    stock = stock_logits_of(bundle, image, tmp_path / "stock", mirror=False)
    assert_close_to_stock(ours, stock)
    assert np.abs(ours - logits_of(bundle, image)).max() > 0.05


def test_progress_counts_every_tile(make_bundle, an_image):
    seen = []
    logits_of(make_bundle(), an_image, on_tile=lambda done, total: seen.append((done, total)))
    tiles = 4 * 2 * 3  # along z, y and x
    assert seen == [(done, tiles) for done in range(1, tiles + 1)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_device_that_computes_no_numbers_is_named_instead_of_believed(an_image, value):
    def network(tile, check):
        logits = torch.zeros(1, 3, *tile.shape[2:])
        logits[0, 1, 2, 3, 4] = value
        return logits

    with torch.inference_mode(), pytest.raises(ResourceError, match="on cpu holds values that are no numbers"):
        list(predict(an_image, [network], Window((16, 32, 32), 3, (), "cpu", "cpu"), lambda done, total: None, never))


def test_a_thin_slab_is_extended_by_reflection_and_a_short_scan_by_zeros():
    slab = np.arange(1.0, 4.0, dtype=np.float32)[:, None, None]
    assert _pad(slab, [(3, 4), (0, 0), (0, 0)], True).ravel().tolist() == [3, 2, 1, 1, 2, 3, 3, 2, 1, 1]
    assert _pad(slab, [(3, 4), (0, 0), (0, 0)], False).ravel().tolist() == [0, 0, 0, 1, 2, 3, 0, 0, 0, 0]
    assert _pad(slab, [(1, 1), (0, 0), (0, 0)], True).ravel().tolist() == [0, 1, 2, 3, 0]
