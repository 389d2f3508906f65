"""A raw nnU-Net data set of phantoms, rendered at the network's own resolution."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ..cases.image_file import read_label_map, write_label_map, write_volume
from ..cases.volume import LabelMap, Volume
from ..geometry import Geometry, canonical_reorientation, reoriented_geometry
from ..organs import organ_by_key
from ..phantom.make import make_phantom
from ..phantom.spec import POSITIONS, Phantom, PhantomSpec, liver_volume_ml
from .recipes import Recipe

FILE_ENDING = ".nii.gz"
OLDEST_YEARS = 17.0
LARGEST_CLASS_WEIGHT = 8.0  # beyond it small organs would be drawn too large
# Every twentieth case is held out: enough for a curve in the log; the models are judged on phantoms of other seeds.
VALIDATION_EVERY = 20

_GOLDEN_RATIO = 0.6180339887498949
_SMALLEST_TUMOUR_ML = 5.0
_LARGEST_TUMOUR_SHARE = 0.5  # of the liver
_MARGIN_MM = 45.0  # from the outermost organ: skin, table top and air
_RANDOMISED_SHARE = 0.7  # the rest keeps typical Hounsfield values


def case_name(index: int) -> str:
    """nnU-Net's identifier of a case."""
    return f"phantom_{index:04d}"


def training_spec(recipe: Recipe, index: int) -> PhantomSpec:
    """The phantom of a case: the same for the same recipe and index, whatever the number of cases.

    Ages step through 0 to 17 years by the golden ratio, so that any number of cases covers them evenly, or with
    more of the young where the recipe asks for it.
    """
    seed = recipe.first_seed + index
    random = np.random.default_rng(seed)
    age_years = OLDEST_YEARS * ((index * _GOLDEN_RATIO) % 1.0) ** recipe.youth
    has_tumour = random.random() < recipe.tumour_share
    is_operated = random.random() < recipe.nephrectomy_share
    largest_ml = _LARGEST_TUMOUR_SHARE * liver_volume_ml(age_years)
    tumour_ml = float(np.exp(random.uniform(np.log(_SMALLEST_TUMOUR_ML), np.log(largest_ml))))
    return PhantomSpec(
        age_years=age_years,
        seed=seed,
        nephrectomy=str(random.choice(["left", "right"])) if is_operated else None,
        tumour_ml=tumour_ml if has_tumour else None,
        position=str(random.choice(POSITIONS)),
        spacing_mm=recipe.network.spacing_mm,
        contrast=bool(random.random() < recipe.contrast_share),
        appearance="randomised" if random.random() < _RANDOMISED_SHARE else "typical",
    )


def training_pair(recipe: Recipe, phantom: Phantom) -> tuple[Volume, LabelMap]:
    """The image and labels the network learns from: canonical order, windowed, with the network's label values."""
    geometry = phantom.volume.geometry
    order = canonical_reorientation(geometry.affine)
    canonical = reoriented_geometry(geometry, order)
    organs = order.apply(phantom.labels.array)
    field = _field_of_view(organs, canonical.spacing_mm)
    image = order.apply(phantom.volume.array)[field]
    if recipe.intensity_window_hu is not None:
        image = np.clip(image, *recipe.intensity_window_hu).astype(np.int16)
    network_label = np.zeros(256, np.uint8)
    for value, key in enumerate(recipe.organ_keys, start=1):
        network_label[organ_by_key(key).label] = value
    for key, into in recipe.merged_into.items():
        network_label[organ_by_key(key).label] = network_label[organ_by_key(into).label]
    labels = network_label[organs[field]]
    affine = canonical.affine.copy()
    affine[:3, 3] = canonical.to_ras(np.array([side.start for side in field]))
    cropped = Geometry(labels.shape, affine)
    return Volume(np.ascontiguousarray(image), cropped, "CT"), LabelMap(np.ascontiguousarray(labels), cropped)


