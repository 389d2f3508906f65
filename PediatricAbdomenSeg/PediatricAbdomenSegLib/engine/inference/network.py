"""The U-Net of a plan with a fold's weights, ready to be called on one tile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..models.architecture import Architecture
from ..models.nnunet_folder import NetworkPlan

if TYPE_CHECKING:
    import torch

Network = Callable[["torch.Tensor", Callable[[], None]], "torch.Tensor"]
"""``network(tile, check) -> logits``: ``(N, 1, z, y, x)`` or ``(N, 1, y, x)`` to ``(N, classes, …)``.

``check`` is called between layers and may raise, which is how a run on a slow processor is cancelled within a tile.
"""


def build_module(plan: NetworkPlan) -> torch.nn.Module:
    """The plan's network with random weights, as nnU-Net builds it (without deep supervision)."""
    import torch
    from dynamic_network_architectures.architectures import unet

    architecture = plan.architecture
    three = architecture.dimensions == 3
    plain = architecture.network_class == "PlainConvUNet"
    network_class = unet.PlainConvUNet if plain else unet.ResidualEncoderUNet
    blocks = {"n_conv_per_stage" if plain else "n_blocks_per_stage": architecture.n_conv_per_stage}
    return network_class(
        input_channels=plan.num_channels,
        num_classes=plan.num_classes,
        n_stages=architecture.n_stages,
        features_per_stage=architecture.features_per_stage,
        conv_op=torch.nn.Conv3d if three else torch.nn.Conv2d,
        kernel_sizes=architecture.kernel_sizes,
        strides=architecture.strides,
        n_conv_per_stage_decoder=architecture.n_conv_per_stage_decoder,
        conv_bias=architecture.conv_bias,
        norm_op=torch.nn.InstanceNorm3d if three else torch.nn.InstanceNorm2d,
        norm_op_kwargs={"eps": architecture.norm_eps, "affine": architecture.norm_affine},
        dropout_op=None,
        dropout_op_kwargs=None,
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"negative_slope": architecture.negative_slope, "inplace": True},
        deep_supervision=False,
        **blocks,
    )


def load_network(plan: NetworkPlan, weights: Path, device: str, dtype: str) -> Network:
    """Build the network and load a fold.

    Args:
        plan: of the configuration the weights were trained for.
        weights: ``weights.safetensors``; float16 tensors are widened to float32.
        device: as in `devices.DeviceChoice`.
        dtype: name of the torch dtype to compute in (`devices.arithmetic`).

    Raises:
        ModelError: the file is unreadable, or its tensors are not those of the plan's network.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from .fast_unet import FastUNet

    try:
        tensors = {name: tensor.float() for name, tensor in load_file(weights).items()}
    except (SafetensorError, OSError) as error:
        raise _unfit(weights, f"cannot be read: {error}") from error
    with torch.device("meta"):  # no random initialisation of weights that are replaced at once
        module = build_module(plan)
    _assign(module, tensors, weights)
    module = module.eval().requires_grad_(False)
    plain = plan.architecture.network_class == "PlainConvUNet" and plan.architecture.norm_affine
    if plain and device != "mps":  # Apple's backend has no channels-last layout for volumes
        return FastUNet(module, device, dtype)
    return _ModuleNetwork(module, plan.architecture, device, dtype)


class _ModuleNetwork:
    """Any network as it is, under autocast; ``check`` runs before each convolution."""

    def __init__(self, module: torch.nn.Module, architecture: Architecture, device: str, dtype: str) -> None:
        import torch

        self._module = module.to(device)
        self._device_type = torch.device(device).type
        self._dtype = getattr(torch, dtype)
        self._convolutions = [part for part in module.modules() if isinstance(part, torch.nn.modules.conv._ConvNd)]

    def __call__(self, tile: torch.Tensor, check: Callable[[], None]) -> torch.Tensor:
        import torch

        hooks = [part.register_forward_pre_hook(lambda *_: check()) for part in self._convolutions]
        try:
            with torch.autocast(self._device_type, self._dtype, enabled=self._dtype is not torch.float32):
                return self._module(tile)
        finally:
            for hook in hooks:
                hook.remove()


def _assign(module: torch.nn.Module, tensors: dict[str, torch.Tensor], weights: Path) -> None:
    """Put tensors into a module that shares modules under several names; one name for each is enough."""
    by_tensor: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        by_tensor.setdefault(id(parameter), []).append(name)
    complete, known = {}, set()
    for names in by_tensor.values():
        known.update(names)
        given = [name for name in names if name in tensors]
        if not given:
            raise _unfit(weights, f"lacks the tensor {names[0]}")
        complete.update(dict.fromkeys(names, tensors[given[0]]))
    for name in tensors:
        if name not in known:
            raise _unfit(weights, f"has the tensor {name}, which the network in plans.json lacks")
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if parameter.shape != complete[name].shape:
            shapes = f"{tuple(complete[name].shape)} instead of {tuple(parameter.shape)}"
            raise _unfit(weights, f"has the tensor {name} of shape {shapes}")
    module.load_state_dict(complete, assign=True)


def _unfit(weights: Path, problem: str) -> ModelError:
    return ModelError(
        f"{weights.name} in {weights.parent} {problem}.", "Install the model again from where it came from."
    )
