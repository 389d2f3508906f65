"""What contours and segmentations take over from the CT's header."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_seg import write_dicom_seg
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.organs import organ_by_key

OPTIONAL = {
    "PatientBodyMassIndex": "15.2",
    "MedicalAlerts": "Latex",
    "AdmissionID": "A-7",
    "PhysiciansOfRecord": "Huber^Eva",
    "NameOfPhysiciansReadingStudy": ["Maier^Jan", "Roth^Ina"],
    "IssuerOfClinicalTrialSubjectID": "SIOPEL",
    "ReasonForVisit": "Staging",
    "LongitudinalTemporalOffsetFromEvent": -12.5,
}


@pytest.mark.parametrize("write", [write_rtstruct, write_dicom_seg])
def test_optional_attributes_of_patient_study_and_trial_are_copied(write, tmp_path):
    def change(index, dataset):
        for keyword, value in OPTIONAL.items():
            setattr(dataset, keyword, value)
        dataset.AdmittingDiagnosesCodeSequence = [pydicom.Dataset()]
        dataset.AdmittingDiagnosesCodeSequence[0].CodeMeaning = "Hepatoblastoma"

    folder = write_series(tmp_path / "ct", change=change)
    mask = np.zeros((5, 40, 48), bool)
    mask[1:4, 5:20, 5:20] = True
    write(read_references(folder), [RoiMask(organ_by_key("liver"), mask)], tmp_path / "out.dcm")
    copy, ct = pydicom.dcmread(tmp_path / "out.dcm"), pydicom.dcmread(folder / "slice0.dcm")
    assert [copy.get(keyword) for keyword in OPTIONAL] == [ct[keyword].value for keyword in OPTIONAL]
    assert copy.AdmittingDiagnosesCodeSequence[0].CodeMeaning == "Hepatoblastoma"
