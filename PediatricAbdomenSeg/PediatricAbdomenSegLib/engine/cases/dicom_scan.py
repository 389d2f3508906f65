"""Find the images in a folder by reading headers only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..errors import InputError
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .dicom_headers import ImageHeader, headers_of_file

DICOMDIR = "DICOMDIR"
_APPLE_DOUBLE = "._"  # macOS writes one beside each file on a disk that is not its own


def scan_folder(folder: Path, on_progress: OnProgress = ignore_progress) -> tuple[ImageHeader, ...]:
    """Headers of every image below ``folder``, localizers too, in the order of their paths; () when there are none.

    Objects that are not images in slices and files that are not DICOM are left out.

    Args:
        on_progress: stage "read", fraction of the files; may raise to stop.

    Raises:
        InputError: the folder does not exist, or a DICOM file in it is damaged or empty.
        ResourceError: a file cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the folder that holds the DICOM files of the CT.")
    paths = sorted(Path(root, name) for root, _, names in os.walk(folder) for name in names if _may_be_image(name))
    # A link to nowhere or a pipe is no file: opening it would fail or wait for ever.
    return read_headers([path for path in paths if path.is_file()], on_progress)


def read_headers(paths: Iterable[Path], on_progress: OnProgress = ignore_progress) -> tuple[ImageHeader, ...]:
    """Headers of files, in their order, one per image; files that are not images in slices are left out.

    Raises:
        InputError: a DICOM file is damaged or empty. ResourceError: a file cannot be read.
    """
    paths = list(paths)
    headers: list[ImageHeader] = []
    pool = ThreadPoolExecutor()
    try:
        for done, found in enumerate(pool.map(headers_of_file, paths), 1):
            headers.extend(found)
            on_progress(ProgressEvent("read", done / len(paths)))
    finally:
        pool.shutdown(cancel_futures=True)
    return tuple(headers)


def group_by_series(headers: Iterable[ImageHeader]) -> dict[str, list[ImageHeader]]:
    """Headers by Series Instance UID, in the order they come."""
    series: dict[str, list[ImageHeader]] = {}
    for header in headers:
        series.setdefault(header.series_instance_uid, []).append(header)
    return series


def series_of_file(path: Path) -> str | None:
    """Series Instance UID of a DICOM file, None when it is not an image.

    Raises:
        InputError: the file is damaged. ResourceError: it cannot be read.
    """
    headers = headers_of_file(Path(path))
    return headers[0].series_instance_uid if headers else None


def _may_be_image(name: str) -> bool:
    return name.upper() != DICOMDIR and not name.startswith(_APPLE_DOUBLE)
