"""Add ROIs to an existing RTSTRUCT, or replace single ones of it; all others and all references stay byte by byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import count
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, ImplicitVRLittleEndian

from ...version import __version__
from ..errors import InputError, UsageError
from ..progress import OnProgress, ignore_progress
from ..wording import counted
from .ct_header import frame_of_reference_uid, in_time_zone_of, read_ct_header, require_references
from .outline_style import EXACT, OutlineStyle
from .roi_mask import RoiMask
from .roi_names import organ_of_roi_name
from .rtstruct_file import RT_STRUCTURE_SET_STORAGE, damage_as_input_error, read_rtstruct_dataset
from .rtstruct_header import describe_derived, referenced_study
from .rtstruct_writer import (
    MadeRois,
    NameStyle,
    RoiIdentity,
    RtStructSummary,
    make_rois,
    save_structure_set,
    unique_names,
)
from .volume import DicomReferences


def append_to_rtstruct(
    references: DicomReferences | None,
    masks: Sequence[RoiMask],
    path: Path,
    existing: Path,
    *,
    replaced: Sequence[str] = (),
    software_version: str = __version__,
    name_style: NameStyle = "tg263",
    style: OutlineStyle = EXACT,
    on_progress: OnProgress = ignore_progress,
) -> RtStructSummary:
    """Write a new RTSTRUCT that holds the ROIs of an existing one and those of ``masks``.

    It is an instance and a series of its own that names the existing one as its predecessor, and it is unapproved.

    Args:
        references, masks, software_version, name_style, style, on_progress: as in `write_rtstruct`.
        path: where to; may be ``existing``.
        existing: an RTSTRUCT of the same patient, on images in the same frame of reference.
        replaced: names of ROIs of ``existing`` that give their contours, but not their number and name, for those of
            the mask of the organ they are named after.

    Returns:
        Summary of the ROIs added or replaced; a note names those that stay as they are.

    Raises:
        InputError: as `write_rtstruct`; ``existing`` is damaged, no RTSTRUCT, of another patient or frame of reference;
            no mask for an ROI to be replaced.
        UsageError: an ROI to be replaced is not there, there twice, or named after no organ.
    """
    references = require_references(references, "RTSTRUCT")
    with damage_as_input_error(Path(existing)):
        dataset = read_rtstruct_dataset(Path(existing))
        _decode_big_endian(dataset)
        _require_same_patient(dataset, read_ct_header(references), existing)
        frame = _common_frame(dataset, references, existing)
        rois = _Rois(dataset)
        kept = [name for name in rois.names if name.strip() not in {each.strip() for each in replaced}]
        identities = _Identities(rois, replaced, name_style)
    made = make_rois(references, masks, identities, style, on_progress, frame)
    identities.require_all_replaced()
    with damage_as_input_error(Path(existing)):
        notes = _refer_to_series(dataset, references, frame)
        rois.put(made)
        if "FrameOfReferenceUID" not in dataset:
            dataset.FrameOfReferenceUID = frame
        now = in_time_zone_of(dataset, datetime.now(timezone.utc).astimezone())
        dataset.file_meta = _file_meta()
        describe_derived(dataset, made.models, software_version, made.summary.roi_names, now)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    save_structure_set(dataset, path)
    return replace(made.summary, notes=(*made.summary.notes, _kept_note(kept), *notes))


def _kept_note(names: Sequence[str]) -> str:
    return f"{len(names)} of the existing ROIs {'is' if len(names) == 1 else 'are'} kept: {', '.join(names) or 'none'}."


class _Rois:
    """The three ROI sequences of a structure set, by ROI number."""

    def __init__(self, dataset: Dataset) -> None:
        for keyword in ("StructureSetROISequence", "ROIContourSequence", "RTROIObservationsSequence"):
            if not dataset.get(keyword):
                setattr(dataset, keyword, DicomSequence())
        self._rois = dataset.StructureSetROISequence
        self._contours = dataset.ROIContourSequence
        self._observations = dataset.RTROIObservationsSequence

    @property
    def names(self) -> list[str]:
        return [str(item.get("ROIName") or "") for item in self._rois]

    def number_of(self, name: str) -> int:
        """Number of the only ROI of this name. Raises `UsageError`."""
        numbers = [int(item.ROINumber) for item in self._rois if str(item.get("ROIName") or "").strip() == name.strip()]
        if len(numbers) != 1:
            raise UsageError(
                f"The structure set has {len(numbers) or 'no'} ROIs named {name}.",
                f"Its ROIs are: {', '.join(self.names)}.",
            )
        return numbers[0]

    def free_numbers(self) -> count:
        """Numbers beyond all that occur."""
        referred = [item.ReferencedROINumber for item in (*self._contours, *self._observations)]
        return count(max(map(int, (*(item.ROINumber for item in self._rois), *referred)), default=0) + 1)

    def put(self, made: MadeRois) -> None:
        """Add ROIs; one that has the number of an existing ROI takes its place and keeps its name."""
        observation_numbers = count(max((int(item.ObservationNumber) for item in self._observations), default=0) + 1)
        for items, identity in zip(made.items, made.identities, strict=True):
            before = self._place(self._rois, "ROINumber", identity.number, items.structure_set_roi)
            if before is not None:
                items.structure_set_roi["ROIName"] = before.get_item("ROIName")
            self._place(self._contours, "ReferencedROINumber", identity.number, items.contour)
            items.observation.ObservationNumber = next(observation_numbers)
            self._place(self._observations, "ReferencedROINumber", identity.number, items.observation)

    @staticmethod
    def _place(sequence: DicomSequence, keyword: str, number: int, item: Dataset) -> Dataset | None:
        places = [place for place, one in enumerate(sequence) if int(one[keyword].value) == number]
        if not places:
            sequence.append(item)
            return None
        before = sequence[places[0]]
        sequence[places[0]] = item
        for place in reversed(places[1:]):
            del sequence[place]
        return before


class _Identities:
    """Numbers and names for masks: those of the ROI a mask replaces, else free ones."""

    def __init__(self, rois: _Rois, replaced: Sequence[str], name_style: NameStyle) -> None:
        self._old: dict[str, RoiIdentity] = {}
        for name in replaced:
            identity = RoiIdentity(rois.number_of(name), name)
            other = self._old.setdefault(_organ_key(name), identity)
            if other.number != identity.number:
                raise UsageError(
                    f"The ROIs {other.name} and {name} are of the same organ; which one to replace is not clear.",
                    "Name one of them.",
                )
        self._names, self._numbers = unique_names(name_style, rois.names), rois.free_numbers()

    def __call__(self, roi: RoiMask) -> RoiIdentity:
        return self._old.pop(roi.organ.key, None) or RoiIdentity(next(self._numbers), self._names(roi.organ))

    def require_all_replaced(self) -> None:
        if self._old:
            missing = ", ".join(identity.name for identity in self._old.values())
            raise InputError(f"The labels hold nothing to replace {missing} with.", "Give labels with these organs.")


def _organ_key(name: str) -> str:
    organ = organ_of_roi_name(name)
    if organ is None:
        raise UsageError(
            f"Which organ replaces the ROI {name} cannot be told from its name.",
            "Append the organ beside it, and remove the ROI in the planning system.",
        )
    return organ.key


def _decode_big_endian(dataset: Dataset) -> None:
    """Big endian numbers cannot be copied as bytes; pydicom decodes what is iterated over."""
    if not dataset.original_encoding[1]:
        list(dataset.iterall())


def _require_same_patient(dataset: Dataset, header: Dataset, existing: Path) -> None:
    for keyword, tag in (("PatientID", "(0010,0020)"), ("PatientBirthDate", "(0010,0030)")):
        theirs, ours = (str(one.get(keyword) or "").strip() for one in (dataset, header))
        if theirs and ours and theirs != ours:
            raise InputError(
                f"{existing} is of another patient than the CT: {keyword} {tag} differs.",
                "Give the structure set of this patient.",
            )


def _common_frame(dataset: Dataset, references: DicomReferences, existing: Path) -> str:
    """UID, as the structure set has it, of the frame of reference in which both lie."""
    frames = {str(item.get("FrameOfReferenceUID") or ""): item for item in _frames(dataset)}
    ours = frame_of_reference_uid(references)
    rois = dataset.get("StructureSetROISequence") or []
    of_rois = {str(item.get("ReferencedFrameOfReferenceUID") or "") for item in rois}
    if ours in {*frames, *of_rois, str(dataset.get("FrameOfReferenceUID") or "")}:
        return ours
    images = {one.sop_instance_uid for one in references.slices}
    for frame, item in frames.items():
        if images & _images(item):  # it was drawn on these very images, whatever it calls their frame of reference
            return frame
    raise InputError(
        f"{existing} does not lie in the CT's frame of reference {ours} but in {' and '.join(filter(None, frames))}.",
        "Give the CT on which the structure set was drawn, or one registered to it by the scanner.",
    )


def _refer_to_series(dataset: Dataset, references: DicomReferences, frame: str) -> tuple[str, ...]:
    """Add references to the images of the CT that the structure set does not refer to yet."""
    item = next((one for one in _frames(dataset) if one.get("FrameOfReferenceUID") == frame), None)
    if item is None:
        item = Dataset()
        item.FrameOfReferenceUID = frame
        dataset.ReferencedFrameOfReferenceSequence = DicomSequence([*_frames(dataset), item])
    ours = referenced_study(references)
    images = ours.RTReferencedSeriesSequence[0].ContourImageSequence
    series = next((one for one in _series(item) if one.SeriesInstanceUID == references.series_instance_uid), None)
    if series is not None:
        known = {image.ReferencedSOPInstanceUID for image in series.get("ContourImageSequence") or []}
        missing = [image for image in images if image.ReferencedSOPInstanceUID not in known]
        if not missing:
            return ()
        series.ContourImageSequence = DicomSequence([*(series.get("ContourImageSequence") or []), *missing])
        return (f"The structure set did not refer to all of the CT: {counted(len(missing), 'image')} added.",)
    item.RTReferencedStudySequence = DicomSequence([*(item.get("RTReferencedStudySequence") or []), ours])
    return ("The structure set did not refer to this CT series before; the reference was added.",)


def _frames(dataset: Dataset) -> list[Dataset]:
    return list(dataset.get("ReferencedFrameOfReferenceSequence") or [])


def _series(frame: Dataset) -> list[Dataset]:
    studies = frame.get("RTReferencedStudySequence") or []
    return [series for study in studies for series in study.get("RTReferencedSeriesSequence") or []]


def _images(frame: Dataset) -> set[str]:
    items = (image for series in _series(frame) for image in series.get("ContourImageSequence") or [])
    return {str(image.get("ReferencedSOPInstanceUID") or "") for image in items}


def _file_meta() -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = RT_STRUCTURE_SET_STORAGE
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return meta
