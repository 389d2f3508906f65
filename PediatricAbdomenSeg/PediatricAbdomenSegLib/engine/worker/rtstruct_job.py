"""Contours for a CT series from label maps on its grid: the RTSTRUCT half of a result, and the job of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..cases.image_file import read_label_map
from ..cases.label_grid import label_map_on_grid
from ..cases.read_case import read_case
from ..cases.roi_mask import ModelProvenance, RoiMask
from ..cases.rtstruct_writer import NameStyle, write_rtstruct
from ..cases.volume import LabelMap, Volume
from ..checksums import sha256_of_file
from ..errors import InputError, UsageError
from ..models.store import Bundle, find_bundle
from ..organs import ALL_STRUCTURES, Organ
from ..progress import CancelToken, OnProgress, ignore_progress
from .job_progress import JobProgress
from .result_folder import os_errors_named


def export_rtstruct(
    ct_folder: Path,
    labels: Sequence[Path],
    output: Path,
    models: Sequence[str] = (),
    series_uid: str | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
    find: Callable[[str], Bundle] = find_bundle,
    name_style: NameStyle = "tg263",
    edited: Sequence[str] = (),
) -> dict[str, Any]:
    """Write one RTSTRUCT for a CT series from label maps on its grid; label values are those of the organ table.

    Args:
        labels: label maps, one or more; an organ that several of them hold is taken from the last. Empty organs get
            no ROI.
        models: the bundles that made the label maps: none, one for all, or one for each.
        name_style: see `write_rtstruct`.
        edited: keys of the organs that a person has corrected.

    Returns:
        ``{"rois": names in the file, "contours": number, "sha256": of the file}``.

    Raises:
        UsageError: the numbers of label maps and models do not fit.
        InputError: a label map is not on the grid of the series or holds values outside the table, or all are empty.
        ModelError: a bundle is not there. ResourceError: the file cannot be written. Cancelled.
    """
    if len(models) not in (0, 1, len(labels)):
        raise UsageError(f"{len(models)} models for {len(labels)} label maps.", "Give none, one, or one for each.")
    origins = [provenance(find(model)) for model in models]
    cancel = cancel or CancelToken()
    progress = JobProgress(on_progress, cancel)
    progress.begin("read", 0.0, 0.5)
    volume = read_case(ct_folder, series_uid, on_progress=progress)
    label_maps = [_read_labels(path, volume) for path in labels]
    progress.begin("rtstruct", 0.5, 1.0)
    with os_errors_named(output):
        masks = [
            replace(mask, edited=mask.organ.key in edited) for mask in roi_masks(label_maps, ALL_STRUCTURES, origins)
        ]
        summary = write_rtstruct(volume.references, masks, output, name_style=name_style, on_progress=progress)
        return {"rois": list(summary.roi_names), "contours": summary.contours, "sha256": sha256_of_file(output)}


def roi_masks(
    label_maps: Sequence[LabelMap], structures: Sequence[Organ], origins: Sequence[ModelProvenance]
) -> list[RoiMask]:
    """One mask per structure, from the last label map that holds it; empty where none does.

    Args:
        origins: what made the label maps: nothing known, one model for all, or one for each.
    """
    present = [np.bincount(label_map.array.ravel(), minlength=256) > 0 for label_map in label_maps]
    masks = []
    for organ in structures:
        index = max((index for index, found in enumerate(present) if found[organ.label]), default=0)
        origin = origins[index % len(origins)] if origins else None
        masks.append(RoiMask(organ, label_maps[index].array, model=origin, label_value=organ.label))
    return masks


def provenance(bundle: Bundle) -> ModelProvenance:
    """The bundle as contours name it."""
    manifest = bundle.manifest
    return ModelProvenance(manifest.name, manifest.version, bundle.sha256, manifest.status)


def _read_labels(path: Path, volume: Volume) -> LabelMap:
    try:
        label_map = label_map_on_grid(read_label_map(path), volume.geometry)
    except InputError as error:
        name = Path(path).name
        raise InputError(error.message if name in error.message else f"{name}: {error.message}", error.hint) from error
    highest = int(label_map.array.max())
    if highest > ALL_STRUCTURES[-1].label:
        raise InputError(
            f"{Path(path).name} holds the label {highest}; the organ table ends at {ALL_STRUCTURES[-1].label}.",
            "Give a label map made by this software, or renumber its labels as in the organ table.",
        )
    return label_map
