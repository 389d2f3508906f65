"""The job that prepares a case for a rater: plain files that a panel can show at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cases.image_file import write_label_map, write_volume
from ..progress import CancelToken, OnProgress, ignore_progress
from ..ratings.case_contents import read_case_contours, read_case_image
from .job_progress import JobProgress
from .result_folder import os_errors_named

IMAGE_NAME = "image.nrrd"


def prepare_rating_case(
    image: Path,
    image_kind: str,
    series_uid: str,
    contours: Path,
    contours_kind: str,
    organs: Sequence[str],
    output: Path,
    on_progress: OnProgress = ignore_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Write the CT and the contours of a case into a folder, under names that say nothing.

    Args:
        image, image_kind, series_uid: the CT, see `read_case_image`.
        contours, contours_kind, organs: see `read_case_contours`.
        output: folder, made if needed.

    Returns:
        ``{"image": file name, "layers": file names, "organs": keys found, "unassigned": number}``.

    Raises:
        InputError: CT or contours cannot be read. ResourceError: the folder cannot be written. Cancelled.
    """
    progress = JobProgress(on_progress, cancel or CancelToken())
    progress.begin("read", 0.0, 0.6)
    volume = read_case_image(image, image_kind, series_uid, progress)
    progress.begin("contours", 0.6, 0.9)
    found = read_case_contours(contours, contours_kind, volume, organs, progress)
    progress.begin("write", 0.9, 1.0)
    names = [f"contours-{number}.nrrd" for number in range(1, len(found.layers) + 1)]
    with os_errors_named(output):
        output.mkdir(parents=True, exist_ok=True)
        write_volume(volume, output / IMAGE_NAME)
        for name, layer in zip(names, found.layers, strict=True):
            write_label_map(layer, output / name)
    return {"image": IMAGE_NAME, "layers": names, "organs": list(found.organs), "unassigned": found.unassigned}
