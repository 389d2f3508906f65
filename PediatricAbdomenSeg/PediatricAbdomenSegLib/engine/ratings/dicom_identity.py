"""The UIDs by which DICOM files are known again wherever they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..cases.dicom_frames import MULTI_FRAME_CT
from ..cases.dicom_headers import CT_IMAGE_STORAGE
from ..errors import InputError, ResourceError

_CT_CLASSES = {CT_IMAGE_STORAGE, *MULTI_FRAME_CT}
# What pydicom raises on malformed files, depending on where it stumbles.
DAMAGED = (EOFError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError)
_TAGS = ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"]


@dataclass(frozen=True)
class DicomIdentity:
    """What a DICOM file says it is; "" for what it does not say."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


def identity_of(path: Path) -> DicomIdentity | None:
    """The identity of a DICOM file, None when it is another kind of file or too damaged to say.

    Raises:
        ResourceError: the file cannot be read.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        return DicomIdentity(Path(path), *(str(dataset.get(tag) or "") for tag in _TAGS))
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error
    except (InvalidDicomError, *DAMAGED):
        return None  # reading the case itself says what is wrong with it


def file_of_series(folder: Path, series_uid: str) -> Path:
    """Any file of a series in a folder or below, found without reading the others.

    Raises:
        InputError: there is none. ResourceError: a file cannot be read.
    """
    for path in _files_below(folder):
        identity = identity_of(path)
        if identity is not None and identity.series_instance_uid == series_uid:
            return path
    raise _no_series(folder, series_uid)


def series_files(folder: Path, series_uid: str | None = None) -> tuple[DicomIdentity, ...]:
    """The files of one CT series directly in a folder or below, in the order of their paths.

    Args:
        series_uid: Series Instance UID; None for the only CT series.

    Raises:
        InputError: no such series, no CT series at all, or several and none chosen.
        ResourceError: a file cannot be read.
    """
    with ThreadPoolExecutor() as pool:
        identities = [each for each in pool.map(identity_of, _files_below(folder)) if each is not None]
    images = [each for each in identities if each.sop_class_uid in _CT_CLASSES]
    series = {each.series_instance_uid for each in images}
    if series_uid is None and len(series) > 1:
        raise InputError(f"{folder} holds {len(series)} CT series.", f"Choose one: {', '.join(sorted(series))}.")
    wanted = min(series, default=None) if series_uid is None else series_uid
    if wanted is None or wanted not in series:
        raise _no_series(folder, series_uid)
    return tuple(each for each in images if each.series_instance_uid == wanted)


def _no_series(folder: Path, series_uid: str | None) -> InputError:
    return InputError(
        f"{folder} holds no CT series{f' {series_uid}' if series_uid else ''}.",
        "Give the folder that holds the DICOM slices.",
    )


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, subfolders, names in os.walk(folder):
        subfolders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file():  # a link to nowhere or a pipe would fail or wait for ever
                yield path
