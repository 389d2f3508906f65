"""What an RTSTRUCT and a DICOM SEG have in common: what they take from the CT's header and say of their making."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from math import isfinite

from pydicom import dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import generate_uid

from ..errors import InputError
from .roi_mask import ModelProvenance
from .volume import DicomReferences

MANUFACTURER = "PediatricAbdomenSeg"
_TEXT_REPRESENTATIONS = {"AS", "CS", "DA", "DS", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI", "UT"}
_SERIES_NUMBER_OFFSET = 1000  # keeps derived series below the scanner's own in a browser sorted by number
_LARGEST_IS = 2**31 - 1  # of an Integer String, PS3.5 6.2
# The optional attributes of these modules (PS3.3 C.7.1.1, C.7.1.3, C.7.2.1 to C.7.2.3, C.12.1) as the CT has them; what
# describes animals is left out.
_COPIED_IF_PRESENT = (
    # Patient
    "IssuerOfPatientID",
    "TypeOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "SourcePatientGroupIdentificationSequence",
    "GroupOfPatientsIdentificationSequence",
    "ReferencedPatientSequence",
    "ReferencedPatientPhotoSequence",
    "PatientBirthTime",
    "PatientBirthDateInAlternativeCalendar",
    "PatientDeathDateInAlternativeCalendar",
    "PatientAlternativeCalendar",
    "OtherPatientIDs",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "EthnicGroup",
    "EthnicGroupCodeSequence",
    "PatientComments",
    "QualityControlSubject",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    # Clinical Trial Subject
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "IssuerOfClinicalTrialProtocolID",
    "OtherClinicalTrialProtocolIDsSequence",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "IssuerOfClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "IssuerOfClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "IssuerOfClinicalTrialSubjectReadingID",
    "ClinicalTrialProtocolEthicsCommitteeName",
    "ClinicalTrialProtocolEthicsCommitteeApprovalNumber",
    # General Study
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "ConsultingPhysicianIdentificationSequence",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "PhysiciansOfRecord",
    "PhysiciansOfRecordIdentificationSequence",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansReadingStudyIdentificationSequence",
    "RequestingService",
    "RequestingServiceCodeSequence",
    "ReferencedStudySequence",
    "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence",
    # Patient Study
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientSizeCodeSequence",
    "PatientBodyMassIndex",
    "MeasuredAPDimension",
    "MeasuredLateralDimension",
    "MedicalAlerts",
    "Allergies",
    "SmokingStatus",
    "PregnancyStatus",
    "LastMenstrualDate",
    "PatientState",
    "Occupation",
    "AdditionalPatientHistory",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "ServiceEpisodeDescription",
    "IssuerOfServiceEpisodeIDSequence",
    "ReasonForVisit",
    "ReasonForVisitCodeSequence",
    # Clinical Trial Study
    "ClinicalTrialTimePointID",
    "IssuerOfClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "ClinicalTrialTimePointTypeCodeSequence",
    "LongitudinalTemporalOffsetFromEvent",
    "LongitudinalTemporalEventType",
    "ConsentForClinicalTrialUseSequence",
    # SOP Common
    "TimezoneOffsetFromUTC",
)
# They must be there, if need be empty.
TYPE_2_ATTRIBUTES = (
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


def missing_reference(references: DicomReferences) -> str | None:
    """Name and tag of a UID the CT lacks and others need to refer to it; None when it lacks none.

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


def require_references(references: DicomReferences | None, kind: str) -> DicomReferences:
    """The references; raises `InputError` where UIDs by which an object of this kind refers to the CT are missing."""
    if references is None:
        raise InputError(
            f"The CT is not a DICOM series: {kind} needs images to refer to.", "Give the CT as a DICOM folder."
        )
    missing = missing_reference(references)
    if missing is not None:
        raise InputError(
            f"No {kind} can refer to this CT: its {missing} is missing.",
            "Use the CT as the scanner or archive sent it; de-identify by replacing UIDs, not by removing them.",
        )
    return references


def frame_of_reference_uid(references: DicomReferences) -> str:
    """The CT's frame of reference, or one derived from its series, the same each time, where it has none."""
    derived = generate_uid(entropy_srcs=["frame of reference", references.series_instance_uid])
    return references.frame_of_reference_uid or str(derived)


def read_ct_header(references: DicomReferences) -> Dataset:
    """The header of the CT's first slice. Raises `InputError` when its file is gone."""
    path = references.slices[0].path
    if not path.is_file():
        raise InputError(f"{path} of the CT is gone.", "Keep the DICOM files in place until the export is written.")
    return dcmread(path, stop_before_pixels=True)


def copy_patient_and_study(header: Dataset, dataset: Dataset) -> None:
    """Give ``dataset`` the CT's patient and study modules, byte by byte where they are text, and its character set."""
    # The CT's own character set, or names in it would turn into question marks.
    dataset.SpecificCharacterSet = header.get("SpecificCharacterSet") or "ISO_IR 100"
    for keyword in (*_COPIED_IF_PRESENT, *TYPE_2_ATTRIBUTES):
        if keyword in header:
            dataset[keyword] = _copied(header, keyword)
        elif keyword in TYPE_2_ATTRIBUTES:
            setattr(dataset, keyword, "")


def in_time_zone_of(header: Dataset, now: datetime) -> datetime:
    """The time as clocks show it in the zone that a header declares for all its times, unchanged where it does not."""
    offset = str(header.get("TimezoneOffsetFromUTC") or "")
    return (
        now.astimezone(datetime.strptime(offset, "%z").tzinfo)
        if re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", offset)
        else now
    )


def _copied(header: Dataset, keyword: str) -> DataElement | RawDataElement:
    """An element to be put into another data set of the same character set.

    Text is taken as its bytes: decoding and encoding would change what the CT's own character set does not allow.
    """
    if dictionary_VR(keyword) in _TEXT_REPRESENTATIONS:
        return header.get_item(keyword)
    element = deepcopy(header[keyword])
    if element.VR == "SQ":
        for item in element.value:
            list(item.iterall())  # pydicom decodes what is iterated over; raw values still mean the CT's encoding
    return element


def derived_series_number(header: Dataset) -> int:
    """Series Number for what is derived from the CT's series."""
    number = int(number_in(header, "SeriesNumber") or 0) + _SERIES_NUMBER_OFFSET
    return number if abs(number) <= _LARGEST_IS else _SERIES_NUMBER_OFFSET


def number_in(header: Dataset, keyword: str) -> float | None:
    """A number that an export can do without; None where it is missing or what the header holds is none."""
    try:
        number = float(header.get(keyword) or 0)
    except (TypeError, ValueError, OverflowError):  # two numbers, or text: archives keep whatever a scanner wrote
        return None
    return number if number and isfinite(number) else None


def processing_equipment_code() -> Dataset:
    """Purpose of equipment that processed what others acquired."""
    code = Dataset()
    code.CodeValue = "109102"
    code.CodingSchemeDesignator = "DCM"
    code.CodeMeaning = "Processing Equipment"
    return code


def contributing_equipment(models: Sequence[ModelProvenance], now: datetime) -> list[Dataset]:
    """Items of the Contributing Equipment Sequence: the model bundles with their hashes."""
    equipment = []
    for model in models:
        item = Dataset()
        item.PurposeOfReferenceCodeSequence = DicomSequence([processing_equipment_code()])
        item.Manufacturer = MANUFACTURER
        item.ManufacturerModelName = model.name[:64]
        item.SoftwareVersions = model.version[:64]
        item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
        item.ContributionDescription = f"Model bundle {model}, SHA-256 {model.sha256}"
        equipment.append(item)
    return equipment
