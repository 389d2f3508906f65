"""A toy child of four tissues and a bundle with a tiny network that was trained on it for a few seconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from PediatricAbdomenSegLib.engine.cases.volume import Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.models.manifest import MANIFEST_NAME, BundleManifest, write_manifest
from PediatricAbdomenSegLib.engine.models.store import Bundle, open_bundle

ORGANS = {1: "liver", 2: "spleen", 3: "vertebrae"}
PATCH = (16, 32, 32)
MODEL_SPACING_MM = (6.0, 4.5, 4.5)


def make_child(
    shape: tuple[int, int, int] = (30, 72, 80), spacing_mm: tuple[float, float, float] = (5.0, 3.0, 3.0), seed: int = 0
) -> tuple[Volume, np.ndarray]:
    """A CT in LPS order and its true class numbers: liver on the right, spleen on the left, spine behind."""
    random = np.random.default_rng(seed)
    z, y, x = (
        ((np.arange(size) + 0.5) * mm).reshape([-1 if axis == other else 1 for other in range(3)])
        for axis, (size, mm) in enumerate(zip(shape, spacing_mm, strict=True))
    )
    middle_z, middle_y, middle_x = (size * mm / 2 for size, mm in zip(shape, spacing_mm, strict=True))
    jitter = random.uniform(-6, 6, 3)

    def ellipsoid(dz, dy, dx, rz, ry, rx):
        return (
            ((z - middle_z - dz - jitter[0]) / rz) ** 2
            + ((y - middle_y - dy - jitter[1]) / ry) ** 2
            + ((x - middle_x - dx - jitter[2]) / rx) ** 2
        ) < 1

    truth = np.zeros(shape, np.uint8)
    hounsfield = np.full(shape, -1000.0, np.float32)
    hounsfield[ellipsoid(0, 0, 0, 1e4, 60, 80)] = 30
    hounsfield[np.broadcast_to((y > middle_y + 85) & (y < middle_y + 90), shape)] = 150  # the table
    for label, mask, value in (
        (1, ellipsoid(15, -10, -35, 40, 32, 30), 130),
        (2, ellipsoid(10, 5, 45, 30, 20, 20), 260),
        (3, ellipsoid(0, 40, 0, 1e4, 14, 14), 600),
    ):
        truth[mask], hounsfield[mask] = label, value
    hounsfield += random.normal(0, 12, shape).astype(np.float32)
    affine = np.diag([-spacing_mm[2], -spacing_mm[1], spacing_mm[0], 1.0])
    affine[:3, 3] = (100.0, 90.0, -50.0)
    return Volume(hounsfield.round().astype(np.int16), Geometry(shape, affine), "CT", source="toy"), truth


def make_configuration(
    dimensions: int,
    spacing_mm: Sequence[float],
    patch: Sequence[int] = PATCH,
    features: Sequence[int] = (6, 12),
    convolutions: int = 1,
) -> dict:
    """One configuration of plans.json as nnunetv2 2.8.1's planner writes it: a plain U-Net."""
    resampling = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    stages = len(features)
    return {
        "data_identifier": "nnUNetPlans",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(patch[-dimensions:]),
        "median_image_size_in_voxels": list(patch[-dimensions:]),
        "spacing": list(spacing_mm),
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": dict(resampling),
        "resampling_fn_seg_kwargs": {**resampling, "is_seg": True, "order": 1},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {**resampling, "order": 1},
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": stages,
                "features_per_stage": list(features),
                "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
                "kernel_sizes": [[3] * dimensions] * stages,
                "strides": [[1] * dimensions] + [[2] * dimensions] * (stages - 1),
                "n_conv_per_stage": [convolutions] * stages,
                "n_conv_per_stage_decoder": [convolutions] * (stages - 1),
                "conv_bias": True,
                "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
                "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
        "batch_dice": True,
    }


