"""What an RTSTRUCT says, as plain values, without a CT: ROIs with their contours in millimetres.

Files of every planning system come here, therefore missing and doubled items are lived with and noted. Only what
would make a wrong contour is refused: coordinates that are no numbers, or no triplets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import Tag

from ..errors import InputError, ResourceError, UsageError

RT_STRUCTURE_SET_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"

_CONTOUR_DATA = Tag(0x3006, 0x0050)
# INTERPOLATED_PLANAR is no type of the standard; some systems write it for closed contours between drawn ones.
_FILLED_TYPES = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "INTERPOLATED_PLANAR")
# A hundred metres: no patient reaches that far, a damaged value does.
_FARTHEST_MM = 1e5
# What pydicom and the decoding of its values raise on damaged files, as fuzzing found.
_DAMAGE = (
    *(InvalidDicomError, EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(BytesLengthException, NotImplementedError, RecursionError, struct.error, zlib.error),
)


@dataclass(frozen=True)
class RoiContour:
    """A closed contour.

    Attributes:
        points_mm: float64 ``(n, 3)``, n ≥ 3, LPS.
        exclusive: CLOSEDPLANAR_XOR instead of CLOSED_PLANAR.
        image_uid: SOP Instance UID of the image it was drawn on, "" when the file does not say.
    """

    points_mm: np.ndarray
    exclusive: bool
    image_uid: str


@dataclass(frozen=True)
class RoiCode:
    """What an ROI is, as a code: value, coding scheme designator and the value of its laterality modifier or ""."""

    value: str
    scheme: str
    modifier: str = ""


@dataclass(frozen=True)
class StructureSetRoi:
    """One ROI of the file.

    Attributes:
        number: ROI Number (3006,0022).
        name: ROI Name (3006,0026), "" when absent.
        frame_of_reference_uid: (3006,0024), "" when absent.
        generation_algorithm: (3006,0036): AUTOMATIC, SEMIAUTOMATIC, MANUAL or "".
        interpreted_type: RT ROI Interpreted Type (3006,00A4), such as ORGAN, GTV, EXTERNAL, or "".
        color: sRGB, 0 to 255; None when absent.
        codes: from the RT ROI Identification Code Sequence.
        contours: the closed ones; () also when contours were not asked for.
        notes: what was left out, sentences.
    """

    number: int
    name: str
    frame_of_reference_uid: str = ""
    generation_algorithm: str = ""
    interpreted_type: str = ""
    color: tuple[int, int, int] | None = None
    codes: tuple[RoiCode, ...] = ()
    contours: tuple[RoiContour, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"ROI {self.number} ({self.name})" if self.name else f"ROI {self.number}"


@dataclass(frozen=True)
class StructureSet:
    """One RTSTRUCT.

    Attributes:
        source: file name, for messages.
        label: Structure Set Label.
        patient_id: for comparison with the CT only; never to be shown.
        study_uids: the file's own Study Instance UID and those it refers to.
        frame_of_reference_uids: those it refers to.
        rois: in the order of the file.
        notes: what is odd about the file, sentences.
    """

    source: str
    label: str
    patient_id: str = field(repr=False)
    study_uids: frozenset[str]
    frame_of_reference_uids: frozenset[str]
    rois: tuple[StructureSetRoi, ...]
    notes: tuple[str, ...] = ()


def read_structure_set(path: Path, names: Collection[str] | None = None) -> StructureSet:
    """Read an RTSTRUCT.

    Args:
        path: the file; the 128 bytes before "DICM" may be missing.
        names: ROI names to read, None for all. The contours of other ROIs are not even looked at.

    Raises:
        InputError: the file is no RTSTRUCT or damaged, has no ROIs, or the coordinates of a contour are not triplets of
            numbers; the message names ROI and tag.
        UsageError: a name in ``names`` is not in the file.
        ResourceError: the file cannot be read.
    """
    path = Path(path)
    with damage_as_input_error(path):
        dataset = read_rtstruct_dataset(path)
        return _structure_set(dataset, path.name, names)


@contextmanager
def damage_as_input_error(path: Path) -> Iterator[None]:
    """Turn what pydicom raises on a damaged file into `InputError`, what the system raises into `ResourceError`."""
    # pydicom converts values when they are first looked at, so damage shows anywhere while the items are walked.
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ResourceError(
            f"{path} cannot be read: {reason}.", "Check that the file exists and may be read."
        ) from error
    except _DAMAGE as error:
        raise InputError(f"{path} is a damaged DICOM file: {error}.", "Export the structure set again.") from error


def read_rtstruct_dataset(path: Path) -> Dataset:
    """The elements of an RTSTRUCT as they are; raises `InputError` for another object. Errors of pydicom pass."""
    dataset = dcmread(path, force=True)
    storage = str(dataset.get("SOPClassUID") or "")
    if storage != RT_STRUCTURE_SET_STORAGE and dataset.get("Modality") != "RTSTRUCT":
        found = f"SOP Class UID (0008,0016) {storage}" if storage else "it has no SOP Class UID (0008,0016)"
        raise InputError(f"{path} is no RTSTRUCT: {found}.", "Give an RT Structure Set.")
    return dataset


def _structure_set(dataset: Dataset, source: str, names: Collection[str] | None) -> StructureSet:
    items = _items(dataset, "StructureSetROISequence")
    if not items:
        raise InputError(f"{source} has no ROIs (3006,0020).", "Export the structure set again, with its ROIs.")
    notes: list[str] = []
    numbers = [_number(item, "ROINumber", source) for item in items]
    if names is not None:
        _require_names(names, [_text(item, "ROIName") for item in items], source)
    contours = _by_number(dataset, "ROIContourSequence", numbers, source, notes)
    observations = _by_number(dataset, "RTROIObservationsSequence", numbers, source, notes)
    rois = tuple(
        _roi(item, number, contours[index], observations[index], source)
        for index, (item, number) in enumerate(zip(items, numbers, strict=True))
        if names is None or _text(item, "ROIName") in names
    )
    doubled = sorted({roi.name for roi in rois if sum(roi.name == other.name for other in rois) > 1})
    if doubled:
        notes.append(f"Several ROIs have the same name: {', '.join(doubled)}.")
    frames = _items(dataset, "ReferencedFrameOfReferenceSequence")
    if not frames:
        notes.append("Referenced Frame of Reference Sequence (3006,0010) is missing.")
    studies = [study for frame in frames for study in _items(frame, "RTReferencedStudySequence")]
    study_uids = {_text(dataset, "StudyInstanceUID"), *(_text(study, "ReferencedSOPInstanceUID") for study in studies)}
    frame_uids = {_text(frame, "FrameOfReferenceUID") for frame in frames}
    return StructureSet(
        source,
        _text(dataset, "StructureSetLabel"),
        _text(dataset, "PatientID"),
        frozenset(study_uids - {""}),
        frozenset(frame_uids - {""}),
        rois,
        tuple(notes),
    )


def _require_names(names: Collection[str], present: list[str], source: str) -> None:
    missing = [name for name in names if name not in present]
    if missing:
        raise UsageError(f"{source} has no ROI {', '.join(missing)}.", f"Its ROIs are: {', '.join(present)}.")


def _by_number(
    dataset: Dataset, keyword: str, numbers: list[int], source: str, notes: list[str]
) -> list[list[Dataset]]:
    """The items of a sequence that refer to each ROI."""
    items = _items(dataset, keyword)
    referenced = [_number(item, "ReferencedROINumber", source) for item in items]
    strays = sorted(set(referenced) - set(numbers))
    if strays:
        listed = ", ".join(map(str, strays))
        notes.append(f"{keyword} refers to ROI numbers that do not exist ({listed}); these items are left out.")
    if len(set(numbers)) == len(numbers):
        return [[item for item, number in zip(items, referenced, strict=True) if number == own] for own in numbers]
    # Numbers given twice, as by programs that append to a file: only the order can tell who is who.
    if referenced != numbers[: len(referenced)]:
        raise InputError(
            f"{source}: ROI numbers (3006,0022) occur twice, and {keyword} does not follow their order.",
            "Export the structure set again with distinct ROI numbers.",
        )
    notes.append(f"ROI numbers occur twice; {keyword} is matched by its order.")
    return [[item] for item in items] + [[] for _ in numbers[len(items) :]]


def _roi(
    item: Dataset, number: int, contours: list[Dataset], observations: list[Dataset], source: str
) -> StructureSetRoi:
    name = _text(item, "ROIName")
    where = f"{source}: ROI {number} ({name})"
    notes = _Notes()
    closed = [
        contour
        for roi_contour in contours
        for index, contour_item in enumerate(_items(roi_contour, "ContourSequence"), 1)
        if (contour := _contour(contour_item, f"{where}, contour {index}", notes)) is not None
    ]
    return StructureSetRoi(
        number=number,
        name=name,
        frame_of_reference_uid=_text(item, "ReferencedFrameOfReferenceUID"),
        generation_algorithm=_text(item, "ROIGenerationAlgorithm"),
        interpreted_type=next(filter(None, (_text(one, "RTROIInterpretedType") for one in observations)), ""),
        color=next(filter(None, map(_color, contours)), None),
        codes=tuple(code for one in observations for code in _codes(one)),
        contours=tuple(closed),
        notes=notes.sentences(),
    )


class _Notes:
    """Sentences, each with the number of contours it is true of."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, sentence: str) -> None:
        self._counts[sentence] = self._counts.get(sentence, 0) + 1

    def sentences(self) -> tuple[str, ...]:
        return tuple(f"{text}: {count}." for text, count in self._counts.items())


