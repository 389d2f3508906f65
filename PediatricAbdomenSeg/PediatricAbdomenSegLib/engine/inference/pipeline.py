"""From a volume and a bundle to a label map on the volume's own grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..cases.volume import LabelMap, Volume
from ..errors import InputError, UsageError
from ..models.nnunet_folder import NetworkPlan, find_weights, read_network_plan
from ..models.store import Bundle
from ..models.weights_file import read_weights_metadata
from ..organs import organ_by_key
from ..progress import CancelToken, OnProgress, StageProgress, ignore_progress
from ..system_memory import available_memory_mb, peak_memory_mb, require_memory
from .devices import arithmetic, choose_device
from .fallback import run_where_memory_suffices
from .memory import needed_memory_mb
from .model_cache import ModelCache, choose_configuration
from .postprocessing import postprocess
from .predictor import Window, predict
from .preprocessing import PreparedCase, prepare
from .quality import OrganResult, assess
from .streaming_resample import labels_on_source_grid
from .uncertainty import entropy_on_source_grid, mean_entropies, with_entropy

_STAGE_WEIGHTS = {"prepare": 6.0, "load_model": 4.0, "network": 85.0, "postprocess": 5.0}
_MEMORY_HINT = "Close other programs, choose a low-resolution configuration or a GPU, or crop the images."
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True)
class InferenceOptions:
    """What a user can choose.

    Attributes:
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        configuration: None: 3d_fullres where the bundle has it.
        folds: names ("0" … "4", "all"); None: all there are.
        mirror: None or True: average over the mirror axes the checkpoint allows, as stock nnU-Net; False: never.
        exact: as stock nnU-Net computes it: no body crop, float32.
        organs: keys wanted in the label map; None: all the bundle knows.
        low_memory: keep the logits in the computer's memory from the start, and do not keep the model for later.
        entropy: also map how unsure the network is, see `uncertainty`.
    """

    device: str = "auto"
    configuration: str | None = None
    folds: tuple[str, ...] | None = None
    mirror: bool | None = None
    exact: bool = False
    organs: tuple[str, ...] | None = None
    low_memory: bool = False
    entropy: bool = False


@dataclass(frozen=True)
class Segmentation:
    """What a run found, and how.

    Attributes:
        label_map: labels of the organ table on exactly the volume's grid.
        organs: one result per organ asked for, in label order.
        quality: flags of the whole case.
        notes: what the user should know about the run, for example a GPU that was passed over.
        bundle_name, bundle_sha256, status: of the model.
        device: where the network ran: "cpu", "mps" or "cuda:N".
        dtype: what it computed in: "float32", "bfloat16" or "float16".
        configuration, folds: of the model.
        seconds: wall time by stage.
        peak_memory_mb: largest resident memory of the process so far (0 where the system does not say).
        entropy: uint8 on the volume's grid, 255 for an entropy of 1, 0 where the network did not look; None when not
            asked for.
    """

    label_map: LabelMap
    organs: tuple[OrganResult, ...]
    quality: tuple[str, ...]
    notes: tuple[str, ...]
    bundle_name: str
    bundle_sha256: str
    status: str
    device: str
    dtype: str
    configuration: str
    folds: tuple[str, ...]
    seconds: dict[str, float]
    peak_memory_mb: float
    entropy: np.ndarray | None = None


def segment(
    volume: Volume,
    bundle: Bundle,
    options: InferenceOptions | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
    models: ModelCache | None = None,
) -> Segmentation:
    """Segment a volume.

    Args:
        volume: a CT (or whatever modality the bundle is for).
        bundle: the model; its files are compared with the manifest before weights are loaded.
        options: None: all defaults.
        on_progress: receives the stages "prepare", "load_model", "network" and "postprocess".
        cancel: looked at between slices, tiles and the network's layers.
        models: networks that stay in memory between calls; None: they do not.

    Raises:
        UsageError: an unknown device, organ or fold.
        InputError: the volume is not what the bundle is for.
        ModelError: the bundle is altered, broken or lacks the configuration.
        ResourceError: the device cannot run or memory does not suffice.
        Cancelled: ``cancel`` was used.
    """
    options, models = options or InferenceOptions(), models or ModelCache(capacity=1)
    cancel = cancel or CancelToken()
    progress = StageProgress(_STAGE_WEIGHTS, on_progress, cancel)
    keys = _wanted_organs(bundle, options.organs)
    _check_modality(volume, bundle)
    progress.report("prepare")
    device = choose_device(options.device)
    configuration = choose_configuration(bundle, options.configuration)
    plan = read_network_plan(bundle.folder, configuration)
    weights = find_weights(bundle.folder, configuration, options.folds)
    folds = tuple(weights)
    window_hu, check = bundle.manifest.intensity_window_hu, cancel.raise_if_cancelled
    case = prepare(volume, plan, window_hu, whole_field=options.exact, check=check)
    run = _Run(case, plan, bundle, folds, options, models, progress, cancel)
    (classes, entropy), device = run_where_memory_suffices(
        device, partial(_predict, run), partial(_release, models), spare=options.low_memory
    )
    if options.low_memory:
        _release(models, device.name)
    progress.report("postprocess")
    labels = _organ_labels(case.to_volume_grid(classes), bundle, keys)
    label_map = LabelMap(labels, volume.geometry)
    steps = {key: step for key, step in bundle.manifest.postprocessing.items() if key in keys}
    label_map = postprocess(label_map, steps, bundle.manifest.minimum_volume_ml, check)
    progress.report("postprocess", 0.5)
    age_years = volume.references.patient_age_years if volume.references else None
    assessment = assess(label_map, keys, age_years, check)
    organs = assessment.organs
    if entropy is not None:
        entropy = case.to_volume_grid(entropy)
        means = mean_entropies(label_map.array, entropy)
        organs = tuple(replace(organ, mean_entropy=means.get(organ.label)) for organ in organs)
    progress.report("postprocess", 1.0)
    return Segmentation(
        label_map=label_map,
        organs=organs,
        quality=assessment.case_flags,
        notes=(*device.notes, *_mirror_notes(options, next(iter(weights.values())))),
        bundle_name=bundle.manifest.name,
        bundle_sha256=bundle.sha256,
        status=bundle.manifest.status,
        device=device.name,
        dtype=arithmetic(device.name, options.exact),
        configuration=configuration,
        folds=folds,
        seconds=progress.finish(),
        peak_memory_mb=peak_memory_mb(),
        entropy=entropy,
    )


@dataclass(frozen=True)
class _Run:
    case: PreparedCase
    plan: NetworkPlan
    bundle: Bundle
    folds: tuple[str, ...]
    options: InferenceOptions
    models: ModelCache
    progress: StageProgress
    cancel: CancelToken


def _predict(run: _Run, device: str, keep_on: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Class numbers and, where it is asked for, entropy, uint8, for the source voxels of the case's axes."""
    import torch

    dtype = arithmetic(device, run.options.exact)
    if device == "cpu":
        needed = needed_memory_mb(run.plan, run.case.image.shape, run.case.shape, _BYTES[dtype], len(run.folds))
        require_memory(needed, available_memory_mb(), "The run", _MEMORY_HINT)
    run.progress.report("load_model")
    model = run.models.load(run.bundle, run.plan.configuration, run.folds, device, dtype, run.cancel.raise_if_cancelled)
    run.progress.report("network")
    window = Window(
        patch_size=model.plan.patch_size,
        num_classes=model.plan.num_classes,
        mirror_axes=() if run.options.mirror is False else model.mirror_axes,
        device=device,
        keep_on=keep_on,
        extend_slabs=not run.options.exact,
    )

    def on_tile(done: int, total: int) -> None:
        run.progress.report("network", done / total)

    # TF32 has ten bits of mantissa, which is not what "exact" promises; cuDNN's own choice of algorithms by timing
    # (benchmark) would give other last bits on every run.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
        slabs = predict(run.case.image, model.networks, window, on_tile, run.cancel.raise_if_cancelled)
        if not run.options.entropy:
            return labels_on_source_grid(slabs, run.case.axes), None
        entropy = np.empty(run.case.image.shape, np.float32)
        labels = labels_on_source_grid(with_entropy(slabs, entropy), run.case.axes)
        return labels, entropy_on_source_grid(entropy, run.case.axes)


