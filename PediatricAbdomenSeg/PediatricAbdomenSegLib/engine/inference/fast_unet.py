"""PlainConvUNet as plain function calls: the same arithmetic as the module, about 1.6 times as fast on a processor.

What is gained (measured on the published architecture, float32, one thread: 15 s to 10 s a tile):
channels-last memory throughout; instance normalisation of a single tile as batch normalisation with its own statistics,
which spares torch's layout copies; no bias in convolutions whose mean is subtracted right after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Check = Callable[[], None]

_PRODUCTS_AT_ONCE = 3e10
"""Multiplications of one call into torch, which cannot be interrupted: about half a second on two cores."""


@dataclass(frozen=True)
class _Block:
    """Convolution, instance normalisation, leaky ReLU."""

    weight: torch.Tensor
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    scale: torch.Tensor
    shift: torch.Tensor
    eps: float
    negative_slope: float

    def __call__(self, image: torch.Tensor, check: Check) -> torch.Tensor:
        import torch

        functional = torch.nn.functional
        check()
        image = _convolve(image, self.weight, self.stride, self.padding, check)
        check()
        if image.shape[0] == 1:
            image = torch.batch_norm(image, self.scale, self.shift, None, None, True, 0.0, self.eps, False)
        else:
            scale, shift = self.scale.to(image.dtype), self.shift.to(image.dtype)
            image = functional.instance_norm(image, None, None, scale, shift, True, 0.0, self.eps)
        return functional.leaky_relu_(image, self.negative_slope)


@dataclass(frozen=True)
class _Upsampling:
    weight: torch.Tensor
    bias: torch.Tensor | None
    stride: tuple[int, ...]

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        import torch

        functional = torch.nn.functional
        convolve = functional.conv_transpose3d if self.weight.ndim == 5 else functional.conv_transpose2d
        return convolve(image, self.weight, self.bias, self.stride)


class FastUNet:
    """Callable of the type `network.Network` made from a PlainConvUNet with affine instance normalisation."""

    def __init__(self, module: torch.nn.Module, device: str, dtype: str) -> None:
        import torch

        self._device, self._dtype = device, getattr(torch, dtype)
        self._encoder = [self._blocks(stage[-1]) for stage in module.encoder.stages]
        self._decoder = [self._blocks(stage) for stage in module.decoder.stages]
        self._upsamplings = [
            _Upsampling(self._weight(layer.weight), self._cast(layer.bias), layer.stride)
            for layer in module.decoder.transpconvs
        ]
        head = module.decoder.seg_layers[-1]
        self._head = self._weight(head.weight), self._cast(head.bias)

    def __call__(self, tile: torch.Tensor, check: Check) -> torch.Tensor:
        import torch

        image = tile.to(self._device, self._dtype).contiguous(memory_format=_channels_last(tile.ndim))
        skips = []
        for stage in self._encoder:
            for block in stage:
                image = block(image, check)
            skips.append(image)
        skips.pop()
        for upsample, stage in zip(self._upsamplings, self._decoder, strict=True):
            check()
            image = torch.cat((upsample(image), skips.pop()), 1)
            for block in stage:
                image = block(image, check)
        check()
        convolve = torch.nn.functional.conv3d if image.ndim == 5 else torch.nn.functional.conv2d
        return convolve(image, *self._head)

    def _blocks(self, stage: torch.nn.Module) -> list[_Block]:
        return [
            _Block(
                weight=self._weight(block.conv.weight),
                stride=block.conv.stride,
                padding=block.conv.padding,
                scale=block.norm.weight.detach().float().to(self._device),
                shift=block.norm.bias.detach().float().to(self._device),
                eps=block.norm.eps,
                negative_slope=block.nonlin.negative_slope,
            )
            for block in stage.convs
        ]

    def _weight(self, weight: torch.Tensor) -> torch.Tensor:
        return self._cast(weight).contiguous(memory_format=_channels_last(weight.ndim))

    def _cast(self, tensor: torch.Tensor | None) -> torch.Tensor | None:
        return None if tensor is None else tensor.detach().to(self._device, self._dtype)


def _convolve(
    image: torch.Tensor, weight: torch.Tensor, stride: tuple[int, ...], padding: tuple[int, ...], check: Check
) -> torch.Tensor:
    """A convolution without bias; a long one on a processor in parts along z, with a look at the token in between."""
    import torch

    if image.ndim == 4:
        return torch.nn.functional.conv2d(image, weight, None, stride, padding)
    depth, halo = image.shape[2], padding[0]
    products = weight.numel() * (image.numel() // image.shape[1]) / (stride[0] * stride[1] * stride[2])
    rows = depth if products <= _PRODUCTS_AT_ONCE else max(1, int(depth * _PRODUCTS_AT_ONCE / products))
    if rows == depth or stride[0] != 1 or image.device.type != "cpu":
        return torch.nn.functional.conv3d(image, weight, None, stride, padding)
    result = None
    for start in range(0, depth, rows):
        check()
        stop = min(start + rows, depth)
        outer = start == 0 or stop == depth  # only there z is padded, at the cost of a few rows that are dropped
        low, high = max(0, start - halo), min(depth, stop + halo)
        part = torch.nn.functional.conv3d(
            image[:, :, low:high], weight, None, stride, (halo if outer else 0, *padding[1:])
        )
        first = start - low if outer else 0
        if result is None:
            shape = (*part.shape[:2], depth, *part.shape[3:])
            result = torch.empty(shape, dtype=part.dtype, memory_format=torch.channels_last_3d)
        result[:, :, start:stop] = part[:, :, first : first + stop - start]
    return result


def _channels_last(ndim: int) -> torch.memory_format:
    import torch

    return torch.channels_last_3d if ndim == 5 else torch.channels_last
