from __future__ import annotations

import copy

import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError
from PediatricAbdomenSegLib.engine.models.nnunet_folder import (
    IntensityProperties,
    Resampling,
    available_configurations,
    find_weights,
    read_network_plan,
)


@pytest.fixture
def refusal(write_nnunet_folder, plans_in_new_layout, a_dataset_json):
    """The message with which ``3d_fullres`` is refused after plans, its settings or the data set were edited."""

    def refuse(edit_plans=None, edit_settings=None, edit_dataset=None) -> str:
        for edit, values in (
            (edit_plans, plans_in_new_layout),
            (edit_settings, plans_in_new_layout["configurations"]["3d_fullres"]),
            (edit_dataset, a_dataset_json),
        ):
            if edit:
                edit(values)
        with pytest.raises(ModelError) as caught:
            read_network_plan(write_nnunet_folder(plans_in_new_layout, a_dataset_json), "3d_fullres")
        return caught.value.message

    return refuse


def test_the_new_layout_is_read(write_nnunet_folder, plans_in_new_layout):
    plan = read_network_plan(write_nnunet_folder(plans_in_new_layout), "3d_fullres")
    assert plan.dimensions == 3
    assert plan.patch_size == (16, 16, 16)
    assert plan.spacing_mm == (2.0, 1.0039, 1.0039)
    assert plan.class_names == ("background", "spleen", "liver") and plan.num_classes == 3
    assert plan.data_resampling == Resampling(3, 0, None)
    assert plan.probabilities_resampling == Resampling(1, 0, None)
    assert plan.normalization[0].intensities == IntensityProperties(-80.67, 312.03, -989.0, 671.0)
    assert plan.architecture.features_per_stage == (4, 8, 12)
    assert plan.architecture.strides[1] == (2, 2, 2)


def test_the_old_layout_is_read(write_nnunet_folder, plans_in_old_layout):
    architecture = read_network_plan(write_nnunet_folder(plans_in_old_layout), "3d_fullres").architecture
    assert architecture.network_class == "PlainConvUNet"
    assert architecture.features_per_stage == (4, 8, 12, 12)
    assert architecture.kernel_sizes[0] == (1, 3, 3) and architecture.strides[1] == (1, 2, 2)
    assert architecture.conv_bias and architecture.norm_affine


def test_a_two_dimensional_configuration_is_read(write_nnunet_folder, plans_in_new_layout):
    plan = read_network_plan(write_nnunet_folder(plans_in_new_layout), "2d")
    assert plan.dimensions == 2 and plan.spacing_mm == (1.0, 1.0) and plan.patch_size == (16, 16)


def test_a_configuration_inherits_what_it_does_not_say_itself(write_nnunet_folder, plans_in_new_layout):
    plans_in_new_layout["configurations"]["fine"] = {"inherits_from": "3d_lowres", "spacing": [1.0, 1.0, 1.0]}
    plans_in_new_layout["configurations"]["finer"] = {"inherits_from": "fine", "patch_size": [32, 16, 16]}
    plan = read_network_plan(write_nnunet_folder(plans_in_new_layout), "finer")
    assert (plan.spacing_mm, plan.patch_size) == ((1.0, 1.0, 1.0), (32, 16, 16))


def test_a_circle_of_inheritance_is_refused(write_nnunet_folder, plans_in_new_layout):
    plans_in_new_layout["configurations"] |= {"a": {"inherits_from": "b"}, "b": {"inherits_from": "a"}}
    with pytest.raises(ModelError, match="a → b → a"):
        read_network_plan(write_nnunet_folder(plans_in_new_layout), "a")


def test_a_cascade_is_refused_with_the_choices(write_nnunet_folder, plans_in_new_layout):
    with pytest.raises(ModelError, match="3d_cascade_fullres is a cascade and is not supported") as caught:
        read_network_plan(write_nnunet_folder(plans_in_new_layout), "3d_cascade_fullres")
    assert "3d_fullres" in caught.value.hint


def test_an_unknown_configuration_lists_those_there_are(write_nnunet_folder, plans_in_new_layout):
    with pytest.raises(ModelError, match="no configuration 3d_huge, only 2d, 3d_lowres"):
        read_network_plan(write_nnunet_folder(plans_in_new_layout), "3d_huge")


def test_plans_from_before_v2_1_name_their_intensities_by_modality(write_nnunet_folder, plans_in_old_layout):
    key = "foreground_intensity_properties_per_channel"
    plans_in_old_layout["foreground_intensity_properties_by_modality"] = plans_in_old_layout.pop(key)
    plan = read_network_plan(write_nnunet_folder(plans_in_old_layout), "3d_fullres")
    assert plan.normalization[0].intensities.mean == -80.67


