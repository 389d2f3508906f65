"""The modules of an RTSTRUCT beside its contours: patient, study, equipment, structure set, references."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence

from .ct_header import (
    MANUFACTURER,
    contributing_equipment,
    copy_patient_and_study,
    derived_series_number,
    frame_of_reference_uid,
    read_ct_header,
    require_references,
)
from .roi_mask import ModelProvenance, weakest_status
from .rt_utils_helpers import rt_utils_helpers
from .volume import DicomReferences


@dataclass(frozen=True)
class StructureSetText:
    """What people read about the structure set as a whole.

    Attributes:
        label: Structure Set Label, at most 16 characters.
        series_description: at most 64 characters.
        description: Structure Set Description.
    """

    label: str
    series_description: str
    description: str


def structure_set_text(models: Sequence[ModelProvenance]) -> StructureSetText:
    """Texts for contours by ``models``; one demonstration model among them marks the whole structure set."""
    made_by = f" by {'; '.join(str(model) for model in models)}" if models else ""
    made_by = f"Contours made automatically{made_by}, not approved. "
    status = weakest_status(models)
    if status == "demonstration":
        return StructureSetText(
            "DEMO AI contours",
            "DEMO AI contours, not for clinical use",
            made_by + "DEMONSTRATION MODEL trained on synthetic images: not for clinical use.",
        )
    if status != "clinical":
        return StructureSetText(
            "AI contours RES", "AI contours, research use, unapproved", made_by + "Research use only."
        )
    return StructureSetText("AI contours", "AI contours, unapproved", made_by + "Review before use.")


def new_structure_set(
    references: DicomReferences, models: Sequence[ModelProvenance], software_version: str, now: datetime | None = None
) -> FileDataset:
    """An RTSTRUCT without ROIs, complete but for its three ROI sequences, which are empty.

    Args:
        references: the CT; the header of its first slice is read from disk.
        models: distinct bundles behind the contours.
        software_version: of this software.
        now: date and time of creation; None takes the clock.

    Raises:
        InputError: UIDs are missing, or the CT's file is gone.
    """
    require_references(references, "RTSTRUCT")
    header = read_ct_header(references)
    now = now or datetime.now(timezone.utc).astimezone()
    dataset = _rt_utils_dataset(header, references)
    for keyword in ("PatientAge", "PatientSize", "PatientWeight", "InstitutionName", "StudyDescription"):
        if keyword in dataset:
            delattr(dataset, keyword)  # rt-utils sets them empty or to its own
    copy_patient_and_study(header, dataset)
    dataset.FrameOfReferenceUID = frame_of_reference_uid(references)
    _describe_series(dataset, header, structure_set_text(models), now)
    _describe_equipment(dataset, models, software_version, now)
    return dataset


def _rt_utils_dataset(header: Dataset, references: DicomReferences) -> FileDataset:
    ds_helper, _ = rt_utils_helpers()

    series = []
    for one in references.slices:
        item = Dataset()
        item.SOPClassUID = one.sop_class_uid
        item.SOPInstanceUID = one.sop_instance_uid
        series.append(item)
    first = series[0]
    for keyword in ("StudyDate", "StudyTime", "StudyID", "PatientName", "PatientID"):
        setattr(first, keyword, header.get(keyword, ""))
    first.StudyInstanceUID = references.study_instance_uid
    first.SeriesInstanceUID = references.series_instance_uid
    first.FrameOfReferenceUID = frame_of_reference_uid(references)
    with warnings.catch_warnings():
        # rt-utils 1.2.7 sets attributes that pydicom 3 deprecates; its user cannot do anything about that.
        warnings.simplefilter("ignore", DeprecationWarning)
        return ds_helper.create_rtstruct_dataset(series)


def _describe_series(dataset: FileDataset, header: Dataset, text: StructureSetText, now: datetime) -> None:
    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.InstanceCreationDate = dataset.SeriesDate = dataset.StructureSetDate = date
    dataset.InstanceCreationTime = dataset.SeriesTime = dataset.StructureSetTime = time
    dataset.SeriesDescription = text.series_description
    dataset.SeriesNumber = derived_series_number(header)
    dataset.InstanceNumber = 1
    dataset.OperatorsName = ""
    dataset.StructureSetLabel = text.label
    dataset.StructureSetName = text.series_description
    dataset.StructureSetDescription = text.description
    dataset.ApprovalStatus = "UNAPPROVED"


def _describe_equipment(
    dataset: FileDataset, models: Sequence[ModelProvenance], software_version: str, now: datetime
) -> None:
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MANUFACTURER
    dataset.SoftwareVersions = software_version
    dataset.file_meta.ImplementationVersionName = MANUFACTURER[:16]
    if models:
        dataset.ContributingEquipmentSequence = DicomSequence(contributing_equipment(models, now))