def _field_of_view(organs: np.ndarray, spacing_mm: tuple[float, float, float]) -> tuple[slice, slice, slice]:
    """All slices, and in-plane the organs with the body wall, some air and table around them.

    Inference crops to the body too [Salimi]; patches of nothing but air would teach little.
    """
    box = [slice(0, organs.shape[0])]
    for axis in (1, 2):
        seen = np.flatnonzero(organs.any(axis=(0, 3 - axis)))
        margin = int(_MARGIN_MM / spacing_mm[axis])
        box.append(slice(max(0, int(seen[0]) - margin), min(organs.shape[axis], int(seen[-1]) + 1 + margin)))
    return tuple(box)


def write_dataset(
    recipe: Recipe,
    work: Path,
    cases: int,
    processes: int = 1,
    resume: bool = False,
    on_case: Callable[[float], None] = lambda fraction: None,
    render: Callable[[PhantomSpec], Phantom] = make_phantom,
) -> Path:
    """Render the phantoms of a recipe into ``work/nnUNet_raw``.

    Args:
        recipe: what to render.
        work: the folder nnU-Net works in.
        cases: number of phantoms, at least 2.
        processes: how many to render at the same time; above 1, ``render`` must be picklable.
        resume: keep the cases that are already there.
        on_case: called with the finished share, 0 to 1; may raise to stop.
        render: makes a phantom.

    Returns:
        The raw data set's folder.
    """
    folder = Path(work) / "nnUNet_raw" / recipe.dataset_name
    write = partial(_write_case, recipe, folder, resume, render)
    for sub in ("imagesTr", "labelsTr"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    if processes == 1:
        for done, _ in enumerate(map(write, range(cases)), start=1):
            on_case(done / cases)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            try:
                for done, _ in enumerate(pool.map(write, range(cases)), start=1):
                    on_case(done / cases)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    _write_json(folder / "dataset.json", dataset_description(recipe, cases))
    held_out = set(range(0, cases, VALIDATION_EVERY))
    split = {
        "train": [case_name(index) for index in range(cases) if index not in held_out],
        "val": [case_name(index) for index in sorted(held_out)],
    }
    _write_json(folder / "splits_final.json", [split])
    return folder


def dataset_description(recipe: Recipe, cases: int) -> dict:
    """nnU-Net's ``dataset.json``."""
    labels = {"background": 0} | {key: value for value, key in enumerate(recipe.organ_keys, start=1)}
    return {
        "channel_names": {"0": "CT"},
        "labels": labels,
        "numTraining": cases,
        "file_ending": FILE_ENDING,
        "overwrite_image_reader_writer": "SimpleITKIO",
    }


def class_weights(folder: Path, classes: int, cases: int = 24) -> list[float]:
    """Weight of each class in the cross-entropy: the inverse square root of its share of voxels.

    Without weights a short training finds the lungs and the liver and has no time left for the adrenal glands, which
    are one voxel in ten thousand.

    Args:
        folder: the raw data set.
        classes: number of classes with the background.
        cases: how many label maps to count in.

    Returns:
        One weight per class, background first; the mean over voxels is 1 before the largest are cut at 8.
    """
    paths = sorted((folder / "labelsTr").glob(f"*{FILE_ENDING}"))
    counts = np.zeros(classes)
    for path in paths[:: max(1, len(paths) // cases)]:
        counts += np.bincount(read_label_map(path).array.ravel(), minlength=classes)
    share = np.maximum(counts, 1) / counts.sum()
    weights = share**-0.5
    return np.minimum(weights / (share * weights).sum(), LARGEST_CLASS_WEIGHT).tolist()


def _write_case(recipe: Recipe, folder: Path, keep: bool, render: Callable[[PhantomSpec], Phantom], index: int) -> None:
    image_path = folder / "imagesTr" / f"{case_name(index)}_0000{FILE_ENDING}"
    labels_path = folder / "labelsTr" / f"{case_name(index)}{FILE_ENDING}"
    if keep and image_path.is_file() and labels_path.is_file():
        return
    volume, label_map = training_pair(recipe, render(training_spec(recipe, index)))
    write_volume(volume, image_path)
    write_label_map(label_map, labels_path)


def _write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
