"""The values that travel through the engine: a CT volume, and labels or numbers on its grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..geometry import Geometry

ROUNDING_PX = 1e-6  # shifts that differ by less are the same


@dataclass(frozen=True)
class DicomSlice:
    """What a contour needs to know of the DICOM instance behind one slice of a volume.

    Attributes:
        path: the file it was read from.
        sop_instance_uid: SOP Instance UID (0008,0018).
        sop_class_uid: SOP Class UID (0008,0016).
        position_mm: Image Position (Patient) (0020,0032), LPS mm: centre of the first pixel of the image.
        row_direction: unit vector (LPS) in which the column index increases: Image Orientation (Patient), made exactly
            orthonormal.
        column_direction: unit vector (LPS) in which the row index increases.
        pixel_spacing_mm: Pixel Spacing (0028,0030): between rows, between columns.
        rows, columns: size of the image.
        frame_number: of a multi-frame instance, counted from 1 as DICOM does; None for a single-frame one.
        shift_px: ``(columns, rows)`` from the first pixel of the image to the first pixel of the volume's slice, in the
            image's plane; (0, 0) unless a tilted gantry was sheared onto a grid.
    """

    path: Path
    sop_instance_uid: str
    sop_class_uid: str
    position_mm: tuple[float, float, float]
    row_direction: tuple[float, float, float]
    column_direction: tuple[float, float, float]
    pixel_spacing_mm: tuple[float, float]
    rows: int
    columns: int
    frame_number: int | None = None
    shift_px: tuple[float, float] = (0.0, 0.0)

    @property
    def name(self) -> str:
        """For messages: the file's name, and the frame of a multi-frame image."""
        return self.path.name if self.frame_number is None else f"{self.path.name} frame {self.frame_number}"

    @property
    def column_step_mm(self) -> np.ndarray:
        """From one column to the next, ``(3,)`` LPS mm."""
        return np.array(self.row_direction) * self.pixel_spacing_mm[1]

    @property
    def row_step_mm(self) -> np.ndarray:
        """From one row to the next, ``(3,)`` LPS mm."""
        return np.array(self.column_direction) * self.pixel_spacing_mm[0]

    @property
    def normal(self) -> np.ndarray:
        """Unit vector along which slices are sorted, ``(3,)`` LPS."""
        return np.cross(self.row_direction, self.column_direction)

    @property
    def corner_mm(self) -> np.ndarray:
        """Centre of the first pixel of the volume's slice, ``(3,)`` LPS mm: where a mask's pixel (0, 0) lies."""
        columns, rows = self.shift_px
        return np.array(self.position_mm) + columns * self.column_step_mm + rows * self.row_step_mm


@dataclass(frozen=True)
class DicomReferences:
    """The series a volume came from.

    Attributes:
        study_instance_uid, series_instance_uid, frame_of_reference_uid: as in the files.
        slices: one `DicomSlice` per image, in the order of the array's first axis.
        patient_age_years: from Patient's Age (0010,1010) or birth and study date, None when absent.
        patient_sex: "M", "F" or "O" as in (0010,0040), None when absent.
        patient_position: (0018,5100), empty when absent.
        grid_indices: for each of ``slices`` its index along the array's first axis; None when there is an image for
            every index, which is the usual case. A volume whose gaps were filled has slices no image stands behind.
    """

    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    slices: tuple[DicomSlice, ...]
    patient_age_years: float | None = None
    patient_sex: str | None = None
    patient_position: str = ""
    grid_indices: tuple[int, ...] | None = None

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns of the volume's slices: the images', and as many more as a tilted gantry shifts them by."""
        first = self.slices[0]
        columns, rows = np.ceil(np.max([np.negative(one.shift_px) for one in self.slices], 0) - ROUNDING_PX).tolist()
        return first.rows + int(rows), first.columns + int(columns)


@dataclass(frozen=True)
class Volume:
    """A CT volume.

    Attributes:
        array: int16 Hounsfield units, ``(z, y, x)``.
        geometry: shape and affine of the grid.
        modality: DICOM modality ("CT"); "" when the file format does not say.
        references: the DICOM series behind it, None for NIfTI, NRRD and MHA.
        source: where it came from, for messages (a file name, never a patient's name).
        notes: what was changed on reading, one sentence each (a tilted gantry sheared, gaps filled, padding replaced).
    """

    array: np.ndarray
    geometry: Geometry
    modality: str = ""
    references: DicomReferences | None = None
    source: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelMap:
    """Labels on exactly the grid of the volume they were made from.

    Attributes:
        array: uint8 ``(z, y, x)``; 0 is background, other values are `Organ.label` of the organ table.
        geometry: shape and affine of the grid.
    """

    array: np.ndarray
    geometry: Geometry


@dataclass(frozen=True)
class ScalarMap:
    """A number for each voxel of the volume it was made from, for example the network's uncertainty.

    Attributes:
        array: float32 ``(z, y, x)``.
        geometry: shape and affine of the grid.
    """

    array: np.ndarray
    geometry: Geometry
