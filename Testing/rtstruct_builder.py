"""Build RTSTRUCTs as other systems write them, and break them on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from PediatricAbdomenSegLib.engine.cases.volume import DicomReferences

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"


@dataclass(frozen=True)
class Drawn:
    """One contour: points ``(n, 3)`` LPS mm, geometric type, the image it refers to ("" for none)."""

    points_mm: np.ndarray
    kind: str = "CLOSED_PLANAR"
    image_uid: str = ""


def on_slice(references: DicomReferences, index: int, points_px, kind: str = "CLOSED_PLANAR") -> Drawn:
    """A contour given in pixels (x, y) of one slice."""
    image = references.slices[index]
    points = np.asarray(points_px, float)
    points_mm = image.corner_mm + points[:, :1] * image.column_step_mm + points[:, 1:] * image.row_step_mm
    return Drawn(points_mm, kind, image.sop_instance_uid)


def square(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """Outline around the pixels ``left`` to ``right`` and ``top`` to ``bottom``, these included."""
    x0, y0, x1, y1 = left - 0.5, top - 0.5, right + 0.5, bottom + 0.5
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def structure_set(references: DicomReferences, rois: Sequence[tuple[str, Sequence[Drawn]]]) -> FileDataset:
    """A complete RTSTRUCT of a series, numbered from 1."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = RT_STRUCTURE_SET
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = RT_STRUCTURE_SET, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientID, dataset.PatientName = "RTSTRUCT", "P-1", "Doe^Jane"
    dataset.StudyInstanceUID = references.study_instance_uid
    dataset.SeriesInstanceUID = generate_uid()
    dataset.StructureSetLabel = "PLAN"
    dataset.ReferencedFrameOfReferenceSequence = [_item(FrameOfReferenceUID=references.frame_of_reference_uid)]
    dataset.StructureSetROISequence = [
        _item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=references.frame_of_reference_uid)
        for number, (name, _) in enumerate(rois, 1)
    ]
    dataset.ROIContourSequence = [
        _item(ReferencedROINumber=number, ROIDisplayColor=[255, 0, 0], ContourSequence=[_contour(one) for one in drawn])
        for number, (_, drawn) in enumerate(rois, 1)
    ]
    dataset.RTROIObservationsSequence = [
        _item(ObservationNumber=number, ReferencedROINumber=number, RTROIInterpretedType="ORGAN")
        for number in range(1, len(rois) + 1)
    ]
    return dataset


def write_structure_set(path: Path, references: DicomReferences, rois, change=None) -> Path:
    """Write a structure set; ``change(dataset)`` may alter it before."""
    dataset = structure_set(references, rois)
    if change is not None:
        change(dataset)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _contour(drawn: Drawn) -> Dataset:
    points = np.asarray(drawn.points_mm, float)
    item = _item(
        ContourGeometricType=drawn.kind,
        NumberOfContourPoints=len(points),
        ContourData=[f"{value:.4f}" for value in points.ravel()],
    )
    if drawn.image_uid:
        item.ContourImageSequence = [_item(ReferencedSOPInstanceUID=drawn.image_uid)]
    return item


def _item(**values) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
