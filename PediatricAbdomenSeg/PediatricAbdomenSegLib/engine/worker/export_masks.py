"""From label maps on disk to masks that can be exported: what RTSTRUCT and DICOM SEG have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..cases.image_file import read_label_map
from ..cases.label_grid import label_map_on_grid
from ..cases.read_case import read_case
from ..cases.roi_mask import ModelProvenance, RoiMask
from ..cases.volume import DicomReferences, LabelMap, Volume
from ..errors import InputError, UsageError
from ..models.store import Bundle, find_bundle
from ..organs import ALL_STRUCTURES, Organ
from ..progress import OnProgress, ignore_progress


def masks_to_export(
    ct_folder: Path,
    labels: Sequence[Path],
    models: Sequence[str] = (),
    series_uid: str | None = None,
    edited: Sequence[str] = (),
    on_progress: OnProgress = ignore_progress,
    find: Callable[[str], Bundle] = find_bundle,
) -> tuple[DicomReferences | None, list[RoiMask]]:
    """The CT's images and one mask per structure of the organ table, empty where no label map holds it.

    Args:
        labels: label maps, one or more; an organ that several of them hold is taken from the last.
        models: the bundles that made the label maps: none, one for all, or one for each.
        edited: keys of the organs that a person has corrected.
        on_progress: of reading the CT.

    Raises:
        UsageError: the numbers of label maps and models do not fit.
        InputError: a label map is not on the grid of the series or holds values outside the table.
        ModelError: a bundle is not there.
    """
    if len(models) not in (0, 1, len(labels)):
        raise UsageError(f"{len(models)} models for {len(labels)} label maps.", "Give none, one, or one for each.")
    origins = [provenance(find(model)) for model in models]
    volume = read_case(ct_folder, series_uid, on_progress=on_progress)
    label_maps = [_read_labels(path, volume) for path in labels]
    masks = roi_masks(label_maps, ALL_STRUCTURES, origins)
    return volume.references, [replace(mask, edited=mask.organ.key in edited) for mask in masks]


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
