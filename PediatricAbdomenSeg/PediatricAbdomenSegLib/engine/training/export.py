"""From nnU-Net's results folder to a bundle folder that runs without nnU-Net and without pickles.

Which weights are kept: nnU-Net's network registers most modules several times. The decoder holds the whole encoder
(``decoder.encoder.*``), and every convolution block holds its layers a second time in a sequence (``*.all_modules.*``).
A checkpoint stores each of these names; only the first one of each tensor is kept, which are ``encoder.stages.*``,
``decoder.stages.*``, ``decoder.transpconvs.*`` and ``decoder.seg_layers.*`` with the layers' own names ``conv`` and
``norm``. A network built from the plans has its aliases by itself: loading the kept names fills all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..checksums import sha256_of_file
from ..errors import ModelError
from ..models.manifest import BundleManifest, write_manifest
from ..models.weights_file import WEIGHTS_NAME, WeightsMetadata
from .driver import CONFIGURATION, FOLD
from .recipes import Recipe

DISCLAIMER = "Trained on synthetic phantoms; demonstration model, not for clinical use."
LICENCE = "Apache-2.0"
VERSION = "1"
AGE_RANGE_YEARS = (0.0, 17.0)

# What the network needs; the rest of the plans are names of folders and facts about the training data.
_KEPT_PLANS = (
    "plans_name",
    "image_reader_writer",
    "transpose_forward",
    "transpose_backward",
    "experiment_planner_used",
    "label_manager",
    "foreground_intensity_properties_per_channel",
    "original_median_spacing_after_transp",
    "original_median_shape_after_transp",
)


def is_alias(name: str) -> bool:
    """Whether a name in the network's state dict is a second name of a tensor; see the module's docstring."""
    return name.startswith("decoder.encoder.") or ".all_modules." in name


def without_aliases(weights: Mapping) -> dict:
    """The state dict with one name for each tensor.

    Raises:
        ModelError: a tensor that would be dropped has no kept twin, so this is another kind of network.
    """
    kept = {name: tensor for name, tensor in weights.items() if not is_alias(name)}
    storages = {tensor.data_ptr() for tensor in kept.values()}
    for name, tensor in weights.items():
        if name not in kept and tensor.data_ptr() not in storages:
            raise ModelError(f"The weights {name} would be lost.", "Export a PlainConvUNet of nnU-Net.")
    return kept


def export_bundle(results: Path, recipe: Recipe, output: Path, training_data: str) -> Path:
    """Write the bundle of a finished training.

    Args:
        results: nnU-Net's results folder, which holds ``fold_0/checkpoint_final.pth``.
        recipe: what was trained.
        output: folder that receives the folder ``recipe.name``; a bundle of this name there is replaced.
        training_data: for the manifest: how many phantoms, which seeds, which command.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: there is no finished training in ``results``.
    """
    checkpoint_path = results / f"fold_{FOLD}" / "checkpoint_final.pth"
    if not checkpoint_path.is_file():
        raise ModelError(f"{checkpoint_path} does not exist.", "Finish the training first.")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=f".{recipe.name}.") as temporary:
        partial = Path(temporary) / recipe.name
        partial.mkdir()
        _write_weights(checkpoint_path, partial / f"fold_{FOLD}" / WEIGHTS_NAME)
        plans = json.loads((results / "plans.json").read_text(encoding="utf-8"))
        trimmed = {key: plans[key] for key in _KEPT_PLANS} | {
            "dataset_name": recipe.dataset_name,
            "configurations": {CONFIGURATION: plans["configurations"][CONFIGURATION]},
        }
        _write_json(partial / "plans.json", trimmed)
        shutil.copyfile(results / "dataset.json", partial / "dataset.json")
        write_manifest(partial, _manifest(recipe, partial, training_data))
        final = output / recipe.name
        if final.exists():
            os.replace(final, Path(temporary) / "before")
        os.replace(partial, final)
    return final


def _write_weights(checkpoint_path: Path, path: Path) -> None:
    import numpy as np
    import torch
    from safetensors.torch import save

    numpy_scalars = [np._core.multiarray.scalar, np.dtype, np.dtypes.Float32DType, np.dtypes.Float64DType]
    with torch.serialization.safe_globals(numpy_scalars):  # in the log that nnU-Net keeps beside the weights
        checkpoint = torch.load(checkpoint_path, map_location="cpu", weights_only=True)
    metadata = WeightsMetadata(
        CONFIGURATION, checkpoint["trainer_name"], tuple(checkpoint["inference_allowed_mirroring_axes"] or ())
    )
    # Half the size; inference computes in float32 and the rounding is far below the noise of the training.
    halves = {
        name: tensor.half().contiguous() for name, tensor in without_aliases(checkpoint["network_weights"]).items()
    }
    path.parent.mkdir()
    path.write_bytes(save(halves, metadata=metadata.to_header()))  # save_file would make it readable for us only


def _manifest(recipe: Recipe, folder: Path, training_data: str) -> BundleManifest:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return BundleManifest(
        name=recipe.name,
        title=recipe.title,
        version=VERSION,
        target=recipe.target,
        modality="CT",
        organs=dict(enumerate(recipe.organ_keys, start=1)),
        fusion_priority=(),
        intensity_window_hu=recipe.intensity_window_hu,
        contrast=recipe.contrast,
        age_range_years=AGE_RANGE_YEARS,
        postprocessing=dict.fromkeys(recipe.single_piece_organs, "largest_component"),
        training_data=f"{training_data} {DISCLAIMER}",
        licence=LICENCE,
        intended_use=f"To show and to test the software. {DISCLAIMER}",
        status="demonstration",
        citation="",
        files={path.relative_to(folder).as_posix(): sha256_of_file(path) for path in paths},
        minimum_volume_ml=recipe.minimum_volume_ml,
    )


def _write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
