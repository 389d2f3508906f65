"""What a run will cost, before it is started: tiles, arithmetic, memory and time. Needs neither torch nor scipy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..cases.volume import Volume
from ..geometry import canonical_reorientation, reoriented_geometry
from ..models.nnunet_folder import NetworkPlan, find_weights, read_network_plan
from ..models.store import Bundle
from ..models.weights_file import read_weights_metadata
from ..runtime.hardware import Device
from .body_crop import Box
from .memory import needed_memory_mb
from .model_cache import choose_configuration
from .preprocessing import plan_axes
from .tiles import tile_count

TYPICAL_TILES = 20
"""Of a child's abdomen at 512 × 512 × 190, cropped to the body, in the published configuration."""

_GRID_MM = 6.0  # as fine as a number of tiles needs
_TISSUE_HU = -300
_LEAST_BODY_ML = 100.0
_CUDA_CONTEXT_MB = 600.0
# Share of the trial convolution's speed that a whole network reaches. Processor: measured on the published architecture
# (142 of 140 GFLOP per CPU second), less what a second thread loses. GPU: an assumption, none was at hand.
_EFFICIENCY = {"cpu": 0.9, "gpu": 0.5}
_FIXED_S = 5.0  # to load a model, write the files and draw the preview
_SECONDS_PER_MEGAVOXEL = 0.2  # to read, resample, label and compress; 10 s for 512 × 512 × 190


@dataclass(frozen=True)
class RunEstimate:
    """What a run will need.

    Attributes:
        tiles: places of the sliding window.
        passes: times each of them is computed: folds × mirrorings.
        teraflop: of the whole run.
        memory_mb: of the computer, when the network runs on the processor; rough, on the low side.
        gpu_memory_mb: of a GPU, when it runs there; rough, on the low side.
        megavoxels: of the volume.
        body: box around the body on the volume in canonical order; None when nothing of a body's size was found.
    """

    tiles: int
    passes: int
    teraflop: float
    memory_mb: float
    gpu_memory_mb: float
    megavoxels: float
    body: Box | None

    def seconds(self, device: Device) -> float | None:
        """Expected time on a device; None when its speed is not known. Right within a factor of two."""
        return run_seconds(self.teraflop, self.megavoxels, device)


def estimate_run(
    volume: Volume,
    bundle: Bundle,
    configuration: str | None = None,
    folds: tuple[str, ...] | None = None,
    mirror: bool | None = None,
) -> RunEstimate:
    """Estimate a run.

    Args:
        volume: the CT.
        bundle: the model.
        configuration, folds, mirror: as in `InferenceOptions`.

    Raises:
        ModelError: the bundle is broken or lacks the configuration or a fold.
    """
    plan, passes = plan_and_passes(bundle, configuration, folds, mirror)
    reorientation = canonical_reorientation(volume.geometry.affine)
    canonical = reorientation.apply(volume.array)
    spacing_mm = tuple(float(value) for value in reoriented_geometry(volume.geometry, reorientation).spacing_mm)
    body = body_box(canonical, spacing_mm)
    order = plan.transpose_forward
    axes, _ = plan_axes(
        tuple(canonical.shape[axis] for axis in order),
        tuple(spacing_mm[axis] for axis in order),
        plan,
        None if body is None else tuple(body[axis] for axis in order),
    )
    shape = tuple(axis.length for axis in axes)
    patch = (1, *plan.patch_size) if plan.dimensions == 2 else plan.patch_size
    tiles = math.prod(size if tile == 1 else tile_count(size, tile) for size, tile in zip(shape, patch, strict=True))
    fold_count = len(find_weights(bundle.folder, plan.configuration, folds))
    return RunEstimate(
        tiles=tiles,
        passes=passes,
        teraflop=tiles * passes * tile_gflop(plan) / 1000,
        memory_mb=needed_memory_mb(plan, shape, volume.array.shape, 4, fold_count),
        gpu_memory_mb=_CUDA_CONTEXT_MB + needed_memory_mb(plan, shape, (0, 0, 0), 2, fold_count),
        megavoxels=volume.array.size / 1e6,
        body=body,
    )


