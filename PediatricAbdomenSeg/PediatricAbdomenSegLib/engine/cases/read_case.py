"""Read whatever a user points at: a DICOM folder, one DICOM file of a series, or an image file."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError, UsageError
from ..progress import OnProgress, ignore_progress
from .dicom_file import is_dicom_file
from .dicom_scan import series_of_file
from .dicom_series import read_series
from .image_file import IMAGE_SUFFIXES, is_image_file, read_image
from .series_references import read_references
from .series_spacing import Gaps
from .volume import DicomReferences, Volume


def read_case(
    path: Path,
    series_uid: str | None = None,
    on_progress: OnProgress = ignore_progress,
    gaps: Gaps = "refuse",
    fewest_slices: int = 2,
) -> Volume:
    """Read one CT.

    Args:
        path: a folder with DICOM files, one DICOM file (its whole series in the same folder is read) or a DICOMDIR,
            or a NIfTI, NRRD or MetaImage file.
        series_uid: Series Instance UID, where a folder holds several CT series.
        on_progress: stage "read", fraction done.
        gaps, fewest_slices: for DICOM, see `read_series`.

    Raises:
        InputError: the path does not exist or is none of these, or its content cannot be used.
        UsageError: a series is asked for of an image file.
    """
    path = Path(path)
    if path.is_dir():
        return read_series(path, series_uid, on_progress, gaps, fewest_slices)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if is_image_file(path):
        if series_uid is not None:
            raise UsageError(f"{path} is one image: there is no series {series_uid} to choose.", "Leave --series out.")
        return read_image(path)
    if is_dicom_file(path):
        return read_series(path.parent, series_uid or series_of_file(path), on_progress, gaps, fewest_slices)
    raise InputError(
        f"{path} is neither DICOM nor an image file.",
        f"Give a folder with the DICOM files of a CT, or a file ending in {', '.join(IMAGE_SUFFIXES)}.",
    )


def read_case_references(path: Path, series_uid: str | None = None) -> DicomReferences:
    """The images of a CT by headers alone, whatever their distances; see `read_references`.

    Args:
        path: a folder with DICOM files, or one DICOM file, as in `read_case`.

    Raises:
        InputError: the path does not exist or is no DICOM series.
    """
    path = Path(path)
    if path.is_dir():
        return read_references(path, series_uid)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if is_image_file(path) or not is_dicom_file(path):
        raise InputError(f"{path} is not a DICOM series.", "Give the CT as a DICOM folder.")
    return read_references(path.parent, series_uid or series_of_file(path))
