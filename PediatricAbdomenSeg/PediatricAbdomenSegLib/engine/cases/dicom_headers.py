"""The headers of image files, one per image, without their pixel data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ..errors import InputError, PediatricAbdomenSegError
from .dicom_file import DAMAGED, is_dicom_start, reading_error
from .dicom_frames import FUNCTIONAL_GROUPS, MULTI_FRAME_CT, frame_datasets

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
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
_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
_FIRST_BYTES = 132  # preamble and prefix
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
    "AcquisitionNumber",
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "PatientAge",
    "PatientBirthDate",
    "PatientSex",
    "PatientPosition",
    "StudyDate",
    *FUNCTIONAL_GROUPS,
]
_SYNTAX_OF_ENCODING = {  # (implicit VR, little endian)
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}
_PIXEL_DATA_TAG = {"<": b"\xe0\x7f\x10\x00", ">": b"\x7f\xe0\x00\x10"}


@dataclass(frozen=True)
class NativePixels:
    """Where the uncompressed pixel data of a file lie.

    Attributes:
        offset: of the first frame, bytes from the beginning of the file.
        dtype: of one pixel as stored, with its byte order.
    """

    offset: int
    dtype: np.dtype


@dataclass(frozen=True)
class ImageHeader:
    """The header of one image: of a file, or of one frame of a multi-frame file.

    Attributes:
        path: where it lies.
        dataset: the elements of the header that reading a volume needs, without pixel data. Those of a frame hold at
            the top level what its functional groups say.
        transfer_syntax: (0002,0010); without file meta information, how the header is encoded.
        frame: index of the frame, None for a single-frame image.
        native: where its pixel data lie; None when they are compressed, missing or not as long as the header says.
    """

    path: Path
    dataset: Dataset
    transfer_syntax: UID
    frame: int | None = None
    native: NativePixels | None = None

    @property
    def name(self) -> str:
        """File name, with the number of the frame as DICOM counts, for messages."""
        return self.path.name if self.frame is None else f"{self.path.name} frame {self.frame + 1}"

    @property
    def where(self) -> str:
        """Path, with the number of the frame, for messages."""
        return str(self.path.with_name(self.name))

    @property
    def series_instance_uid(self) -> str:
        return str(self.dataset.get("SeriesInstanceUID") or "")

    @property
    def is_encapsulated(self) -> bool:
        """Whether the pixel data are compressed frame by frame."""
        return self.transfer_syntax.is_transfer_syntax and self.transfer_syntax.is_encapsulated

    @property
    def is_ct(self) -> bool:
        if self.dataset.get("Modality") not in (None, "", "CT"):  # a header that contradicts its own storage class
            return False
        return self.dataset.SOPClassUID == CT_IMAGE_STORAGE or self.dataset.SOPClassUID in MULTI_FRAME_CT

    @property
    def is_localizer(self) -> bool:
        return "LOCALIZER" in (str(value).upper() for value in np.atleast_1d(self.dataset.get("ImageType") or ()))


def headers_of_file(path: Path) -> tuple[ImageHeader, ...]:
    """The images of a file, one per frame; () for a file that is not DICOM or holds no image in slices.

    Raises:
        InputError: a DICOM file is damaged, or a file that calls itself DICOM by its suffix is not.
        ResourceError: the file cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            first_bytes = file.read(_FIRST_BYTES)
            if not is_dicom_start(first_bytes):
                _refuse_broken(path, first_bytes)
                return ()
            file.seek(0)
            dataset = dcmread(file, stop_before_pixels=True, specific_tags=_TAGS, force=True)
            if not _is_image(path, dataset):
                return ()
            syntax = _transfer_syntax(dataset)
            native = _native_pixels(file, dataset, syntax)
        if dataset.SOPClassUID in MULTI_FRAME_CT:
            frames = frame_datasets(path, dataset)
            return tuple(ImageHeader(path, frame, syntax, index, native) for index, frame in enumerate(frames))
    except PediatricAbdomenSegError:
        raise
    except DAMAGED as error:
        raise reading_error(path, error) from error
    return (ImageHeader(path, dataset, syntax, None, native),)


