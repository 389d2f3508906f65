"""The voxels of a series, read in parallel into one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import groupby

import numpy as np

from ..errors import InputError
from ..progress import OnProgress, ProgressEvent, ignore_progress
from ..system_memory import available_memory_mb, require_memory
from .dicom_headers import ImageHeader
from .dicom_pixels import stored_frames
from .hounsfield import Corrections, to_hounsfield, value_scale

_FRAMES_PER_TASK = 16  # of one multi-frame file: enough to open it rarely, few enough for progress and for all cores


def read_hounsfield(headers: Sequence[ImageHeader]) -> Iterator[tuple[np.ndarray, Corrections]]:
    """Images that lie in one file, one after the other.

    Yields:
        int16 ``(rows, columns)`` HU, and what was changed to get there.

    Raises:
        InputError: the pixel data are missing, truncated, of another size than the header says, or in a transfer
            syntax nothing here can decode.
    """
    for header, stored in zip(headers, stored_frames(headers), strict=True):
        shape = int(header.dataset.Rows), int(header.dataset.Columns)
        if stored.shape != shape:
            raise InputError(
                f"{header.where}: the pixel data are {stored.shape}, Rows and Columns say {shape}.",
                "Export the series again.",
            )
        yield to_hounsfield(stored, value_scale(header))


def read_voxels(
    headers: Sequence[ImageHeader], on_progress: OnProgress = ignore_progress
) -> tuple[np.ndarray, Corrections]:
    """All images of a series, in the order of their headers.

    Args:
        headers: at least one, all of the same size.
        on_progress: stage "read", fraction of the images; may raise to stop.

    Returns:
        int16 ``(images, rows, columns)`` HU, and what was changed in all of them.

    Raises:
        InputError: an image cannot be read; none is ever left out.
        ResourceError: the images do not fit into the free memory.
    """
    ((first, corrections),) = read_hounsfield(headers[:1])  # before memory is taken: its size has to be true
    shape = (len(headers), *first.shape)
    what = f"Reading the series ({' × '.join(map(str, shape[::-1]))} voxels)"
    require_memory(first.nbytes * len(headers) / 1e6, available_memory_mb(), what)
    array = np.empty(shape, np.int16)
    array[0] = first
    done = 1
    on_progress(ProgressEvent("read", done / len(headers)))
    pool = ThreadPoolExecutor()
    try:
        tasks = [pool.submit(_read_into, array, headers, indices) for indices in _tasks(headers)]
        for task in as_completed(tasks):
            images, changed = task.result()
            corrections += changed
            done += images
            on_progress(ProgressEvent("read", done / len(headers)))
    finally:
        pool.shutdown(cancel_futures=True)
    return array, corrections


def _tasks(headers: Sequence[ImageHeader]) -> list[list[int]]:
    """Indices of all images but the first, several of one file together."""
    tasks = []
    for _, group in groupby(range(1, len(headers)), key=lambda index: headers[index].path):
        indices = list(group)
        tasks += [indices[at : at + _FRAMES_PER_TASK] for at in range(0, len(indices), _FRAMES_PER_TASK)]
    return tasks


def _read_into(array: np.ndarray, headers: Sequence[ImageHeader], indices: Sequence[int]) -> tuple[int, Corrections]:
    changed = Corrections()
    for index, (image, corrections) in zip(indices, read_hounsfield([headers[i] for i in indices]), strict=True):
        array[index] = image
        changed += corrections
    return len(indices), changed
