"""The job that makes contours for a CT series from label maps on its grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..cases.rtstruct_writer import NameStyle, write_rtstruct
from ..checksums import sha256_of_file
from ..models.store import Bundle, find_bundle
from ..progress import CancelToken, OnProgress, ignore_progress
from .export_masks import masks_to_export
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
    progress = JobProgress(on_progress, cancel or CancelToken())
    progress.begin("read", 0.0, 0.5)
    references, masks = masks_to_export(ct_folder, labels, models, series_uid, edited, progress, find)
    progress.begin("rtstruct", 0.5, 1.0)
    with os_errors_named(output):
        summary = write_rtstruct(references, masks, output, name_style=name_style, on_progress=progress)
        return {"rois": list(summary.roi_names), "contours": summary.contours, "sha256": sha256_of_file(output)}
