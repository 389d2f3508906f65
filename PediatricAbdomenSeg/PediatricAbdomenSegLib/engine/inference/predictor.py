"""The sliding window: logits of the whole image, handed out slab by slab so that they never exist all at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ResourceError
from .network import Network
from .tiles import gaussian_weights, padding_to, tile_starts

if TYPE_CHECKING:
    import torch

_SLICES_AT_ONCE = 4  # of a 2-D network on a GPU; a processor is kept busy by one


@dataclass(frozen=True)
class Slab:
    """Finished logits.

    Attributes:
        start: first slice along the image's first axis.
        logits: float32 ``(slices, y, x, classes)``, mean over tiles, mirrorings and folds.
    """

    start: int
    logits: torch.Tensor


@dataclass(frozen=True)
class Window:
    """How the image is tiled and predicted.

    Attributes:
        patch_size: three values, or two for a network that sees single slices.
        num_classes: background included.
        mirror_axes: spatial axes of the patch that are flipped; every combination is averaged.
        device: where the networks are.
        keep_on: where logits are summed up and turned into labels: ``device``, or "cpu" to spare its memory.
        extend_slabs: fill an axis that is shorter than half the patch by reflection instead of zeros.
    """

    patch_size: tuple[int, ...]
    num_classes: int
    mirror_axes: tuple[int, ...]
    device: str
    keep_on: str
    extend_slabs: bool = False


def predict(
    image: np.ndarray,
    networks: Sequence[Network],
    window: Window,
    on_tile: Callable[[int, int], None],
    check: Callable[[], None],
) -> Iterator[Slab]:
    """Run the networks over an image; to be iterated under ``torch.inference_mode``.

    Args:
        image: float32 ``(z, y, x)``, normalised, on the network's grid.
        networks: one per fold; their logits are averaged, as in nnU-Net.
        window: see there.
        on_tile: called with (tiles done, tiles in all) after each tile.
        check: called between layers; may raise.

    Yields:
        Slabs that cover the image's first axis in order, without gap or overlap.

    Raises:
        ResourceError: the device computes values that are no numbers.
    """
    import torch

    two_dimensional = len(window.patch_size) == 2
    patch = (1, *window.patch_size) if two_dimensional else window.patch_size
    padding = padding_to(image.shape, patch)
    padded = torch.from_numpy(_pad(image, padding, window.extend_slabs)).to(window.keep_on)
    starts = [tile_starts(size, tile) for size, tile in zip(padded.shape, patch, strict=True)]
    if two_dimensional:
        step = _SLICES_AT_ONCE if window.device.startswith("cuda") else 1
        patch, starts[0] = (step, *patch[1:]), tuple(range(0, padded.shape[0], step))
    weights = torch.from_numpy(gaussian_weights(window.patch_size).copy()).to(window.keep_on)
    inner = tuple(slice(low, low + size) for (low, _), size in zip(padding[1:], image.shape[1:], strict=True))
    first, last = padding[0][0], padding[0][0] + image.shape[0]
    done, total = 0, len(starts[0]) * len(starts[1]) * len(starts[2])
    sums = torch.zeros((patch[0], *padded.shape[1:], window.num_classes), device=window.keep_on)
    norm = torch.zeros((patch[0], *padded.shape[1:]), device=window.keep_on)
    for row, z in enumerate(starts[0]):
        for y, x in itertools.product(starts[1], starts[2]):
            plane = slice(y, y + patch[1]), slice(x, x + patch[2])
            tile = padded[(slice(z, z + patch[0]), *plane)]
            logits = _mean_logits(tile, networks, window, check)
            sums[(slice(0, len(tile)), *plane)].addcmul_(logits, weights[..., None])
            norm[(slice(0, len(tile)), *plane)] += weights
            done += 1
            on_tile(done, total)
        final_row = row + 1 == len(starts[0])
        finished = min(patch[0], len(padded) - z) if final_row else starts[0][row + 1] - z
        low, high = max(z, first) - z, min(z + finished, last) - z
        if high > low:
            part = (slice(low, high), *inner)
            logits = sums[part] / norm[part][..., None]
            _require_numbers(logits, window.device)
            yield Slab(z + low - first, logits)
        if not final_row:
            _shift_down(sums, finished)
            _shift_down(norm, finished)


def _require_numbers(logits: torch.Tensor, device: str) -> None:
    """Some graphics cards overflow or fail in half precision; a label chosen among such values would mean nothing."""
    if not math.isfinite(float(logits.sum())):  # a twentieth of the time of looking at each value
        raise ResourceError(
            f"The network's output on {device} holds values that are no numbers.",
            "Choose exact arithmetic (float32) or the device cpu; if that is no better, the model is damaged.",
        )


def _mean_logits(
    tile: torch.Tensor, networks: Sequence[Network], window: Window, check: Callable[[], None]
) -> torch.Tensor:
    """Logits of one tile ``(z, y, x, classes)``, float32, averaged over mirrorings and folds."""
    import torch

    two_dimensional = len(window.patch_size) == 2
    batch = (tile[:, None] if two_dimensional else tile[None, None]).to(window.device)
    total, count = None, 0
    for flipped in _combinations(window.mirror_axes):
        dims = [axis + 2 for axis in flipped]
        turned = torch.flip(batch, dims) if dims else batch
        for network in networks:
            logits = network(turned, check)
            logits = (torch.flip(logits, dims) if dims else logits).float()
            total = logits if total is None else total.add_(logits)
            count += 1
    if count > 1:
        total /= count
    total = total.movedim(1, -1)
    return (total if two_dimensional else total[0]).to(window.keep_on)


def _pad(image: np.ndarray, padding: Sequence[tuple[int, int]], extend_slabs: bool) -> np.ndarray:
    """Fill an image up to the patch: with zeros as nnU-Net, or a thin slab by reflection.

    Zeros are what a network saw in training at the ends of short scans, but a few slices between nothing but zeros it
    never saw: on a phantom of 25 slices of 2 mm the mean DSC rises from 0.60 to 0.79 with reflection.
    """
    for axis, pair in enumerate(padding):
        if sum(pair):
            thin = extend_slabs and sum(pair) > image.shape[axis]
            pairs = [pair if other == axis else (0, 0) for other in range(image.ndim)]
            image = np.pad(image, pairs, mode="symmetric" if thin else "constant")
    return image


def _combinations(axes: Sequence[int]) -> list[tuple[int, ...]]:
    return [chosen for count in range(len(axes) + 1) for chosen in itertools.combinations(axes, count)]


def _shift_down(slab: torch.Tensor, slices: int) -> None:
    """Drop the first slices of an accumulator and clear as many at its end."""
    kept = slab.shape[0] - slices
    if kept > 0:
        slab[:kept] = slab[slices:].clone()
    slab[max(kept, 0) :] = 0
