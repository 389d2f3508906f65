"""The modules of an RTSTRUCT beside its contours: patient, study, equipment, structure set, references."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import generate_uid

from ..errors import InputError
from .roi_mask import ModelProvenance
from .rt_utils_helpers import rt_utils_helpers
from .volume import DicomReferences

MANUFACTURER = "PediatricAbdomenSeg"
_DEMONSTRATION = "demonstration"
_SERIES_NUMBER_OFFSET = 1000  # keeps derived series below the scanner's own in a browser sorted by number
# Patient, Clinical Trial Subject, General Study and Patient Study modules, as the CT has them.
_COPIED_IF_PRESENT = (
    "IssuerOfPatientID",
    "OtherPatientIDs",
    "EthnicGroup",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "TimezoneOffsetFromUTC",
)
# Type 2 attributes: they must be there, if need be empty.
_COPIED_OR_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "PositionReferenceIndicator",
)


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
    if any(model.status == _DEMONSTRATION for model in models):
        return StructureSetText(
            "DEMO AI contours",
            "DEMO AI contours, not for clinical use",
            made_by + "DEMONSTRATION MODEL trained on synthetic images: not for clinical use.",
        )
    if any(model.status != "clinical" for model in models):
        return StructureSetText(
            "AI contours RES", "AI contours, research use, unapproved", made_by + "Research use only."
        )
    return StructureSetText("AI contours", "AI contours, unapproved", made_by + "Review before use.")


def missing_reference(references: DicomReferences) -> str | None:
    """Name and tag of a UID the CT lacks and contours need to refer to it; None when an RTSTRUCT can be written.

    A missing Frame of Reference UID is tolerated, see `frame_of_reference_uid`: references to images stay true.
    """
    for value, name in (
        (references.study_instance_uid, "Study Instance UID (0020,000D)"),
        (references.series_instance_uid, "Series Instance UID (0020,000E)"),
        (all(one.sop_instance_uid for one in references.slices), "SOP Instance UID (0008,0018)"),
    ):
        if not value:
            return name
    return None


def require_references(references: DicomReferences) -> None:
    """Raise `InputError` unless the CT has the UIDs by which contours refer to it, see `missing_reference`."""
    missing = missing_reference(references)
    if missing is not None:
        raise InputError(
            f"No RTSTRUCT can refer to this CT: its {missing} is missing.",
            "Use the CT as the scanner or archive sent it; de-identify by replacing UIDs, not by removing them.",
        )


def frame_of_reference_uid(references: DicomReferences) -> str:
    """The CT's frame of reference, or one derived from its series, the same each time, where it has none."""
    derived = generate_uid(entropy_srcs=["frame of reference", references.series_instance_uid])
    return references.frame_of_reference_uid or str(derived)


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
    require_references(references)
    header = _ct_header(references)
    now = now or datetime.now(timezone.utc).astimezone()
    dataset = _rt_utils_dataset(header, references)
    # The CT's own character set, or names in it would turn into question marks.
    dataset.SpecificCharacterSet = header.get("SpecificCharacterSet") or "ISO_IR 100"
    for keyword in ("PatientAge", "PatientSize", "PatientWeight", "InstitutionName", "StudyDescription"):
        if keyword in dataset:
            delattr(dataset, keyword)  # rt-utils sets them empty or to its own
    for keyword in _COPIED_IF_PRESENT:
        if keyword in header:
            dataset[keyword] = header[keyword]
    for keyword in _COPIED_OR_EMPTY:
        setattr(dataset, keyword, header.get(keyword) if header.get(keyword) is not None else "")
    dataset.FrameOfReferenceUID = frame_of_reference_uid(references)
    _describe_series(dataset, header, structure_set_text(models), now)
    _describe_equipment(dataset, models, software_version, now)
    return dataset


def _ct_header(references: DicomReferences) -> Dataset:
    path = references.slices[0].path
    if not path.is_file():
        raise InputError(f"{path} of the CT is gone.", "Keep the DICOM files in place until the RTSTRUCT is written.")
    return dcmread(path, stop_before_pixels=True)


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
    dataset.SeriesNumber = int(header.get("SeriesNumber") or 0) + _SERIES_NUMBER_OFFSET
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
    equipment = []
    for model in models:
        purpose = Dataset()
        purpose.CodeValue = "109102"
        purpose.CodingSchemeDesignator = "DCM"
        purpose.CodeMeaning = "Processing Equipment"
        item = Dataset()
        item.PurposeOfReferenceCodeSequence = DicomSequence([purpose])
        item.Manufacturer = MANUFACTURER
        item.ManufacturerModelName = model.name[:64]
        item.SoftwareVersions = model.version[:64]
        item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
        item.ContributionDescription = f"Model bundle {model}, SHA-256 {model.sha256}"
        equipment.append(item)
    if equipment:
        dataset.ContributingEquipmentSequence = DicomSequence(equipment)
