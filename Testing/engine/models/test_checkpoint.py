from __future__ import annotations

import dataclasses
import pickle

import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError
from PediatricAbdomenSegLib.engine.models.checkpoint import build_network, load_network, save_weights
from PediatricAbdomenSegLib.engine.models.nnunet_folder import NetworkPlan, read_network_plan
from PediatricAbdomenSegLib.engine.models.weights_file import WeightsMetadata, read_weights_metadata

torch = pytest.importorskip("torch")

METADATA = WeightsMetadata("3d_fullres", "nnUNetTrainer", ())


@pytest.fixture
def a_plan(write_nnunet_folder, plans_in_new_layout) -> NetworkPlan:
    return read_network_plan(write_nnunet_folder(plans_in_new_layout), "3d_fullres")


@pytest.fixture
def a_patch() -> torch.Tensor:
    return torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layout", ["plans_in_new_layout", "plans_in_old_layout"])
def test_the_network_is_the_one_nnunet_builds(request, write_nnunet_folder, layout, a_patch):
    handler = pytest.importorskip("nnunetv2.utilities.plans_handling.plans_handler")
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plans = request.getfixturevalue(layout)
    ours = build_network(read_network_plan(write_nnunet_folder(plans), "3d_fullres"))
    settings = handler.PlansManager(plans).get_configuration("3d_fullres")
    theirs = get_network_from_plans(
        settings.network_arch_class_name,
        settings.network_arch_init_kwargs,
        settings.network_arch_init_kwargs_req_import,
        input_channels=1,
        output_channels=3,
        deep_supervision=False,
    ).eval()
    ours.load_state_dict(theirs.state_dict())
    with torch.inference_mode():
        assert torch.equal(ours(a_patch), theirs(a_patch))


def test_saved_weights_give_the_same_network(a_plan, a_patch, tmp_path):
    network = build_network(a_plan)
    path = tmp_path / "fold_0" / "weights.safetensors"
    save_weights(network.state_dict(), path, METADATA)
    with torch.inference_mode():
        assert torch.equal(load_network(a_plan, path)(a_patch), network(a_patch))
    assert read_weights_metadata(path) == METADATA


def test_weights_stored_in_half_precision_run_in_single_precision(a_plan, tmp_path):
    network = build_network(a_plan)
    path = tmp_path / "weights.safetensors"
    save_weights(network.state_dict(), path, METADATA, half_precision=True)
    loaded = load_network(a_plan, path).state_dict()
    for name, tensor in network.state_dict().items():
        assert loaded[name].dtype == torch.float32
        assert torch.equal(loaded[name], tensor.half().float())


def test_a_tensor_with_several_names_is_stored_once(a_plan, tmp_path):
    from safetensors.torch import load_file

    state_dict = build_network(a_plan).state_dict()
    save_weights(state_dict, tmp_path / "weights.safetensors", METADATA)
    stored = load_file(tmp_path / "weights.safetensors")
    assert len(stored) == len({tensor.data_ptr() for tensor in state_dict.values()}) < len(state_dict)


def test_weights_of_another_network_are_refused(a_plan, tmp_path):
    path = tmp_path / "weights.safetensors"
    wider = dataclasses.replace(a_plan.architecture, features_per_stage=(4, 8, 16))
    save_weights(build_network(dataclasses.replace(a_plan, architecture=wider)).state_dict(), path, METADATA)
    with pytest.raises(ModelError, match="shape"):
        load_network(a_plan, path)


@pytest.mark.parametrize("change", ["missing", "extra"])
def test_a_missing_or_extra_tensor_is_named(a_plan, tmp_path, change):
    path = tmp_path / "weights.safetensors"
    state_dict = dict(build_network(a_plan).state_dict())
    if change == "missing":
        state_dict = {name: tensor for name, tensor in state_dict.items() if "seg_layers.0.bias" not in name}
    else:
        state_dict["head.bias"] = torch.zeros(3)
    save_weights(state_dict, path, METADATA)
    with pytest.raises(ModelError, match=r"seg_layers\.0\.bias" if change == "missing" else r"head\.bias"):
        load_network(a_plan, path)


def test_a_pickle_in_place_of_the_weights_is_not_opened(a_plan, tmp_path):
    class Payload:
        def __reduce__(self):
            return (tmp_path / "executed").touch, ()

    (tmp_path / "weights.safetensors").write_bytes(pickle.dumps(Payload()))
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        load_network(a_plan, tmp_path / "weights.safetensors")
    assert not (tmp_path / "executed").exists()
