"""The two values that travel through the engine: a CT volume and a label map on its grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..geometry import Geometry


@dataclass(frozen=True)
class DicomSlice:
    """What a contour needs to know of the DICOM instance behind one slice of a volume.

    Attributes:
        path: the file it was read from.
        sop_instance_uid: SOP Instance UID (0008,0018).
        sop_class_uid: SOP Class UID (0008,0016).
        position_mm: Image Position (Patient) (0020,0032), LPS mm.
    """

    path: Path
    sop_instance_uid: str
    sop_class_uid: str
    position_mm: tuple[float, float, float]


@dataclass(frozen=True)
class DicomReferences:
    """The series a volume came from.

    Attributes:
        study_instance_uid, series_instance_uid, frame_of_reference_uid: as in the files.
        slices: one `DicomSlice` per index along the array's first axis, in that order.
        patient_age_years: from Patient's Age (0010,1010) or birth and study date, None when absent.
        patient_sex: "M", "F" or "O" as in (0010,0040), None when absent.
        patient_position: (0018,5100), empty when absent.
    """

    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    slices: tuple[DicomSlice, ...]
    patient_age_years: float | None = None
    patient_sex: str | None = None
    patient_position: str = ""


@dataclass(frozen=True)
class Volume:
    """A CT volume.

    Attributes:
        array: int16 Hounsfield units, ``(z, y, x)``.
        geometry: shape and affine of the grid.
        modality: DICOM modality ("CT"); "" when the file format does not say.
        references: the DICOM series behind it, None for NIfTI, NRRD and MHA.
        source: where it came from, for messages (a file name, never a patient's name).
    """

    array: np.ndarray
    geometry: Geometry
    modality: str = ""
    references: DicomReferences | None = None
    source: str = ""


@dataclass(frozen=True)
class LabelMap:
    """Labels on exactly the grid of the volume they were made from.

    Attributes:
        array: uint8 ``(z, y, x)``; 0 is background, other values are `Organ.label` of the organ table.
        geometry: shape and affine of the grid.
    """

    array: np.ndarray
    geometry: Geometry
