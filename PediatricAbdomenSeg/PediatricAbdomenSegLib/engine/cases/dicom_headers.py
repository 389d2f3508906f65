"""Find the image series in a folder by reading headers only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ..errors import InputError, ResourceError

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MULTI_FRAME_CT = {
    "1.2.840.10008.5.1.4.1.1.2.1": "Enhanced CT Image Storage",
    "1.2.840.10008.5.1.4.1.1.2.2": "Legacy Converted Enhanced CT Image Storage",
}
# Images of a patient's anatomy in slices, so that a wrong modality can be named. All other objects in a study folder
# (RT objects, segmentations, dose reports, secondary captures, presentation states) are none of our business.
_OTHER_IMAGE_STORAGE = {
    "1.2.840.10008.5.1.4.1.1.4",  # MR
    "1.2.840.10008.5.1.4.1.1.4.1",  # enhanced MR
    "1.2.840.10008.5.1.4.1.1.4.4",  # legacy converted enhanced MR
    "1.2.840.10008.5.1.4.1.1.128",  # PET
    "1.2.840.10008.5.1.4.1.1.128.1",  # legacy converted enhanced PET
    "1.2.840.10008.5.1.4.1.1.130",  # enhanced PET
    "1.2.840.10008.5.1.4.1.1.20",  # nuclear medicine
}
_IMAGE_STORAGE = {CT_IMAGE_STORAGE, *MULTI_FRAME_CT, *_OTHER_IMAGE_STORAGE}
_PREFIX_OFFSET, _PREFIX = 128, b"DICM"
_DAYS_PER_YEAR = 365.25
_YEARS_PER_UNIT = {"Y": 1.0, "M": 1 / 12, "W": 7 / _DAYS_PER_YEAR, "D": 1 / _DAYS_PER_YEAR}
_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "ImageType",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "SeriesNumber",
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "PatientAge",
    "PatientBirthDate",
    "PatientSex",
    "PatientPosition",
    "StudyDate",
]


@dataclass(frozen=True)
class ImageHeader:
    """The header of one image file.

    Attributes:
        path: where it lies.
        dataset: the elements of the header that reading a volume needs, without pixel data.
    """

    path: Path
    dataset: Dataset

    @property
    def series_instance_uid(self) -> str:
        return str(self.dataset.get("SeriesInstanceUID") or "")

    @property
    def is_ct(self) -> bool:
        return self.dataset.SOPClassUID == CT_IMAGE_STORAGE or self.dataset.SOPClassUID in MULTI_FRAME_CT


def scan_folder(folder: Path) -> tuple[ImageHeader, ...]:
    """Headers of every image below ``folder``, in the order of their paths; () when there are none.

    Localizers, objects that are not images in slices and files that are not DICOM are left out.

    Raises:
        InputError: the folder does not exist, or a DICOM file in it is damaged or empty.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the folder that holds the DICOM files of the CT.")
    paths = sorted(Path(root, name) for root, _, names in os.walk(folder) for name in names if name != "DICOMDIR")
    with ThreadPoolExecutor() as pool:
        # A link to nowhere or a pipe is no file: opening it would fail or wait for ever.
        headers = pool.map(_read_header, (path for path in paths if path.is_file()))
        return tuple(header for header in headers if header is not None and not _is_localizer(header))


def read_headers(paths: Iterable[Path]) -> tuple[ImageHeader, ...]:
    """Headers of files, in their order; files that are not images in slices are left out.

    Raises:
        InputError: a DICOM file is damaged or empty. ResourceError: a file cannot be read.
    """
    with ThreadPoolExecutor() as pool:
        return tuple(header for header in pool.map(_read_header, map(Path, paths)) if header is not None)


def group_by_series(headers: Iterable[ImageHeader]) -> dict[str, list[ImageHeader]]:
    """Headers by Series Instance UID, in the order they come."""
    series: dict[str, list[ImageHeader]] = {}
    for header in headers:
        series.setdefault(header.series_instance_uid, []).append(header)
    return series


def is_dicom_file(path: Path) -> bool:
    """Whether a file carries the DICOM prefix."""
    with Path(path).open("rb") as file:
        file.seek(_PREFIX_OFFSET)
        return file.read(len(_PREFIX)) == _PREFIX


def series_of_file(path: Path) -> str | None:
    """Series Instance UID of a DICOM file, None when it is not an image."""
    header = _read_header(Path(path))
    return header.series_instance_uid if header else None


def age_in_years(dataset: Dataset) -> float | None:
    """Age at the study from Patient's Age, else from birth and study date; None when neither says."""
    match = re.fullmatch(r"\s*(\d{1,3})([DWMY])\s*", str(dataset.get("PatientAge") or ""))
    if match:
        return int(match[1]) * _YEARS_PER_UNIT[match[2]]
    born, studied = (_date(dataset.get(tag)) for tag in ("PatientBirthDate", "StudyDate"))
    if born is None or studied is None or studied < born:
        return None
    return (studied - born).days / _DAYS_PER_YEAR


def _read_header(path: Path) -> ImageHeader | None:
    try:
        if path.stat().st_size == 0 and path.suffix.lower() == ".dcm":
            raise InputError(f"{path} is empty (0 bytes).", "Export the series again: a slice is missing here.")
        if not is_dicom_file(path):
            return None
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        storage = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", "")
        if not storage:
            raise InputError(
                f"{path}: SOP Class UID (0008,0016) is missing.", "The file is truncated: export it again."
            )
        if storage not in _IMAGE_STORAGE:
            return None
        # Some de-identification empties these two in the data set and forgets the file meta information.
        dataset.SOPClassUID = storage
        dataset.SOPInstanceUID = dataset.get("SOPInstanceUID") or dataset.file_meta.get(
            "MediaStorageSOPInstanceUID", ""
        )
        if "Rows" not in dataset:
            raise InputError(f"{path}: Rows (0028,0010) is missing.", "The file is truncated: export the series again.")
        for element in dataset:  # converts every raw value now: a malformed one is reported with its file
            element.value  # noqa: B018
    except OSError as error:
        raise ResourceError(
            f"{path} cannot be read: {error.strerror}.", "Check the permissions of the file."
        ) from error
    except (InvalidDicomError, EOFError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        raise InputError(f"{path} is a damaged DICOM file: {error}.", "Export the series again.") from error
    return ImageHeader(path, dataset)


def _is_localizer(header: ImageHeader) -> bool:
    return "LOCALIZER" in (str(value).upper() for value in header.dataset.get("ImageType") or ())


def _date(value: object) -> date | None:
    match = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", str(value or "").strip())
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:  # a date such as 00000000, used when de-identifying
        return None
