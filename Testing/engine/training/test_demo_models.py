from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import Cancelled, ModelError, UsageError
from PediatricAbdomenSegLib.engine.models.manifest import read_manifest
from PediatricAbdomenSegLib.engine.models.nnunet_folder import available_configurations, read_network_plan
from PediatricAbdomenSegLib.engine.models.store import open_bundle, verify_bundle
from PediatricAbdomenSegLib.engine.models.weights_file import read_weights_metadata
from PediatricAbdomenSegLib.engine.progress import CancelToken
from PediatricAbdomenSegLib.engine.training.demo_models import changed_recipe, describe_training_data, train_recipe
from PediatricAbdomenSegLib.engine.training.export import export_bundle, is_alias, without_aliases
from PediatricAbdomenSegLib.engine.training.recipes import MULTI_ORGAN


@pytest.fixture
def nnunet():
    """nnunetv2; the test is skipped where it is not installed."""
    return pytest.importorskip("nnunetv2")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # batchgenerators' way to end
def test_a_bundle_is_trained_from_nothing_and_again_after_an_interruption(
    nnunet, a_small_recipe, a_toy_child, tmp_path
):
    cancel = CancelToken()

    def cancel_in_training(event):
        if event.stage == "training" and event.fraction > 0.2:
            cancel.cancel()

    work, output = tmp_path / "work", tmp_path / "models"
    with pytest.raises(Cancelled, match="--continue"):
        train_recipe(
            a_small_recipe, work, output, "cpu", render=a_toy_child, on_progress=cancel_in_training, cancel=cancel
        )
    assert not output.exists()

    stages = []
    folder = train_recipe(
        a_small_recipe,
        work,
        output,
        "cpu",
        resume=True,
        render=a_toy_child,
        on_progress=lambda event: stages.append(event.stage),
    )
    assert folder == output / "toy"
    assert list(dict.fromkeys(stages)) == ["phantoms", "planning", "training", "export"]
    assert_is_a_complete_bundle(folder)
    assert_weights_fill_the_network(folder, work)


def assert_is_a_complete_bundle(folder):
    verify_bundle(open_bundle(folder))
    manifest = read_manifest(folder)
    assert manifest.organs == {1: "liver", 2: "spleen"}
    assert manifest.status == "demonstration"
    assert manifest.postprocessing == {"spleen": "largest_component"}
    assert "not for clinical use" in manifest.intended_use and "seeds 7 to 9" in manifest.training_data
    assert available_configurations(folder) == ("3d_fullres",)
    plan = read_network_plan(folder, "3d_fullres")
    assert plan.patch_size == (16, 16, 16)
    assert plan.spacing_mm == (6.0, 6.0, 6.0)
    assert plan.architecture.features_per_stage == (4, 8, 8)
    assert plan.architecture.n_conv_per_stage == (1, 2, 2)
    assert plan.architecture.n_conv_per_stage_decoder == (2, 1)
    assert read_weights_metadata(folder / "fold_0" / "weights.safetensors").mirror_axes == ()
    assert str(folder.parents[1]) not in (folder / "plans.json").read_text() + (folder / "bundle.json").read_text()


def assert_weights_fill_the_network(folder, work):
    """Every tensor of the checkpoint, in all its names, comes back from the kept names, rounded to half precision."""
    import torch
    from safetensors.torch import load_file

    from PediatricAbdomenSegLib.engine.inference.network import build_module

    (path,) = work.rglob("checkpoint_final.pth")
    trained = torch.load(path, weights_only=False)["network_weights"]
    kept = load_file(folder / "fold_0" / "weights.safetensors")
    assert 0 < len(kept) < len(trained) / 2
    module = build_module(read_network_plan(folder, "3d_fullres"))
    missing, unexpected = module.load_state_dict(kept, strict=False)
    assert unexpected == []
    assert all(is_alias(name) for name in missing)
    for name, tensor in module.state_dict().items():
        torch.testing.assert_close(tensor, trained[name].half().float(), rtol=0, atol=0)


def test_a_tensor_without_a_kept_twin_is_never_dropped():
    torch = pytest.importorskip("torch")
    shared, lost = torch.ones(2), torch.zeros(2)
    weights = {"encoder.stages.0.conv.weight": shared, "decoder.encoder.stages.0.conv.weight": shared}
    assert list(without_aliases(weights)) == ["encoder.stages.0.conv.weight"]
    with pytest.raises(ModelError, match="decoder.encoder.other"):
        without_aliases(weights | {"decoder.encoder.other": lost})


def test_exporting_an_unfinished_training_is_refused(a_small_recipe, tmp_path):
    with pytest.raises(ModelError, match="checkpoint_final"):
        export_bundle(tmp_path, a_small_recipe, tmp_path / "models", "")
    assert not (tmp_path / "models").exists()


def test_the_manifest_names_the_phantoms_and_the_command():
    recipe = changed_recipe(MULTI_ORGAN, cases=30, epochs=4, time_budget_minutes=12.5)
    text = describe_training_data(recipe)
    assert "seeds 100000 to 100029" in text
    assert "pedseg train-demo --bundle multi-organ --cases 30 --epochs 4 --time-budget-minutes 12.5" in text


@pytest.mark.parametrize(
    ("cases", "epochs", "minutes"), [(1, None, None), (None, 0, None), (None, None, 0.0), (None, None, float("nan"))]
)
def test_a_training_of_nothing_is_refused(cases, epochs, minutes):
    with pytest.raises(UsageError):
        changed_recipe(MULTI_ORGAN, cases, epochs, minutes)


def test_a_recipe_nobody_changed_stays_as_it_is():
    assert changed_recipe(MULTI_ORGAN, None, None, None) == MULTI_ORGAN