def make_plans(dimensions: int, spacing_mm: tuple[float, ...], transpose=(0, 1, 2)) -> dict:
    """plans.json with the one configuration of that many dimensions."""
    configuration = make_configuration(dimensions, spacing_mm)
    intensities = {"mean": 80.0, "std": 200.0, "percentile_00_5": -900.0, "percentile_99_5": 700.0}
    return {
        "dataset_name": "Dataset001_Toy",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": list(transpose),
        "transpose_backward": [int(axis) for axis in np.argsort(transpose)],
        "configurations": {"3d_fullres" if dimensions == 3 else "2d": configuration},
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": {**intensities, "min": -1000.0, "max": 800.0}},
    }


def write_bundle(folder: Path, plans: dict, folds: dict[str, dict], mirror_axes=(), **changes) -> Bundle:
    """A bundle from plans and, per fold, a state dict."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    configuration = next(iter(plans["configurations"]))
    labels = {"background": 0, **{key: label for label, key in ORGANS.items()}}
    dataset = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 1, "file_ending": ".nii.gz"}
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    header = {
        "configuration": configuration,
        "trainer_name": "nnUNetTrainer",
        "mirror_axes": json.dumps(list(mirror_axes)),
    }
    for fold, tensors in folds.items():
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        save_file(tensors, folder / f"fold_{fold}" / "weights.safetensors", metadata=header)
    postprocessing = {"spleen": "largest_component"}
    write_manifest(folder, toy_manifest(files=checksums_of(folder), **{"postprocessing": postprocessing, **changes}))
    return open_bundle(folder)


def checksums_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a bundle but its manifest."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST_NAME
    }


def toy_manifest(**changes) -> BundleManifest:
    """A valid manifest of the toy's three organs."""
    values = {
        "name": "toy",
        "title": "Toy",
        "version": "1.0",
        "target": "Three organs of a toy",
        "modality": "CT",
        "organs": ORGANS,
        "fusion_priority": (),
        "intensity_window_hu": None,
        "contrast": "none",
        "age_range_years": (0.0, 18.0),
        "postprocessing": {},
        "training_data": "toys",
        "licence": "Apache-2.0",
        "intended_use": "tests",
        "status": "demonstration",
        "citation": "",
        "files": {},
    }
    return BundleManifest(**{**values, **changes})


def train_weights(folder: Path, plans: dict, seed: int = 0, steps: int = 70) -> dict:
    """State dict, each tensor once and in float16, of a network that has seen a few toy children."""
    import torch

    from PediatricAbdomenSegLib.engine.inference.network import build_module
    from PediatricAbdomenSegLib.engine.inference.preprocessing import prepare
    from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan

    configuration = next(iter(plans["configurations"]))
    write_bundle(folder, plans, {"0": {"placeholder": torch.zeros(1)}})
    plan = read_network_plan(folder, configuration)
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    module = build_module(plan)
    optimiser = torch.optim.Adam(module.parameters(), 0.02)
    children = [make_child(spacing_mm=MODEL_SPACING_MM, shape=(26, 50, 56), seed=100 + index) for index in range(3)]
    images = [
        (prepare(volume, plan, whole_field=True).image, truth.transpose(plan.transpose_forward))
        for volume, truth in children
    ]
    rarity = torch.tensor([1.0, 4.0, 8.0, 8.0])  # the organs fill little of a tile
    for _ in range(steps):
        image, truth = images[random.integers(len(images))]
        size = (1, *plan.patch_size) if plan.dimensions == 2 else plan.patch_size
        corner = [random.integers(0, length - part + 1) for length, part in zip(image.shape, size, strict=True)]
        box = tuple(slice(low, low + part) for low, part in zip(corner, size, strict=True))
        tile, target = torch.from_numpy(image[box].copy()), torch.from_numpy(truth[box].copy()).long()
        tile, target = (tile[None], target) if plan.dimensions == 2 else (tile[None, None], target[None])
        loss = torch.nn.functional.cross_entropy(module(tile), target, weight=rarity)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tensors, seen = {}, set()
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if id(parameter) not in seen:
            seen.add(id(parameter))
            tensors[name] = parameter.detach().half().contiguous()
    return tensors
