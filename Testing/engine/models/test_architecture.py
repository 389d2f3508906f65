from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError
from PediatricAbdomenSegLib.engine.json_fields import JsonFields
from PediatricAbdomenSegLib.engine.models.architecture import read_architecture


@pytest.fixture
def refusal(plans_in_new_layout):
    """The message with which a network is refused after its description was edited."""

    def refuse(network_class: str | None = None, **arguments) -> str:
        settings = plans_in_new_layout["configurations"]["3d_fullres"]
        if network_class is not None:
            settings["architecture"]["network_class_name"] = network_class
        settings["architecture"]["arch_kwargs"].update(arguments)
        with pytest.raises(ModelError) as caught:
            read_architecture(JsonFields(settings, "plans.json"), 3)
        return caught.value.message

    return refuse


@pytest.mark.parametrize("name", ["os.system", "torch.hub.load", "my_package.SwinUNETR", "PlainConvUNetX", "posix"])
def test_a_network_class_that_is_not_on_the_list_is_refused(refusal, name):
    message = refusal(network_class=name)
    assert name.rpartition(".")[2] in message and "PlainConvUNet, ResidualEncoderUNet" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("conv_op", "os.Conv3d"),
        ("conv_op", "torch.nn.modules.conv.Conv2d"),
        ("norm_op", "torch.nn.modules.batchnorm.BatchNorm3d"),
        ("nonlin", "torch.nn.ReLU"),
        ("dropout_op", "torch.nn.Dropout3d"),
        ("nonlin_first", True),
        ("bottleneck_channels", 16),
    ],
)
def test_an_operation_that_would_change_the_network_is_refused(refusal, key, value):
    assert key in refusal(**{key: value})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"strides": [[1, 1, 1], [2, 2, 2]]}, "strides are given for 2 stages instead of 3"),
        ({"n_conv_per_stage": [2, 2]}, "encoder blocks are given for 2"),
        ({"n_conv_per_stage_decoder": [2, 2, 2]}, "decoder blocks are given for 3 stages instead of 2"),
        ({"kernel_sizes": [[3, 3]] * 3}, "must have 3 values"),
        ({"n_stages": 4}, "must have 4 values"),
        ({"features_per_stage": [4, 8, -1]}, "at least 1"),
        ({"features_per_stage": None}, "list of whole numbers"),
    ],
)
def test_stages_that_do_not_fit_each_other_are_named(refusal, arguments, words):
    assert words in refusal(**arguments)


def test_residual_encoders_count_blocks_instead_of_convolutions(plans_in_new_layout):
    described = plans_in_new_layout["configurations"]["3d_fullres"]["architecture"]
    described["network_class_name"] = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
    del described["arch_kwargs"]["n_conv_per_stage"]
    described["arch_kwargs"]["n_blocks_per_stage"] = [1, 3, 4]
    settings = JsonFields(plans_in_new_layout["configurations"]["3d_fullres"], "plans.json")
    assert read_architecture(settings, 3).n_conv_per_stage == (1, 3, 4)


def test_an_unknown_network_in_the_old_layout_is_refused(plans_in_old_layout):
    settings = plans_in_old_layout["configurations"]["3d_fullres"] | {"UNet_class_name": "SwinUNETR"}
    with pytest.raises(ModelError, match="SwinUNETR"):
        read_architecture(JsonFields(settings, "plans.json"), 3)