def _release(models: ModelCache, device: str) -> None:
    """Give back what a device's failed run left behind."""
    models.forget(device)
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


def _wanted_organs(bundle: Bundle, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """Organ keys in label order."""
    known = tuple(sorted(bundle.manifest.organs.values(), key=lambda key: organ_by_key(key).label))
    if wanted is None:
        return known
    for key in wanted:
        organ_by_key(key)
        if key not in known:
            raise UsageError(
                f'Model "{bundle.manifest.name}" does not segment {key}.', f"It segments {', '.join(known)}."
            )
    if not wanted:
        raise UsageError("No organ is asked for.", f"Choose from {', '.join(known)}.")
    return tuple(key for key in known if key in wanted)


def _mirror_notes(options: InferenceOptions, weights: Path) -> tuple[str, ...]:
    if not options.mirror or read_weights_metadata(weights).mirror_axes:
        return ()
    return ("Nothing was mirrored: this model was trained without mirroring.",)


def _check_modality(volume: Volume, bundle: Bundle) -> None:
    expected = bundle.manifest.modality
    if volume.modality and volume.modality != expected:
        raise InputError(
            f'{volume.source or "The volume"} is of modality {volume.modality}; model "{bundle.manifest.name}" '
            f"is for {expected}.",
            f"Choose a {expected} series or another model.",
        )


def _organ_labels(classes: np.ndarray, bundle: Bundle, keys: tuple[str, ...]) -> np.ndarray:
    """Turn the network's class numbers into labels of the organ table; organs not wanted become background."""
    table = np.zeros(256, np.uint8)
    for value, key in bundle.manifest.organs.items():
        if key in keys:
            table[value] = organ_by_key(key).label
    return table[classes]