def _contour(item: Dataset, where: str, notes: _Notes) -> RoiContour | None:
    kind = _text(item, "ContourGeometricType").upper()
    if kind and kind not in _FILLED_TYPES:
        shown = kind if kind.replace("_", "").isalnum() else "unknown type"
        notes.add(f"Contours that enclose no area ({shown}) are left out")
        return None
    points_mm = _points(item, where)
    if not kind:
        notes.add("Contours without Contour Geometric Type (3006,0042) are taken as closed")
    if len(points_mm) < 3:
        notes.add("Contours of fewer than three points are left out")
        return None
    if np.any(np.array(item.get("ContourOffsetVector") or 0, float)):  # retired, and no reason to move a contour
        notes.add("Contours with a Contour Offset Vector (3006,0045), which is left aside: their points count")
    declared = item.get("NumberOfContourPoints")
    if declared is not None and int(declared) != len(points_mm):
        notes.add("Contours with another number of points than Number of Contour Points (3006,0046) says")
    images = _items(item, "ContourImageSequence")
    return RoiContour(
        points_mm, kind == "CLOSEDPLANAR_XOR", _text(images[0], "ReferencedSOPInstanceUID") if images else ""
    )


def _points(item: Dataset, where: str) -> np.ndarray:
    """Float64 ``(n, 3)`` from the raw value: pydicom would make an object of each of a million numbers."""
    element = item.get_item(_CONTOUR_DATA)
    value = None if element is None else element.value
    if value is None or len(value) == 0:
        return np.empty((0, 3))
    try:
        if isinstance(value, bytes):
            value = value.decode("ascii").strip(" \0").split("\\")
        numbers = np.array(value, float).ravel()
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{where}: Contour Data (3006,0050) are not numbers: {error}.", "Export the structure set again."
        ) from error
    if numbers.size % 3 or not np.all(np.abs(numbers) <= _FARTHEST_MM):
        reason = (
            f"hold {numbers.size} numbers, no triplets" if numbers.size % 3 else "hold a coordinate beyond all bounds"
        )
        raise InputError(f"{where}: Contour Data (3006,0050) {reason}.", "Export the structure set again.")
    return numbers.reshape(-1, 3)


def _color(item: Dataset) -> tuple[int, int, int] | None:
    value = item.get("ROIDisplayColor")
    try:
        red, green, blue = (int(channel) for channel in value)
    except (TypeError, ValueError):  # absent or not three numbers: a colour is not worth refusing contours for
        return None
    return (red, green, blue) if all(0 <= channel <= 255 for channel in (red, green, blue)) else None


def _codes(observation: Dataset) -> Iterator[RoiCode]:
    for code in _items(observation, "RTROIIdentificationCodeSequence"):
        modifiers = _items(code, "SegmentedPropertyTypeModifierCodeSequence")
        modifier = _text(modifiers[0], "CodeValue") if modifiers else ""
        yield RoiCode(_text(code, "CodeValue"), _text(code, "CodingSchemeDesignator"), modifier)


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    value = dataset.get(keyword)
    if value is None:
        return []
    if not all(isinstance(item, Dataset) for item in value):
        raise ValueError(f"{keyword} is no sequence")
    return list(value)


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _number(item: Dataset, keyword: str, source: str) -> int:
    value = item.get(keyword)
    if value is None or str(value).strip() == "":
        raise InputError(f"{source}: {keyword} is missing in an ROI.", "Export the structure set again.")
    return int(value)