def plan_and_passes(
    bundle: Bundle, configuration: str | None, folds: tuple[str, ...] | None, mirror: bool | None
) -> tuple[NetworkPlan, int]:
    """The network of a run, and how often it is called per tile. Raises `ModelError`."""
    name = choose_configuration(bundle, configuration)
    plan = read_network_plan(bundle.folder, name)
    weights = find_weights(bundle.folder, name, folds)
    axes = read_weights_metadata(next(iter(weights.values()))).mirror_axes if mirror is not False else ()
    return plan, len(weights) * 2 ** sum(axis < plan.dimensions for axis in axes)


def typical_seconds(bundle: Bundle, device: Device, tiles: int = TYPICAL_TILES) -> float | None:
    """Expected time of a typical case with the model's defaults, before a volume is chosen. Raises `ModelError`."""
    plan, passes = plan_and_passes(bundle, None, None, None)
    return run_seconds(tiles * passes * tile_gflop(plan) / 1000, 50.0, device)


def run_seconds(teraflop: float, megavoxels: float, device: Device) -> float | None:
    """Expected time of a run on a device; None when its speed is not known."""
    if not device.gflops:
        return None
    speed = device.gflops * _EFFICIENCY["cpu" if device.name == "cpu" else "gpu"]
    return _FIXED_S + _SECONDS_PER_MEGAVOXEL * megavoxels + 1000 * teraflop / speed


def tile_gflop(plan: NetworkPlan) -> float:
    """Operations of one pass over one tile in 10⁹, a multiply-add counted as two; norms and skips left out."""
    architecture = plan.architecture
    residual = architecture.network_class == "ResidualEncoderUNet"
    features, kernels = architecture.features_per_stage, [math.prod(kernel) for kernel in architecture.kernel_sizes]
    voxels, sizes = math.prod(plan.patch_size), []
    for strides in architecture.strides:
        voxels /= math.prod(strides)
        sizes.append(voxels)
    products = 0.0
    for stage, width in enumerate(features):
        before = features[stage - 1] if stage else plan.num_channels
        convolutions = architecture.n_conv_per_stage[stage] * (2 if residual else 1)
        products += sizes[stage] * kernels[stage] * width * (before + (convolutions - 1) * width)
    for stage, convolutions in zip(
        reversed(range(len(features) - 1)), architecture.n_conv_per_stage_decoder, strict=True
    ):
        width = features[stage]
        products += sizes[stage] * width * features[stage + 1]  # transposed convolution: kernel equals stride
        products += sizes[stage] * kernels[stage] * width * (2 * width + (convolutions - 1) * width)
    products += sizes[0] * features[0] * plan.num_classes
    return 2 * products / 1e9


def body_mask(array: np.ndarray, spacing_mm: tuple[float, float, float]) -> tuple[np.ndarray, tuple[int, int, int]]:
    """The largest piece of tissue on a coarse grid, without table and clothes; all False when there is no tissue.

    Args:
        array: Hounsfield units ``(z, y, x)``.
        spacing_mm: voxel distance along ``(z, y, x)``.

    Returns:
        bool mask, and the step between its voxels per axis.
    """
    steps = tuple(max(1, round(_GRID_MM / spacing)) for spacing in spacing_mm)
    tissue = (array[:: steps[0], :: steps[1], :: steps[2]] > _TISSUE_HU).astype(np.uint8)
    # In-plane only: a body goes on beyond the first and last slice, and thin slices of a coarse grid must not vanish.
    opened = sitk.BinaryMorphologicalOpening(sitk.GetImageFromArray(tissue), (1, 1, 0), sitk.sitkBall)
    numbered = sitk.GetArrayFromImage(sitk.ConnectedComponent(opened))
    sizes = np.bincount(numbered.ravel())
    sizes[0] = 0
    return (numbered == sizes.argmax()) & (numbered > 0), steps


def body_box(array: np.ndarray, spacing_mm: tuple[float, float, float]) -> Box | None:
    """Box around `body_mask`, in voxels of ``array``; None where it is no body's size."""
    mask, steps = body_mask(array, spacing_mm)
    voxel_ml = math.prod(step * spacing for step, spacing in zip(steps, spacing_mm, strict=True)) / 1000
    if mask.sum() * voxel_ml < _LEAST_BODY_ML:
        return None
    box = []
    for axis, step in enumerate(steps):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append((int(hit[0]) * step, min(int(hit[-1] + 1) * step, array.shape[axis])))
    return tuple(box)
