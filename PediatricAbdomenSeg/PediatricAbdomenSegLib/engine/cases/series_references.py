"""The DICOM series that contours refer to: which image is which slice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..geometry import LPS_TO_RAS, Geometry
from ..wording import counted
from .dicom_headers import ImageHeader, age_in_years
from .dicom_scan import read_headers
from .series_checks import check_uniform, required_integer, required_numbers
from .series_choice import find_series
from .series_duplicates import without_duplicates
from .series_geometry import orientation_of, sorted_stack
from .volume import DicomReferences, DicomSlice

# Positions in headers are rounded to about 0.01 mm; half a voxel would be another slice.
_TOLERANCE_VOXELS = 0.1
_HINT = (
    "The volume was cropped, resampled or moved after loading: load the DICOM series again. With a tilted gantry, use "
    "pedseg segment and pedseg rtstruct export on the DICOM folder."
)


def read_references(folder: Path, series_uid: str | None = None) -> DicomReferences:
    """The slices of one CT series by headers alone, sorted along their normal.

    Unlike those of a volume they may have any distances; a single one is fine. The first axis of a mask on them has one
    index per slice. Repeated images are left out, for which alone pixel data are read.

    Args:
        folder: searched with all its subfolders.
        series_uid: Series Instance UID; may be left out when there is only one CT series.

    Raises:
        InputError: no CT series or several, images that differ in orientation, size, pixel spacing or frame of
            reference, or two different ones at the same place.
    """
    stack, _ = without_duplicates(sorted_stack(find_series(folder, series_uid)))
    return references_of(stack.headers)


def references_on_grid(paths: Sequence[Path], geometry: Geometry) -> DicomReferences:
    """Match the files of a series to the slices of a volume by Image Position (Patient).

    Args:
        paths: every file of the series, in any order.
        geometry: the volume's grid; its first array axis has to run through the slices.

    Raises:
        InputError: a file is no image or damaged, the files are not one series, or they are not exactly the slices of
            the grid.
        ResourceError: a file cannot be read.
    """
    headers = read_headers(paths)
    if {header.path for header in headers} != set(map(Path, paths)) or len(headers) != geometry.shape[0]:
        raise InputError(
            f"{counted(len(headers), 'DICOM image')} for a volume of {counted(geometry.shape[0], 'slice')}.", _HINT
        )
    for attribute in ("SeriesInstanceUID", "FrameOfReferenceUID"):
        check_uniform(headers, attribute)
    by_slice: list[ImageHeader | None] = [None] * len(headers)
    to_index = np.linalg.inv(geometry.affine) @ LPS_TO_RAS
    for header in headers:
        position = required_numbers(header, "ImagePositionPatient", 3)
        x, y, z = (to_index @ [*position, 1.0])[:3]
        slice_index = int(round(z))
        off_grid = max(abs(x), abs(y), abs(z - slice_index)) > _TOLERANCE_VOXELS
        if off_grid or not 0 <= slice_index < len(headers) or by_slice[slice_index] is not None:
            raise InputError(
                f"{header.where}: Image Position (Patient) {tuple(position)} is not the corner of a slice of the "
                f"volume (voxel {x:.2f}, {y:.2f}, {z:.2f}).",
                _HINT,
            )
        by_slice[slice_index] = header
    return references_of(by_slice)


def references_of(headers: Sequence[ImageHeader]) -> DicomReferences:
    """References of headers that are in the order of the slices.

    UIDs may be empty here: only an RTSTRUCT or DICOM SEG needs them, and its writer says so.
    """
    first = headers[0].dataset
    return DicomReferences(
        study_instance_uid=str(first.get("StudyInstanceUID") or ""),
        series_instance_uid=headers[0].series_instance_uid,
        frame_of_reference_uid=str(first.get("FrameOfReferenceUID") or ""),
        slices=tuple(map(_slice_of, headers)),
        patient_age_years=age_in_years(first),
        patient_sex=str(first.get("PatientSex") or "") or None,
        patient_position=str(first.get("PatientPosition") or ""),
    )


def _slice_of(header: ImageHeader) -> DicomSlice:
    row_direction, column_direction, _ = orientation_of(header)
    return DicomSlice(
        path=header.path,
        sop_instance_uid=str(header.dataset.SOPInstanceUID),
        sop_class_uid=str(header.dataset.SOPClassUID),
        position_mm=tuple(required_numbers(header, "ImagePositionPatient", 3).tolist()),
        row_direction=tuple(row_direction.tolist()),
        column_direction=tuple(column_direction.tolist()),
        pixel_spacing_mm=tuple(required_numbers(header, "PixelSpacing", 2).tolist()),
        rows=required_integer(header, "Rows"),
        columns=required_integer(header, "Columns"),
        frame_number=None if header.frame is None else header.frame + 1,
    )
