"""Stock nnunetv2 on one of our bundles: what tests and benchmarks compare the engine with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from PediatricAbdomenSegLib.engine.inference.network import build_module
from PediatricAbdomenSegLib.engine.models.nnunet_folder import find_weights, read_network_plan
from PediatricAbdomenSegLib.engine.models.store import Bundle
from PediatricAbdomenSegLib.engine.models.weights_file import read_weights_metadata


def write_results_folder(bundle: Bundle, configuration: str, folder: Path) -> tuple[str, ...]:
    """Turn a bundle into an nnU-Net results folder with ``fold_N/checkpoint_final.pth``; returns the folds."""
    import torch
    from safetensors.torch import load_file

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("plans.json", "dataset.json"):
        shutil.copyfile(bundle.folder / name, folder / name)
    plan = read_network_plan(bundle.folder, configuration)
    weights = find_weights(bundle.folder, configuration)
    for fold, path in weights.items():
        metadata = read_weights_metadata(path)
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        checkpoint = {
            "network_weights": _under_every_name(build_module(plan), load_file(path)),
            "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": configuration},
            "inference_allowed_mirroring_axes": metadata.mirror_axes or None,
        }
        torch.save(checkpoint, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return tuple(weights)


def stock_predictor(results_folder: Path, folds: tuple[str, ...], mirror: bool = True):
    """An ``nnUNetPredictor`` on the processor, with nnU-Net's own defaults."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(use_mirroring=mirror, device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(results_folder), folds, "checkpoint_final.pth")
    return predictor


def stock_labels(predictor, array: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """The network's class numbers on the array's grid, ``(z, y, x)`` in LPS order."""
    properties = {"spacing": [float(value) for value in spacing_mm]}
    return predictor.predict_single_npy_array(array[None].astype(np.float32), properties)


def _under_every_name(module, tensors: dict) -> dict:
    """nnU-Net saves shared modules under several names; safetensors files hold each tensor once."""
    by_tensor: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        by_tensor.setdefault(id(parameter), []).append(name)
    complete = {}
    for names in by_tensor.values():
        given = next(name for name in names if name in tensors)
        complete.update(dict.fromkeys(names, tensors[given].float()))
    return complete
