"""The table of contents of a DICOM medium, which tells when a slice was lost in copying."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from ..errors import InputError
from ..wording import counted
from .dicom_file import DAMAGED
from .dicom_headers import ImageHeader
from .dicom_scan import DICOMDIR

_ROOT = "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"
_NEXT = "OffsetOfTheNextDirectoryRecord"
_LOWER = "OffsetOfReferencedLowerLevelDirectoryEntity"


def check_nothing_missing(folder: Path, series: Sequence[ImageHeader]) -> None:
    """Raise `InputError` when the DICOMDIR in ``folder`` lists an image of a series that was not found.

    The files themselves are found by looking, not by what a DICOMDIR says: names in it often differ from those on the
    medium in case or suffix. Without a DICOMDIR nothing is checked.

    Args:
        series: all images of one series that were found, localizers too.
    """
    path = next((each for each in Path(folder).iterdir() if each.name.upper() == DICOMDIR and each.is_file()), None)
    if path is None:
        return
    found = {str(header.dataset.SOPInstanceUID) for header in series}
    storage = {str(header.dataset.SOPClassUID) for header in series}
    wanted = series[0].series_instance_uid
    try:
        listed = [record for uid, record in _images(dcmread(path)) if uid == wanted]
        missing = [
            record
            for record in listed
            if str(record.get("ReferencedSOPInstanceUIDInFile")) not in found
            and str(record.get("ReferencedSOPClassUIDInFile")) in storage
        ]
    except DAMAGED as error:
        raise InputError(
            f"{path} is damaged: {error}.", "Copy the medium again; or remove this file if the slices are complete."
        ) from error
    if missing:
        first = missing[0].get("ReferencedFileID")
        name = first if isinstance(first, str) else "/".join(map(str, first or ("a file without a name",)))
        raise InputError(
            f"{path} lists {counted(len(listed), 'image')} of the series {wanted}; {len(missing)} not there: "
            f"{name}{' and others' if len(missing) > 1 else ''}.",
            "Copy the medium again, all files of it.",
        )


def _images(dicomdir: Dataset) -> Iterator[tuple[str, Dataset]]:
    """Series Instance UID and record of each image, following the offsets by which records refer to one another."""
    records = {int(record.seq_item_tell): record for record in dicomdir.DirectoryRecordSequence}
    waiting = [(int(dicomdir.get(_ROOT) or 0), "")]
    while waiting:
        offset, series_uid = waiting.pop()
        record = records.pop(offset, None)  # taken out, so that a circle of references ends
        if record is None:
            continue
        waiting.append((int(record.get(_NEXT) or 0), series_uid))
        if record.DirectoryRecordType == "IMAGE":
            yield series_uid, record
        own_uid = str(record.get("SeriesInstanceUID") or series_uid)
        waiting.append((int(record.get(_LOWER) or 0), own_uid))
