from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from PediatricAbdomenSegLib.engine.errors import Cancelled, ModelError
from PediatricAbdomenSegLib.engine.inference import fast_unet
from PediatricAbdomenSegLib.engine.inference.fast_unet import FastUNet
from PediatricAbdomenSegLib.engine.inference.network import build_module, load_network
from PediatricAbdomenSegLib.engine.models.nnunet_folder import find_weights, read_network_plan
from PediatricAbdomenSegLib.engine.progress import CancelToken
from toy_bundle import MODEL_SPACING_MM, make_plans, write_bundle


def never() -> None:
    """The check of a run that nobody cancels."""


@pytest.fixture
def make_module(tmp_path):
    """A randomly initialised module of the toy plan and the plan, in 2-D or 3-D, plain or residual."""

    def build(dimensions: int = 3, residual: bool = False):
        plans = make_plans(dimensions, MODEL_SPACING_MM[-dimensions:])
        if residual:
            architecture = next(iter(plans["configurations"].values()))["architecture"]
            architecture["network_class_name"] = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
            architecture["arch_kwargs"]["n_blocks_per_stage"] = architecture["arch_kwargs"].pop("n_conv_per_stage")
        write_bundle(tmp_path, plans, {"0": {"placeholder": torch.zeros(1)}})
        plan = read_network_plan(tmp_path, next(iter(plans["configurations"])))
        torch.manual_seed(0)
        module = build_module(plan).eval()
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        return module, plan

    return build


def weights_file(module, path):
    from safetensors.torch import save_file

    tensors = {name: parameter.detach().contiguous() for name, parameter in module.named_parameters()}
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("tiles", [1, 3])
@torch.inference_mode()
def test_the_fast_path_computes_what_the_module_computes(make_module, dimensions, tiles):
    module, plan = make_module(dimensions)
    batch = torch.randn(tiles, 1, *plan.patch_size)
    torch.testing.assert_close(FastUNet(module, "cpu", "float32")(batch, never), module(batch), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("residual", [False, True])
@torch.inference_mode()
def test_weights_are_loaded_into_the_plans_network(make_module, tmp_path, residual):
    module, plan = make_module(residual=residual)
    network = load_network(plan, weights_file(module, tmp_path / "weights.safetensors"), "cpu", "float32")
    batch = torch.randn(1, 1, *plan.patch_size)
    torch.testing.assert_close(network(batch, never), module(batch), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("residual", [False, True])
@torch.inference_mode()
def test_both_kinds_of_network_look_at_the_token_between_layers(make_module, tmp_path, residual):
    module, plan = make_module(residual=residual)
    network = load_network(plan, weights_file(module, tmp_path / "weights.safetensors"), "cpu", "float32")
    looks, token = [], CancelToken()

    def check() -> None:
        looks.append(1)
        if len(looks) == 3:
            token.cancel()
        token.raise_if_cancelled()

    with pytest.raises(Cancelled):
        network(torch.randn(1, 1, *plan.patch_size), check)
    assert len(looks) == 3


def test_float16_weights_are_computed_in_float32(a_toy_bundle):
    plan = read_network_plan(a_toy_bundle.folder, "3d_fullres")
    network = load_network(plan, find_weights(a_toy_bundle.folder, "3d_fullres")["0"], "cpu", "float32")
    with torch.inference_mode():
        assert network(torch.randn(1, 1, *plan.patch_size), never).dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.popitem(), "lacks the tensor"),
        (lambda tensors: tensors.update(stranger=torch.zeros(1)), "stranger"),
        (lambda tensors: tensors.update({next(iter(tensors)): torch.zeros(2)}), "of shape"),
    ],
)
def test_weights_of_another_network_are_refused(make_module, tmp_path, change, message):
    from safetensors.torch import save_file

    module, plan = make_module()
    tensors = {name: parameter.detach().contiguous() for name, parameter in module.named_parameters()}
    change(tensors)
    save_file(tensors, tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match=message):
        load_network(plan, tmp_path / "weights.safetensors", "cpu", "float32")


def test_a_truncated_weights_file_is_refused(make_module, tmp_path):
    module, plan = make_module()
    path = weights_file(module, tmp_path / "weights.safetensors")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        load_network(plan, path, "cpu", "float32")


def test_the_slope_and_eps_of_the_plans_are_used(make_module, tmp_path):
    module, plan = make_module()
    other = replace(plan, architecture=replace(plan.architecture, negative_slope=0.5))
    path = weights_file(module, tmp_path / "weights.safetensors")
    batch = torch.randn(1, 1, *plan.patch_size)
    with torch.inference_mode():
        results = [load_network(each, path, "cpu", "float32")(batch, never) for each in (plan, other)]
    assert not torch.allclose(*results)


@pytest.mark.parametrize("products", [1, 2e6, 1e7])
@torch.inference_mode()
def test_a_convolution_in_parts_is_the_convolution(make_module, monkeypatch, products):
    module, plan = make_module()
    batch = torch.randn(1, 1, *plan.patch_size)
    monkeypatch.setattr(fast_unet, "_PRODUCTS_AT_ONCE", products)
    looks = []
    ours = FastUNet(module, "cpu", "float32")(batch, lambda: looks.append(1))
    torch.testing.assert_close(ours, module(batch), atol=1e-4, rtol=1e-4)
    assert len(looks) > 8, "the token is looked at between the parts too"
