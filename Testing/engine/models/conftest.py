"""A small model bundle and nnU-Net plans in both layouts."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.models.manifest import BundleManifest, write_manifest
from toy_bundle import checksums_of, make_configuration, toy_manifest


def new_plans() -> dict:
    """Plans as nnunetv2 2.8.1's planner writes them, with every kind of configuration."""

    def configuration(dimensions: int, spacing_mm: list[float]) -> dict:
        return make_configuration(dimensions, spacing_mm, patch=(16, 16, 16), features=(4, 8, 12), convolutions=2)

    return {
        "dataset_name": "Dataset001_Toy",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [2.0, 1.0, 1.0],
        "original_median_shape_after_transp": [40, 40, 40],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "2d": configuration(2, [1.0, 1.0]),
            "3d_lowres": {**configuration(3, [4.0, 2.0, 2.0]), "next_stage": "3d_cascade_fullres"},
            "3d_fullres": configuration(3, [2.0, 1.0039, 1.0039]),
            "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"},
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {
                "max": 3071.0,
                "mean": -80.67,
                "median": 20.0,
                "min": -1024.0,
                "percentile_00_5": -989.0,
                "percentile_99_5": 671.0,
                "std": 312.03,
            }
        },
    }


def old_plans() -> dict:
    """Plans in the layout of nnU-Net v2.2, that of the published pediatric network [Ding-OAR], only smaller."""
    plans = new_plans()
    plans["plans_name"] = "PlanfromUMCU"
    settings = plans["configurations"]["3d_fullres"]
    del settings["architecture"]
    settings |= {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 4,
        "unet_max_num_features": 12,
        "n_conv_per_stage_encoder": [2, 2, 2, 2],
        "n_conv_per_stage_decoder": [2, 2, 2],
        "num_pool_per_axis": [2, 3, 3],
        "pool_op_kernel_sizes": [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]],
        "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
    }
    plans["configurations"] = {"3d_fullres": settings}
    return plans


def dataset() -> dict:
    """The ``dataset.json`` of a two-organ model."""
    return {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "spleen": 1, "liver": 2},
        "numTraining": 10,
        "file_ending": ".nii.gz",
    }


def write_header_only_weights(path: Path, configuration: str | None = "3d_fullres", **changes: str | None) -> None:
    """A safetensors file whose header says what a checkpoint's would; a ``None`` among the changes drops a key."""
    metadata = {"configuration": configuration, "trainer_name": "nnUNetTrainer", "mirror_axes": "[0, 2]", **changes}
    known = {key: value for key, value in metadata.items() if value is not None}
    tensor = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}
    header = json.dumps({"__metadata__": known, "t": tensor}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"abcd")


def manifest_for(folder: Path, **changes) -> BundleManifest:
    """A valid manifest with the SHA-256 of all files that lie in ``folder``."""
    values = {
        "name": folder.name,
        "organs": {1: "spleen", 2: "liver"},
        "fusion_priority": ("spleen", "liver"),
        "postprocessing": {"liver": "largest_component"},
        "files": checksums_of(folder),
    }
    return toy_manifest(**{**values, **changes})


@pytest.fixture
def write_bundle():
    """Write a bundle: ``write_bundle(folder, plans=…, weights={relative path: configuration}, **manifest changes)``."""

    def write(folder: Path, plans: dict | None = None, weights: dict[str, str] | None = None, **changes) -> Path:
        folder.mkdir(parents=True)
        (folder / "plans.json").write_text(json.dumps(plans or new_plans()))
        (folder / "dataset.json").write_text(json.dumps(dataset()))
        for name, configuration in (weights or {"fold_0/weights.safetensors": "3d_fullres"}).items():
            write_header_only_weights(folder / name, configuration)
        write_manifest(folder, manifest_for(folder, **changes))
        return folder

    return write


@pytest.fixture
def a_bundle(write_bundle, tmp_path) -> Path:
    """The folder of a valid bundle called ``toy``."""
    return write_bundle(tmp_path / "models" / "toy")


@pytest.fixture
def write_nnunet_folder(tmp_path):
    """Write ``plans.json`` and ``dataset.json`` to a folder and return it."""

    def write(plans: dict, dataset_json: dict | None = None) -> Path:
        (tmp_path / "plans.json").write_text(json.dumps(plans))
        (tmp_path / "dataset.json").write_text(json.dumps(dataset() if dataset_json is None else dataset_json))
        return tmp_path

    return write


@pytest.fixture
def plans_in_new_layout() -> dict:
    return new_plans()


@pytest.fixture
def plans_in_old_layout() -> dict:
    return old_plans()


@pytest.fixture
def a_dataset_json() -> dict:
    return dataset()


@pytest.fixture
def write_weights_header():
    return write_header_only_weights
