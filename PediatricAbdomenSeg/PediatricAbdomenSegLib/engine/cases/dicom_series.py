"""One CT volume from the DICOM files of a series: filter, sort, validate, merge, affine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .dicom_headers import scan_folder
from .dicom_pixels import read_hounsfield
from .series_checks import check_slice_positions
from .series_choice import choose_series
from .series_geometry import SliceStack, sorted_stack, stack_affine
from .series_references import references_of
from .volume import Volume


def read_series(folder: Path, series_uid: str | None = None, on_progress: OnProgress = ignore_progress) -> Volume:
    """Read one CT series below ``folder``.

    The first array axis runs along the normal of Image Orientation (Patient), so that positions increase along it.

    Args:
        folder: searched with all its subfolders.
        series_uid: Series Instance UID; may be left out when there is only one CT series.
        on_progress: stage "read", fraction of the slices; may raise to stop.

    Raises:
        InputError: no CT series or several, a series that is not a stack of equally spaced, equally oriented slices,
            missing attributes, pixel data that cannot be decoded. The message names file, attribute and values.
    """
    headers = choose_series(scan_folder(folder), Path(folder), series_uid)
    stack = sorted_stack(headers)
    if len(headers) < 2:
        raise InputError(
            f"The series has a single slice ({headers[0].path.name}); its distance to others is unknown.",
            "Give a series of at least two slices.",
        )
    check_slice_positions(stack)
    array = _merge(stack, on_progress)
    if array.min() == array.max():
        raise InputError(
            f"All voxels of the series in {folder} are {array.min()} HU.",
            "Export the series again: it has no image content.",
        )
    geometry = Geometry(array.shape, stack_affine(stack))
    return Volume(array, geometry, "CT", references_of(stack.headers), Path(folder).name)


def _merge(stack: SliceStack, on_progress: OnProgress) -> np.ndarray:
    first = stack.headers[0].dataset
    shape = int(first.Rows), int(first.Columns)
    array: np.ndarray | None = None
    pool = ThreadPoolExecutor()
    try:
        slices = pool.map(read_hounsfield, (header.path for header in stack.headers))
        for index, (header, pixels) in enumerate(zip(stack.headers, slices, strict=True)):
            if pixels.shape != shape:
                raise InputError(
                    f"{header.path}: the pixel data are {pixels.shape}, Rows and Columns say {shape}.",
                    "Export the series again.",
                )
            if array is None:  # not before one slice has proved that the header's size is true
                array = np.empty((len(stack.headers), *shape), np.int16)
            array[index] = pixels
            on_progress(ProgressEvent("read", (index + 1) / len(stack.headers)))
    finally:
        pool.shutdown(cancel_futures=True)
    return array
