"""Drives nnunetv2 from raw images to trained weights: fingerprint, plan, preprocess, train."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ResourceError, UsageError
from .dataset import class_weights
from .planner import limited_planner
from .recipes import NetworkSize, Schedule
from .trainer import phantom_trainer_class

CONFIGURATION = "3d_fullres"
PLANS_NAME = "nnUNetPlans"
FOLD = 0


@contextmanager
def nnunet_folders(work: Path) -> Iterator[None]:
    """Point nnunetv2, which finds its folders in the environment, at sub-folders of ``work`` for a while."""
    ours = {name: str(work / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    ours["nnUNet_n_proc_DA"] = "1"
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def plan_and_preprocess(work: Path, dataset_id: int, network: NetworkSize, processes: int) -> None:
    """Extract the fingerprint of a raw data set, plan a network for it and preprocess its images.

    Args:
        work: folder that holds ``nnUNet_raw``; the results go to its ``nnUNet_preprocessed``.
        dataset_id: number of the data set.
        network: limits of the network.
        processes: number of processes to use.
    """
    with nnunet_folders(work):
        from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import DatasetFingerprintExtractor
        from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor

        fingerprint = DatasetFingerprintExtractor(dataset_id, processes)
        fingerprint.run(overwrite_existing=True)
        limited_planner(dataset_id, network).plan_experiment()
        DefaultPreprocessor(verbose=False).run(dataset_id, CONFIGURATION, PLANS_NAME, num_processes=processes)


def train(
    work: Path,
    dataset_name: str,
    schedule: Schedule,
    device: str = "auto",
    resume: bool = False,
    on_iteration: Callable[[float], None] = lambda fraction: None,
) -> Path:
    """Train on a preprocessed data set.

    Args:
        work: folder that holds ``nnUNet_preprocessed``; the results go to its ``nnUNet_results``.
        dataset_name: folder name of the data set.
        schedule: how long.
        device: "auto", "cuda", "mps" or "cpu".
        resume: continue after the last finished epoch of an interrupted training, if there is one.
        on_iteration: called with the finished share, 0 to 1; may raise to stop.

    Returns:
        nnU-Net's results folder of the model, which holds ``fold_0/checkpoint_final.pth``.

    Raises:
        UsageError: no such device name.
        ResourceError: the device is not usable here.
    """
    with nnunet_folders(work):
        import numpy as np
        import torch

        target = training_device(device)
        torch.manual_seed(schedule.seed)
        np.random.seed(schedule.seed)

        preprocessed = work / "nnUNet_preprocessed" / dataset_name
        plans = json.loads((preprocessed / f"{PLANS_NAME}.json").read_text())
        dataset = json.loads((preprocessed / "dataset.json").read_text())
        trainer = phantom_trainer_class()(plans | {"continue_training": resume}, CONFIGURATION, FOLD, dataset, target)
        weights = class_weights(work / "nnUNet_raw" / dataset_name, len(dataset["labels"]))
        trainer.configure(schedule, augmentation_workers(target.type), on_iteration, weights)
        latest = Path(trainer.output_folder) / "checkpoint_latest.pth"
        if resume and latest.is_file():
            trainer.load_checkpoint(str(latest))
        try:
            trainer.run_training()
        except BaseException:
            trainer.stop_workers()
            raise
        return Path(trainer.output_folder_base)


def augmentation_workers(device_type: str) -> int:
    """Processes that augment in the background: one beside a network on the CPU, many beside a GPU."""
    return 1 if device_type == "cpu" else max(1, min(12, (os.cpu_count() or 2) - 1))


def training_device(name: str):
    """The torch device of a name.

    Raises:
        UsageError: no such device name.
        ResourceError: the device is not usable here.
    """
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if name not in available:
        raise UsageError(f"There is no training device named {name!r}.", "Choose one of: auto, cuda, mps, cpu.")
    if not available[name]:
        raise ResourceError(f"The device {name!r} cannot be used on this machine.", "Choose --device cpu or auto.")
    return torch.device(name)
