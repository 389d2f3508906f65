"""The modules of an RTSTRUCT beside its contours: patient, study, equipment, structure set, references."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import generate_uid

from .ct_header import (
    MANUFACTURER,
    TYPE_2_ATTRIBUTES,
    contributing_equipment,
    copy_patient_and_study,
    derived_series_number,
    frame_of_reference_uid,
    in_time_zone_of,
    processing_equipment_code,
    read_ct_header,
)
from .roi_mask import ModelProvenance, weakest_status
from .rt_utils_helpers import rt_utils_helpers
from .volume import DicomReferences

_MAX_ST = 1024
_DEMONSTRATION_LABEL = "DEMO AI"
_LABEL_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LABEL_TOKEN = 6  # digits: two structure sets of a patient do not meet by chance


@dataclass(frozen=True)
class StructureSetText:
    """What people read about the structure set as a whole.

    Attributes:
        label: beginning of the Structure Set Label, at most 9 characters; see `unique_label`.
        series_description: at most 64 characters.
        description: Structure Set Description, at most 1024 characters.
    """

    label: str
    series_description: str
    description: str


def structure_set_text(models: Sequence[ModelProvenance], label_before: str = "") -> StructureSetText:
    """Texts for contours by ``models``; one demonstration model among them marks the whole structure set.

    Args:
        label_before: Structure Set Label of the structure set to which they are added; its mark stays.
    """
    status = "demonstration" if label_before.startswith(_DEMONSTRATION_LABEL) else weakest_status(models)
    if status == "demonstration":
        warning = "DEMONSTRATION MODEL trained on synthetic images: not for clinical use."
        label, series_description = _DEMONSTRATION_LABEL, "DEMO AI contours, not for clinical use"
    elif status != "clinical":
        warning, label, series_description = "Research use only.", "RES AI", "AI contours, research use, unapproved"
    else:
        warning, label, series_description = "Review before use.", "AI", "AI contours, unapproved"
    made_by = f" by {'; '.join(str(model) for model in models)}" if models else ""
    # The warning comes first, so that a long list of models cannot push it out of what the attribute holds.
    description = f"{warning} Contours made automatically{made_by}, not approved."
    return StructureSetText(label, series_description, description[:_MAX_ST])


def unique_label(beginning: str, sop_instance_uid: str) -> str:
    """Structure Set Label of at most 16 characters that no other structure set has: planning systems list by it."""
    number = int(sha256(sop_instance_uid.encode("ascii")).hexdigest(), 16)
    token = "".join(_LABEL_DIGITS[number // 36**place % 36] for place in range(_LABEL_TOKEN))
    return f"{beginning[: 15 - _LABEL_TOKEN].strip()} {token}".strip()


def new_structure_set(
    references: DicomReferences, models: Sequence[ModelProvenance], software_version: str, now: datetime | None = None
) -> FileDataset:
    """An RTSTRUCT without ROIs, complete but for its three ROI sequences, which are empty.

    Args:
        references: the CT, which has the UIDs that `require_references` asks for; its first header is read from disk.
        models: distinct bundles behind the contours.
        software_version: of this software.
        now: date and time of creation; None takes the clock.

    Raises:
        InputError: the CT's file is gone.
    """
    header = read_ct_header(references)
    now = in_time_zone_of(header, now or datetime.now(timezone.utc).astimezone())
    dataset = _rt_utils_dataset(references)
    for keyword in ("PatientAge", "PatientSize", "PatientWeight", "InstitutionName", "StudyDescription"):
        if keyword in dataset:
            delattr(dataset, keyword)  # rt-utils sets them empty or to its own
    copy_patient_and_study(header, dataset)
    dataset.FrameOfReferenceUID = frame_of_reference_uid(references)
    _describe_series(dataset, header, structure_set_text(models), now)
    _name_software(dataset, software_version)
    if models:
        dataset.ContributingEquipmentSequence = DicomSequence(contributing_equipment(models, now))
    return dataset


def referenced_study(references: DicomReferences) -> Dataset:
    """Item of the RT Referenced Study Sequence that refers to every image of the series."""
    return _rt_utils_dataset(references).ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]


def _rt_utils_dataset(references: DicomReferences) -> FileDataset:
    ds_helper, _ = rt_utils_helpers()

    series = []
    for uid, sop_class in dict.fromkeys((one.sop_instance_uid, one.sop_class_uid) for one in references.slices):
        item = Dataset()
        item.SOPClassUID = sop_class
        item.SOPInstanceUID = uid
        series.append(item)
    first = series[0]
    for keyword in ("StudyDate", "StudyTime", "StudyID"):
        setattr(first, keyword, "")  # rt-utils cannot do without them; the CT's own are copied afterwards
    first.StudyInstanceUID = references.study_instance_uid
    first.SeriesInstanceUID = references.series_instance_uid
    first.FrameOfReferenceUID = frame_of_reference_uid(references)
    with warnings.catch_warnings():
        # rt-utils 1.2.7 sets attributes that pydicom 3 deprecates; its user cannot do anything about that.
        warnings.simplefilter("ignore", DeprecationWarning)
        return ds_helper.create_rtstruct_dataset(series)


def describe_derived(
    dataset: Dataset, models: Sequence[ModelProvenance], software_version: str, names: Sequence[str], now: datetime
) -> None:
    """Make a copy of an existing structure set an instance and series of its own, to which ROIs were added.

    Args:
        dataset: the existing one; its text, numbers and equipment are continued.
        names: of the ROIs that were added or replaced.
        now: in the time zone of the structure set.
    """
    before = str(dataset.get("StructureSetLabel") or "")
    text = structure_set_text(models, before)
    predecessor = Dataset()
    predecessor.ReferencedSOPClassUID = dataset.SOPClassUID
    predecessor.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PredecessorStructureSetSequence = DicomSequence([predecessor])
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SeriesNumber = derived_series_number(dataset)
    label = text.label if text.label == _DEMONSTRATION_LABEL else before
    dataset.StructureSetLabel = unique_label(label, dataset.SOPInstanceUID)
    dataset.SeriesDescription = text.series_description
    dataset.StructureSetName = f'{text.label} ROIs added to "{before}"'
    added = f'{text.description} That is true of the ROIs {", ".join(names)}; the others are those of "{before}".'
    dataset.StructureSetDescription = f"{added} {dataset.get('StructureSetDescription') or ''}".strip()[:_MAX_ST]
    dataset.ContributingEquipmentSequence = DicomSequence(
        [
            *(dataset.get("ContributingEquipmentSequence") or []),
            _earlier_equipment(dataset),
            *contributing_equipment(models, now),
        ]
    )
    _date(dataset, now)
    _name_software(dataset, software_version)
    for keyword in (*TYPE_2_ATTRIBUTES, "OperatorsName"):
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    dataset.ApprovalStatus = "UNAPPROVED"
    for keyword in ("ReviewDate", "ReviewTime", "ReviewerName"):  # of an approval that this instance does not have
        if keyword in dataset:
            delattr(dataset, keyword)


def _earlier_equipment(dataset: Dataset) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = DicomSequence([processing_equipment_code()])
    for keyword in ("Manufacturer", "InstitutionName", "StationName", "ManufacturerModelName", "SoftwareVersions"):
        if keyword in dataset:
            item[keyword] = dataset.get_item(keyword)
    item.ContributionDescription = "Structure set to which ROIs were added"
    return item


def _describe_series(dataset: FileDataset, header: Dataset, text: StructureSetText, now: datetime) -> None:
    _date(dataset, now)
    dataset.SeriesDescription = text.series_description
    dataset.SeriesNumber = derived_series_number(header)
    dataset.InstanceNumber = 1
    dataset.OperatorsName = ""
    dataset.StructureSetLabel = unique_label(text.label, dataset.SOPInstanceUID)
    dataset.StructureSetName = text.series_description
    dataset.StructureSetDescription = text.description
    dataset.ApprovalStatus = "UNAPPROVED"


def _date(dataset: Dataset, now: datetime) -> None:
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.InstanceCreationDate = dataset.SeriesDate = dataset.StructureSetDate = date
    dataset.InstanceCreationTime = dataset.SeriesTime = dataset.StructureSetTime = time


def _name_software(dataset: Dataset, software_version: str) -> None:
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = software_version
    dataset.file_meta.ImplementationVersionName = MANUFACTURER[:16]
