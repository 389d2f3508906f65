"""Build small, valid CT series, and break them on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"

_C, _S = np.cos(0.3), np.sin(0.3)
ORIENTATIONS = {
    "supine": (1, 0, 0, 0, 1, 0),
    "prone": (-1, 0, 0, 0, -1, 0),
    "feet first": (-1, 0, 0, 0, 1, 0),
    "decubitus": (0, 1, 0, -1, 0, 0),
    "oblique": (_C, _S, 0, -_S * _C, _C * _C, _S),
    "coronal": (1, 0, 0, 0, 0, -1),
}


def hounsfield_pattern(shape: tuple[int, int, int]) -> np.ndarray:
    """int16 values that differ in every voxel's neighbourhood, so that a swapped axis or order shows."""
    z, y, x = np.indices(shape)
    return (100 * z + 7 * y + 3 * x - 1000).astype(np.int16)


def slice_dataset(index: int, hounsfield: np.ndarray, orientation, spacing_mm, uids, origin=(-20.0, 30.0, -400.0)):
    """Dataset of one slice; ``spacing_mm`` is (z, y, x)."""
    cosines = np.array(orientation, float)
    normal = np.cross(cosines[:3], cosines[3:])
    position = np.array(origin) + index * spacing_mm[0] * normal
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CT
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 144"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = CT
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20240510", "101500", "77"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "A1", "Doe^Jane"
    dataset.Modality, dataset.Manufacturer = "CT", "Phantom"
    dataset.StudyDescription, dataset.SeriesDescription, dataset.SeriesNumber = "Abdomen", "Portal venous", 3
    dataset.PatientName, dataset.PatientID = "Иванов^Пётр", "P-1"
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = "20200101", "M", "004Y"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = uids
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = "HFS"
    dataset.InstanceNumber = index + 1
    dataset.ImagePositionPatient = [f"{value:.6f}"[:16] for value in position]
    dataset.ImageOrientationPatient = [f"{value:.9f}"[:16] for value in cosines]
    dataset.PixelSpacing = [spacing_mm[1], spacing_mm[2]]
    dataset.SliceThickness = spacing_mm[0]
    dataset.Rows, dataset.Columns = hounsfield.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.KVP, dataset.AcquisitionNumber = 100, 1
    dataset.PixelData = (hounsfield.astype(np.int32) + 1024).astype(np.uint16).tobytes()
    return dataset


def write_series(
    folder: Path,
    shape: tuple[int, int, int] = (5, 40, 48),
    orientation=ORIENTATIONS["supine"],
    spacing_mm: tuple[float, float, float] = (2.0, 1.5, 0.8),
    change: Callable[[int, Dataset], bool | None] | None = None,
    names: Callable[[int], str] = "slice{}.dcm".format,
    hounsfield: np.ndarray | None = None,
) -> Path:
    """Write a series; ``change(index, dataset)`` may alter a slice, and drops it by returning False."""
    folder.mkdir(parents=True, exist_ok=True)
    values = hounsfield_pattern(shape) if hounsfield is None else hounsfield
    uids = [generate_uid() for _ in range(3)]
    for index, plane in enumerate(values):
        dataset = slice_dataset(index, plane, orientation, spacing_mm, uids)
        if change is not None and change(index, dataset) is False:
            continue
        dataset.save_as(folder / names(index), enforce_file_format=True)
    return folder


def write_tilted_series(
    folder: Path, hounsfield: np.ndarray, spacing_mm: tuple[float, float, float] = (3.0, 1.5, 0.8)
) -> Path:
    """Write the series of a tilted gantry: the table moves along z, the images' planes are inclined by 18 degrees."""

    def change(index: int, dataset: Dataset) -> None:
        dataset.ImagePositionPatient = [-20, 30, -400 + spacing_mm[0] * index]

    tilt = np.radians(18)
    orientation = (1, 0, 0, 0, np.cos(tilt), np.sin(tilt))
    return write_series(folder, orientation=orientation, spacing_mm=spacing_mm, hounsfield=hounsfield, change=change)
