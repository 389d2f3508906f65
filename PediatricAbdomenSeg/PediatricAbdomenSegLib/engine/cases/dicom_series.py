"""One CT volume from the DICOM files of a series: filter, sort, validate, merge, affine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..geometry import Geometry
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .dicom_headers import ImageHeader, group_by_series, scan_folder
from .dicom_pixels import read_hounsfield
from .series_checks import check_single_frames, check_slice_positions, check_uniform, required_numbers
from .series_geometry import SliceStack, orientation_of, stack_affine
from .series_references import references_of
from .volume import Volume


@dataclass(frozen=True)
class SeriesSummary:
    """One image series of a folder, described without naming the patient.

    Attributes:
        series_instance_uid: what `read_series` and ``--series`` take.
        modality: (0008,0060).
        description: Series Description, "" when absent.
        number: Series Number, None when absent.
        files: number of image files, localizers not counted.
        rows, columns: size of the first image.
    """

    series_instance_uid: str
    modality: str
    description: str
    number: int | None
    files: int
    rows: int
    columns: int

    def __str__(self) -> str:
        description = f' "{self.description}"' if self.description else ""
        number = f" no. {self.number}" if self.number is not None else ""
        uid = self.series_instance_uid or "without Series Instance UID"
        return f"{uid} ({self.modality}{number}{description}, {self.files} × {self.rows} × {self.columns})"


def list_series(folder: Path) -> tuple[SeriesSummary, ...]:
    """The image series below ``folder`` by headers alone, localizers ignored; () when there are none.

    Raises:
        InputError: the folder does not exist, or a DICOM file in it is damaged.
    """
    return tuple(_summary(uid, headers) for uid, headers in group_by_series(scan_folder(folder)).items())


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
    headers = _filter(scan_folder(folder), Path(folder), series_uid)
    stack = _sort(headers)
    _validate(stack)
    array = _merge(stack, on_progress)
    if array.min() == array.max():
        raise InputError(
            f"All voxels of the series in {folder} are {array.min()} HU.",
            "Export the series again: it has no image content.",
        )
    geometry = Geometry(array.shape, stack_affine(stack))
    return Volume(array, geometry, "CT", references_of(stack.headers), Path(folder).name)


def _filter(headers: Sequence[ImageHeader], folder: Path, series_uid: str | None) -> list[ImageHeader]:
    series = group_by_series(headers)
    if series_uid is not None:
        if series_uid not in series:
            raise InputError(
                f"No image series {series_uid} in {folder}.", _choices(series, "It holds no image series.")
            )
        chosen = series[series_uid]
        if not chosen[0].is_ct:
            raise InputError(_wrong_modality(series_uid, chosen), "Choose a CT series.")
        return chosen
    if not series:
        raise InputError(f"No DICOM images in {folder}.", "Give the folder that holds the CT slices of one series.")
    of_ct = {uid: files for uid, files in series.items() if any(header.is_ct for header in files)}
    if not of_ct:
        raise InputError(_wrong_modality(*next(iter(series.items()))), "Give a CT series; the models are made for CT.")
    if len(of_ct) > 1:
        raise InputError(f"{folder} holds {len(of_ct)} CT series.", "Choose one with --series UID. " + _choices(of_ct))
    return next(iter(of_ct.values()))


def _sort(headers: Sequence[ImageHeader]) -> SliceStack:
    check_single_frames(headers)
    check_uniform(headers, "ImageOrientationPatient", 6, tolerance=1e-3)
    row_direction, column_direction, normal = orientation_of(headers[0])
    positions = np.array([required_numbers(header, "ImagePositionPatient", 3) for header in headers])
    order = np.argsort(positions @ normal, kind="stable")
    return SliceStack(tuple(headers[i] for i in order), positions[order], row_direction, column_direction, normal)


def _validate(stack: SliceStack) -> None:
    if len(stack.headers) < 2:
        raise InputError(
            f"The series has a single slice ({stack.headers[0].path.name}); its distance to others is unknown.",
            "Give a series of at least two slices.",
        )
    for attribute in ("Modality", "FrameOfReferenceUID", "Rows", "Columns"):
        check_uniform(stack.headers, attribute)
    check_uniform(stack.headers, "PixelSpacing", 2, tolerance=1e-4)
    if any(spacing <= 0 for spacing in required_numbers(stack.headers[0], "PixelSpacing", 2)):
        raise InputError(
            f"{stack.headers[0].path}: Pixel Spacing (0028,0030) is not positive.", "Export the series again."
        )
    check_slice_positions(stack)


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


def _summary(uid: str, headers: Sequence[ImageHeader]) -> SeriesSummary:
    first = headers[0].dataset
    number = first.get("SeriesNumber")
    return SeriesSummary(
        series_instance_uid=uid,
        modality=str(first.get("Modality") or ""),
        description=str(first.get("SeriesDescription") or ""),
        number=None if number is None else int(number),
        files=len(headers),
        rows=int(first.get("Rows") or 0),
        columns=int(first.get("Columns") or 0),
    )


def _choices(series: dict[str, list[ImageHeader]], otherwise: str = "") -> str:
    if not series:
        return otherwise
    return "Series here: " + "; ".join(str(_summary(uid, headers)) for uid, headers in series.items()) + "."


def _wrong_modality(uid: str, headers: Sequence[ImageHeader]) -> str:
    return (
        f"The series {_summary(uid, headers)} is not CT: Modality (0008,0060) is {headers[0].dataset.get('Modality')}."
    )