def test_the_label_for_ignored_voxels_has_no_channel(write_nnunet_folder, plans_in_new_layout, a_dataset_json):
    a_dataset_json["labels"]["ignore"] = 3
    assert read_network_plan(write_nnunet_folder(plans_in_new_layout, a_dataset_json), "3d_fullres").num_classes == 3


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("patch_size", [16, 16], ["Conv3d", "Conv2d"]),
        ("patch_size", [16, 16, 18], ["patch_size", "multiple of 4"]),
        ("patch_size", [16], ["patch_size", "2 or 3"]),
        ("patch_size", [16, 16, 0], ["patch_size", "at least 1"]),
        ("spacing", [1.0, 1.0], ["spacing", "3 positive"]),
        ("spacing", [1.0, 1.0, 0.0], ["spacing", "3 positive"]),
        ("spacing", "1.0", ["spacing", "list of finite numbers"]),
        ("normalization_schemes", ["os.system"], ["os.system", "CTNormalization"]),
        ("use_mask_for_norm", [], ["use_mask_for_norm"]),
        (
            "resampling_fn_data",
            "resample_torch_fornnunet",
            ["resample_torch_fornnunet", "resample_data_or_seg_to_shape"],
        ),
        ("resampling_fn_probabilities_kwargs", {"order": 1}, ["resampling_fn_probabilities_kwargs", "missing"]),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(refusal, key, value, words):
    message = refusal(edit_settings=lambda settings: settings.update({key: value}))
    assert "plans.json" in message and all(word in message for word in words)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.update(labels={"background": 0, "liver": 2}), ["labels", "without a gap"]),
        (lambda d: d.update(labels={"liver": 0, "background": 1}), ["labels", "background = 0"]),
        (lambda d: d["labels"].update(whole=[1, 2]), ["whole", "region"]),
        (lambda d: d["labels"].update(liver="2"), ["liver", "whole number"]),
        (lambda d: d.update(channel_names={"0": "CT", "1": "PET"}), ["2 input channels"]),
        (lambda d: d.pop("labels"), ["dataset.json", "labels", "missing"]),
    ],
)
def test_a_data_set_that_cannot_be_used_is_named(refusal, edit, words):
    message = refusal(edit_dataset=edit)
    assert all(word in message for word in words)


def test_axes_that_are_no_permutation_are_refused(refusal):
    assert "transpose_forward" in refusal(edit_plans=lambda plans: plans.update(transpose_forward=[0, 1, 1]))


def test_a_transposition_that_is_not_undone_is_refused(refusal):
    assert "does not undo" in refusal(edit_plans=lambda plans: plans.update(transpose_forward=[1, 2, 0]))


def test_the_two_layouts_give_the_networks_nnunet_itself_reads(
    write_nnunet_folder, plans_in_new_layout, plans_in_old_layout
):
    handler = pytest.importorskip("nnunetv2.utilities.plans_handling.plans_handler")
    for plans in (plans_in_new_layout, plans_in_old_layout):
        for name in [name for name in plans["configurations"] if name != "3d_cascade_fullres"]:
            ours = read_network_plan(write_nnunet_folder(plans), name)
            theirs = handler.PlansManager(copy.deepcopy(plans)).get_configuration(name)
            arguments = theirs.network_arch_init_kwargs
            assert theirs.network_arch_class_name.endswith(f".{ours.architecture.network_class}")
            assert list(ours.architecture.features_per_stage) == list(arguments["features_per_stage"])
            assert [list(row) for row in ours.architecture.strides] == arguments["strides"]
            assert [list(row) for row in ours.architecture.kernel_sizes] == arguments["kernel_sizes"]
            assert list(ours.architecture.n_conv_per_stage) == arguments["n_conv_per_stage"]
            assert ours.architecture.conv_bias == arguments["conv_bias"]
            assert ours.architecture.norm_eps == arguments["norm_op_kwargs"]["eps"]
            assert list(ours.patch_size) == theirs.patch_size and list(ours.spacing_mm) == theirs.spacing


def test_the_only_configuration_may_lie_directly_in_the_bundle(a_bundle):
    assert available_configurations(a_bundle) == ("3d_fullres",)
    assert find_weights(a_bundle, "3d_fullres") == {"0": a_bundle / "fold_0" / "weights.safetensors"}


def test_several_configurations_and_folds_are_found(write_bundle, tmp_path):
    names = ["2d/fold_0", "3d_fullres/fold_1", "3d_fullres/fold_0", "3d_fullres/fold_all"]
    weights = {f"{name}/weights.safetensors": name.split("/")[0] for name in names}
    folder = write_bundle(tmp_path / "several", weights=weights)
    assert available_configurations(folder) == ("2d", "3d_fullres")
    assert list(find_weights(folder, "3d_fullres")) == ["0", "1", "all"]
    assert list(find_weights(folder, "3d_fullres", ("1", "0"))) == ["1", "0"]
    assert list(find_weights(folder, "2d")) == ["0"]


def test_a_missing_fold_or_configuration_lists_those_there_are(a_bundle):
    with pytest.raises(ModelError, match="no fold 3 for 3d_fullres, only 0"):
        find_weights(a_bundle, "3d_fullres", ("3",))
    with pytest.raises(ModelError, match="configuration 2d, only for 3d_fullres"):
        find_weights(a_bundle, "2d")


def test_weights_in_the_folder_of_another_configuration_are_refused(write_bundle, tmp_path):
    folder = write_bundle(tmp_path / "mixed", weights={"2d/fold_0/weights.safetensors": "3d_fullres"})
    with pytest.raises(ModelError, match="weights for 3d_fullres, not 2d"):
        available_configurations(folder)


def test_a_folder_without_weights_is_named(write_nnunet_folder, plans_in_new_layout):
    folder = write_nnunet_folder(plans_in_new_layout)
    with pytest.raises(ModelError, match="no fold_N/weights.safetensors"):
        available_configurations(folder)
