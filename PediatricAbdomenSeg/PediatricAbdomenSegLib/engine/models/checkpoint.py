"""Networks and their weights: build from a plan, save to and load from ``weights.safetensors``; no pickle anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..cases.atomic_file import replaced_when_complete
from ..errors import ModelError
from .nnunet_folder import NetworkPlan
from .weights_file import WeightsMetadata

if TYPE_CHECKING:
    import torch


def build_network(plan: NetworkPlan) -> torch.nn.Module:
    """The plan's network with random float32 weights, in evaluation mode, without deep supervision."""
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet

    architecture = plan.architecture
    flat = architecture.dimensions == 2
    plain = architecture.network_class == "PlainConvUNet"
    network = (PlainConvUNet if plain else ResidualEncoderUNet)(
        input_channels=plan.num_channels,
        n_stages=architecture.n_stages,
        features_per_stage=architecture.features_per_stage,
        conv_op=torch.nn.Conv2d if flat else torch.nn.Conv3d,
        kernel_sizes=architecture.kernel_sizes,
        strides=architecture.strides,
        **{"n_conv_per_stage" if plain else "n_blocks_per_stage": architecture.n_conv_per_stage},
        num_classes=plan.num_classes,
        n_conv_per_stage_decoder=architecture.n_conv_per_stage_decoder,
        conv_bias=architecture.conv_bias,
        norm_op=torch.nn.InstanceNorm2d if flat else torch.nn.InstanceNorm3d,
        norm_op_kwargs={"eps": architecture.norm_eps, "affine": architecture.norm_affine},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"negative_slope": architecture.negative_slope, "inplace": True},
        deep_supervision=False,
    )
    return network.eval()


def save_weights(
    state_dict: Mapping[str, torch.Tensor], path: Path, metadata: WeightsMetadata, half_precision: bool = False
) -> None:
    """Write a network's weights whole or not at all.

    dynamic-network-architectures registers most of its tensors under several names (nnU-Net's published network has
    108 tensors under 292); each is written once, under the first of its names.

    Args:
        state_dict: of the network, or an nnU-Net checkpoint's ``network_weights``.
        path: the ``weights.safetensors``.
        metadata: kept in the header.
        half_precision: store float16; `load_network` gives float32 again.

    Raises:
        ResourceError: the folder cannot be written to.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for names in _names_by_tensor(state_dict):
        tensor = state_dict[names[0]].detach().cpu()
        if half_precision and tensor.is_floating_point():
            tensor = tensor.to(torch.float16)
        tensors[names[0]] = tensor.contiguous()
    with replaced_when_complete(path) as partial:
        save_file(tensors, partial, metadata=metadata.to_header())


def load_network(plan: NetworkPlan, path: Path) -> torch.nn.Module:
    """The plan's network with the weights of a file: float32, on the CPU, in evaluation mode.

    Raises:
        ModelError: not a safetensors file, or its tensors are not those of the plan's network.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise _unfit(path, f"cannot be read ({error})") from error
    network = build_network(plan)
    state_dict = network.state_dict()
    with torch.no_grad():
        for names in _names_by_tensor(state_dict):
            stored = [tensors.pop(name) for name in names if name in tensors]
            if not stored:
                raise _unfit(path, f"has no tensor {names[0]}")
            if stored[0].shape != state_dict[names[0]].shape:
                raise _unfit(path, f"has {names[0]} of shape {tuple(stored[0].shape)}, not of the plans' shape")
            state_dict[names[0]].copy_(stored[0])
    if tensors:
        raise _unfit(path, f"has the tensor {next(iter(tensors))}, which the plans' network does not have")
    return network


def _names_by_tensor(state_dict: Mapping[str, torch.Tensor]) -> list[list[str]]:
    """Names that stand for one and the same tensor, grouped, in the order of their first appearance."""
    groups: dict[tuple, list[str]] = {}
    for name, tensor in state_dict.items():
        groups.setdefault((tensor.data_ptr(), tuple(tensor.shape), tensor.dtype), []).append(name)
    return list(groups.values())


def _unfit(path: Path, problem: str) -> ModelError:
    return ModelError(f"{path.name} in {path.parent} {problem}.", "Install the model again from where it came from.")