def age_in_years(dataset: Dataset) -> float | None:
    """Age at the study from Patient's Age, else from birth and study date; None when neither says."""
    match = re.fullmatch(r"\s*(\d{1,3})([DWMY])\s*", str(dataset.get("PatientAge") or ""))
    if match:
        return int(match[1]) * _YEARS_PER_UNIT[match[2]]
    born, studied = (_date(dataset.get(tag)) for tag in ("PatientBirthDate", "StudyDate"))
    if born is None or studied is None or studied < born:
        return None
    return (studied - born).days / _DAYS_PER_YEAR


def _refuse_broken(path: Path, first_bytes: bytes) -> None:
    # A file that is called DICOM and is not may be a slice that was lost in copying: never left out silently.
    if path.suffix.lower() not in _DICOM_SUFFIXES:
        return
    if not first_bytes:
        raise InputError(f"{path} is empty (0 bytes).", "Export the series again: a slice is missing here.")
    raise InputError(
        f"{path} is no DICOM file, although its name says so.",
        "Export the series again if this is a slice of it, or remove the file.",
    )


def _is_image(path: Path, dataset: Dataset) -> bool:
    """Whether a data set is an image in slices; completes and checks it if so."""
    storage = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", "")
    if not storage:
        raise InputError(f"{path}: SOP Class UID (0008,0016) is missing.", "The file is truncated: export it again.")
    if storage not in _IMAGE_STORAGE:
        return False
    # Some de-identification empties these two in the data set and forgets the file meta information.
    dataset.SOPClassUID = storage
    dataset.SOPInstanceUID = dataset.get("SOPInstanceUID") or dataset.file_meta.get("MediaStorageSOPInstanceUID", "")
    if "Rows" not in dataset:
        raise InputError(f"{path}: Rows (0028,0010) is missing.", "The file is truncated: export the series again.")
    for element in dataset:  # converts every raw value now: a malformed one is reported with its file
        element.value  # noqa: B018
    return True


def _transfer_syntax(dataset: Dataset) -> UID:
    return UID(dataset.file_meta.get("TransferSyntaxUID") or _SYNTAX_OF_ENCODING[dataset.original_encoding])


def _native_pixels(file: BinaryIO, dataset: Dataset, syntax: UID) -> NativePixels | None:
    """Where pixel data begin; ``file`` stands where reading the header stopped."""
    is_implicit, is_little_endian = dataset.original_encoding
    if syntax != _SYNTAX_OF_ENCODING[is_implicit, is_little_endian]:  # compressed, deflated, or not what it says
        return None
    order = "<" if is_little_endian else ">"
    tag, rest = file.read(4), file.read(4 if is_implicit else 8)
    bits = int(dataset.get("BitsAllocated") or 0)
    if tag != _PIXEL_DATA_TAG[order] or len(rest) < 4 or bits not in (8, 16, 32) or (bits == 8 and order == ">"):
        return None
    dtype = np.dtype(f"{order}{'i' if dataset.get('PixelRepresentation') == 1 else 'u'}{bits // 8}")
    pixels = int(dataset.Rows) * int(dataset.get("Columns") or 0) * int(dataset.get("NumberOfFrames") or 1)
    length = int(np.frombuffer(rest[-4:], f"{order}u4")[0])
    expected = pixels * dtype.itemsize * int(dataset.get("SamplesPerPixel") or 1)
    # An odd number of bytes is padded to an even one.
    return NativePixels(file.tell(), dtype) if length in (expected, expected + expected % 2) else None


def _date(value: object) -> date | None:
    match = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", str(value or "").strip())
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:  # a date such as 00000000, used when de-identifying
        return None
