"""How much memory a run of a network will need."""

from __future__ import annotations

import math

from ..models.nnunet_folder import NetworkPlan

_MB = 1e6
_LIBRARIES_MB = 500.0  # interpreter, numpy, scipy and torch without CUDA


def needed_memory_mb(
    plan: NetworkPlan, shape: tuple[int, int, int], volume_shape: tuple[int, int, int], bytes_per_value: int, folds: int
) -> float:
    """Rough peak of a run on the processor in MB, on the low side.

    Args:
        plan: of the network.
        shape: of the network's whole input image.
        volume_shape: of the volume.
        bytes_per_value: of the network's arithmetic.
        folds: networks kept in memory.
    """
    architecture = plan.architecture
    tile = math.prod(plan.patch_size)
    # The finest decoder stage holds at once: skip, concatenation (2 ×), convolution's output and its normalised copy.
    activations = 5 * architecture.features_per_stage[0] * tile * bytes_per_value
    slab = min(shape[0], plan.patch_size[0] if plan.dimensions == 3 else 1) * math.prod(shape[1:])
    logits = plan.num_classes * 4 * (slab + 2 * tile)
    weights = folds * bytes_per_value * _parameters(plan)
    return _LIBRARIES_MB + (activations + logits + weights + 8 * math.prod(shape) + 3 * math.prod(volume_shape)) / _MB


def _parameters(plan: NetworkPlan) -> int:
    architecture = plan.architecture
    features = architecture.features_per_stage
    total = 0
    for stage, (width, kernel) in enumerate(zip(features, architecture.kernel_sizes, strict=True)):
        before = features[stage - 1] if stage else plan.num_channels
        total += math.prod(kernel) * width * (before + width * (2 * architecture.n_conv_per_stage[stage] - 1))
    return total
