"""Contours for a CT series from label maps on its grid: the RTSTRUCT half of a result, and the job of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...version import __version__
from ..cases.image_file import read_label_map
from ..cases.read_case import read_case
from ..cases.rtstruct_header import ModelProvenance
from ..cases.rtstruct_writer import RoiMask, write_rtstruct
from ..cases.volume import LabelMap, Volume
from ..errors import InputError, UsageError
from ..models.checksums import sha256_of_file
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
) -> dict[str, Any]:
    """Write one RTSTRUCT for a CT series from label maps on its grid; label values are those of the organ table.

    Args:
        labels: label maps, one or more; an organ that several of them hold is taken from the last. Empty organs get
            no ROI.
        models: the bundles that made the label maps: none, one for all, or one for each.

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
        masks = roi_masks(label_maps, ALL_STRUCTURES, origins)
        summary = write_rtstruct(volume, masks, output, software_version=__version__, on_progress=progress)
        return {"rois": list(summary.roi_names), "contours": summary.contours, "sha256": sha256_of_file(output)}


def roi_masks(
    label_maps: Sequence[LabelMap], structures: Sequence[Organ], origins: Sequence[ModelProvenance]
) -> list[RoiMask]:
    """One mask per structure, from the last label map that holds it; empty where none does.

    Args:
        origins: what made the label maps: nothing known, one model for all, or one for each.
    """
    masks = []
    for organ in structures:
        chosen = RoiMask(organ, label_maps[0].array == organ.label)
        for index, label_map in enumerate(label_maps):
            mask = label_map.array == organ.label
            if mask.any():
                chosen = RoiMask(organ, mask, model=origins[index % len(origins)] if origins else None)
        masks.append(chosen)
    return masks


def provenance(bundle: Bundle) -> ModelProvenance:
    """The bundle as contours name it."""
    manifest = bundle.manifest
    return ModelProvenance(manifest.name, manifest.version, bundle.sha256, manifest.status)


def _read_labels(path: Path, volume: Volume) -> LabelMap:
    label_map = read_label_map(path)
    if not label_map.geometry.is_close_to(volume.geometry):
        raise InputError(
            f"{Path(path).name} is not on the grid of the CT series: it has {label_map.geometry.shape} voxels "
            f"(z, y, x), the series {volume.geometry.shape}, or it lies elsewhere in the patient.",
            "Give the label map that was made from this very series.",
        )
    highest = int(label_map.array.max())
    if highest > ALL_STRUCTURES[-1].label:
        raise InputError(
            f"{Path(path).name} holds the label {highest}; the organ table ends at {ALL_STRUCTURES[-1].label}.",
            "Give a label map made by this software, or renumber its labels as in the organ table.",
        )
    return label_map
