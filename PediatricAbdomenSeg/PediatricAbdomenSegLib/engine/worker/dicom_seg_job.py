"""The job that makes a DICOM Segmentation of a CT series from label maps on its grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..cases.dicom_seg import SegEncoding, write_dicom_seg
from ..checksums import sha256_of_file
from ..models.store import Bundle, find_bundle
from ..progress import CancelToken, OnProgress, ignore_progress
from .export_masks import masks_to_export, require_no_input
from .job_progress import JobProgress
from .result_folder import os_errors_named


def export_dicom_seg(
    ct_folder: Path,
    labels: Sequence[Path],
    output: Path,
    models: Sequence[str] = (),
    series_uid: str | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
    find: Callable[[str], Bundle] = find_bundle,
    encoding: SegEncoding = "binary",
    edited: Sequence[str] = (),
) -> dict[str, Any]:
    """Write one DICOM Segmentation for a CT series from label maps on its grid.

    Args:
        labels, models, edited: see `masks_to_export`. Empty organs get no segment.
        encoding: see `write_dicom_seg`.

    Returns:
        ``{"segments": labels in the file, "frames": number, "notes": sentences, "sha256": of the file}``.

    Raises:
        UsageError: ``output`` is an input.
        UsageError, InputError, ModelError: as `masks_to_export` and `write_dicom_seg` say.
        ResourceError: the file cannot be written. Cancelled.
    """
    progress = JobProgress(on_progress, cancel or CancelToken())
    progress.begin("read", 0.0, 0.5)
    found = masks_to_export(ct_folder, labels, models, series_uid, edited, find)
    require_no_input(output, labels, found.references)
    progress.begin("dicom_seg", 0.5, 1.0)
    with os_errors_named(output):
        summary = write_dicom_seg(found.references, found.masks, output, encoding=encoding, on_progress=progress)
        return {
            "segments": list(summary.segments),
            "frames": summary.frames,
            "notes": [*found.notes, *summary.notes],
            "sha256": sha256_of_file(output),
        }
