"""The job that makes contours for a CT series from label maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..cases.body_outline import BODY, body_outline
from ..cases.onto_slices import labels_on_slices
from ..cases.outline_style import EXACT, OutlineStyle
from ..cases.read_case import read_case
from ..cases.roi_mask import RoiMask
from ..cases.roi_names import organ_of_roi_name
from ..cases.rtstruct_append import append_to_rtstruct
from ..cases.rtstruct_file import damage_as_input_error, read_rtstruct_dataset
from ..cases.rtstruct_writer import NameStyle, write_rtstruct
from ..cases.volume import DicomReferences, LabelMap
from ..checksums import sha256_of_file
from ..errors import UsageError
from ..models.store import Bundle, find_bundle
from ..organs import ALL_STRUCTURES, organ_by_key
from ..progress import CancelToken, OnProgress, ignore_progress
from .export_masks import masks_to_export, require_no_input
from .job_progress import JobProgress
from .result_folder import os_errors_named


@dataclass(frozen=True)
class RtStructOptions:
    """How an RTSTRUCT is written.

    Attributes:
        name_style: which name of the organ becomes the ROI Name.
        organs: keys of the organs wanted, None for all that the label maps hold.
        edited: keys of the organs that a person has corrected.
        style: smoothing and simplification of the outlines.
        body: also outline the body on the CT, as EXTERNAL.
        append_to: an RTSTRUCT whose ROIs and references are kept, see `append_to_rtstruct`.
        replaced: names of ROIs of ``append_to`` whose contours are replaced.
        replace_same: also those that are named after an organ of the label maps.
    """

    name_style: NameStyle = "tg263"
    organs: tuple[str, ...] | None = None
    edited: tuple[str, ...] = ()
    style: OutlineStyle = EXACT
    body: bool = False
    append_to: Path | None = None
    replaced: tuple[str, ...] = ()
    replace_same: bool = False


def export_rtstruct(
    ct_folder: Path,
    labels: Sequence[Path],
    output: Path,
    models: Sequence[str] = (),
    series_uid: str | None = None,
    options: RtStructOptions | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
    find: Callable[[str], Bundle] = find_bundle,
) -> dict[str, Any]:
    """Write one RTSTRUCT for a CT series from label maps; label values are those of the organ table.

    Args:
        labels, models: see `masks_to_export`. Empty organs get no ROI.

    Returns:
        ``{"rois": names in the file, "contours": number, "points": number, "notes": sentences, "sha256": hash}``.

    Raises:
        UsageError: ``output`` is an input.
        UsageError, InputError, ModelError: as `masks_to_export`, `write_rtstruct` and `append_to_rtstruct` say.
        ResourceError: the file cannot be written. Cancelled.
    """
    options = options or RtStructOptions()
    if (options.replaced or options.replace_same) and options.append_to is None:
        raise UsageError("ROIs can be replaced only in an existing RTSTRUCT.", "Say which with --append-to.")
    structures = ALL_STRUCTURES if options.organs is None else tuple(map(organ_by_key, options.organs))
    progress = JobProgress(on_progress, cancel or CancelToken())
    progress.begin("read", 0.0, 0.5)
    found = masks_to_export(ct_folder, labels, models, series_uid, options.edited, find, structures)
    require_no_input(output, labels, found.references)
    masks = [*found.masks]
    if options.body:
        masks.append(_body(ct_folder, found.references, progress))
    progress.begin("rtstruct", 0.5, 1.0)
    shared = {"name_style": options.name_style, "style": options.style, "on_progress": progress}
    with os_errors_named(output):
        if options.append_to is None:
            summary = write_rtstruct(found.references, masks, output, **shared)
        else:
            same = rois_of_same_organs(options.append_to, masks) if options.replace_same else ()
            replaced = tuple(dict.fromkeys((*options.replaced, *same)))
            summary = append_to_rtstruct(
                found.references, masks, output, options.append_to, replaced=replaced, **shared
            )
        return {
            "rois": list(summary.roi_names),
            "contours": summary.contours,
            "points": summary.points,
            "notes": [*found.notes, *summary.notes],
            "sha256": sha256_of_file(output),
        }


def rois_of_same_organs(existing: Path, masks: Sequence[RoiMask]) -> tuple[str, ...]:
    """Names of the ROIs of an RTSTRUCT that are named after an organ which a mask holds; () without any.

    Raises:
        InputError, ResourceError: the file is damaged, or no RTSTRUCT. UsageError: two ROIs are named after one organ.
    """
    with damage_as_input_error(existing):
        rois = read_rtstruct_dataset(existing).get("StructureSetROISequence") or ()
        names = [str(roi.get("ROIName") or "") for roi in rois]
    masks_by_organ = {mask.organ.key: mask for mask in masks}
    found: dict[str, str] = {}
    for name in names:
        organ = organ_of_roi_name(name)
        mask = masks_by_organ.get(organ.key) if organ is not None else None
        if mask is None or not np.any(mask.mask == mask.label_value):
            continue
        if organ.key in found:
            raise UsageError(
                f"Two ROIs of {existing.name} are the {organ.display_name}: {found[organ.key]} and {name}.",
                "Add the new ones beside them, or remove one of the two in the planning system.",
            )
        found[organ.key] = name
    return tuple(found.values())


def _body(ct_folder: Path, references: DicomReferences, progress: JobProgress) -> RoiMask:
    """The body on the images; its volume may have been sheared or filled, the images are not."""
    volume = read_case(ct_folder, references.series_instance_uid, progress, gaps="fill", fewest_slices=1)
    body = LabelMap(body_outline(volume).astype(np.uint8), volume.geometry)
    return RoiMask(BODY, labels_on_slices(body, references).array, "thresholded automatically", label_value=1)
