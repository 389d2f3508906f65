"""Write masks on a CT's grid as one RTSTRUCT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag

from ...version import __version__
from ..errors import InputError, UsageError
from ..organs import CodedConcept, Organ, OrganType
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .atomic_file import replaced_when_complete
from .contours import Contour, contours_of
from .roi_mask import RoiMask
from .rt_utils_helpers import rt_utils_helpers
from .rtstruct_header import frame_of_reference_uid, new_structure_set
from .series_geometry import orthonormal_axes
from .volume import DicomReferences, Volume

NameStyle = Literal["tg263", "display", "short"]

_CONTOUR_DATA = Tag(0x3006, 0x0050)
_MAX_LO, _MAX_SH = 64, 16
_EDITED = ", edited"


@dataclass(frozen=True)
class RtStructSummary:
    """What was written.

    Attributes:
        roi_names: in the order of their ROI numbers, which start at 1.
        left_out: keys of the organs whose mask is empty; they get no ROI.
        contours, points: totals over all ROIs.
    """

    roi_names: tuple[str, ...]
    left_out: tuple[str, ...]
    contours: int
    points: int


@dataclass(frozen=True)
class _PlaneGeometry:
    """Step of one column and one row in the patient, LPS mm, common to all slices."""

    column_step_mm: np.ndarray
    row_step_mm: np.ndarray


def write_rtstruct(
    volume: Volume,
    masks: Sequence[RoiMask],
    path: Path,
    *,
    software_version: str = __version__,
    name_style: NameStyle = "tg263",
    on_progress: OnProgress = ignore_progress,
) -> RtStructSummary:
    """Write one RTSTRUCT with an ROI per mask that is not empty; masks may come from several bundles.

    Args:
        volume: the CT the masks lie on, read from DICOM files that are still in place.
        masks: in the order of the ROIs.
        path: where to; written completely or not at all.
        software_version: of this software, recorded in the file.
        name_style: which name of the organ becomes the ROI Name.
        on_progress: stage "rtstruct", fraction of the masks; may raise to stop.

    Raises:
        InputError: the volume has no DICOM references or lacks UIDs, a mask has another shape, all masks are empty.
        UsageError: unknown name style.
        ResourceError: the file cannot be written.
    """
    references = _require_matching(volume, masks)
    kept = [roi for roi in masks if roi.foreground().any()]
    if not kept:
        raise InputError(
            "All masks are empty: there is nothing to write.", "Check that the label map belongs to the CT."
        )
    models = tuple(dict.fromkeys(roi.model for roi in kept if roi.model is not None))
    dataset = new_structure_set(references, models, software_version)
    plane = _plane_geometry(references)
    names = _unique_names(kept, name_style)
    contours = points = 0
    for number, (roi, name) in enumerate(zip(kept, names, strict=True), 1):
        outlines = contours_of(roi.foreground())
        contours += len(outlines)
        points += sum(len(outline.points_px) for outline in outlines)
        dataset.StructureSetROISequence.append(_structure_set_roi(roi, name, number, references))
        dataset.ROIContourSequence.append(_roi_contour(roi, number, outlines, references, plane))
        dataset.RTROIObservationsSequence.append(_observation(roi, number))
        on_progress(ProgressEvent("rtstruct", number / len(kept)))
    _mark_as_encoded(dataset)
    with replaced_when_complete(Path(path)) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    left_out = tuple(roi.organ.key for roi in masks if not any(roi is one for one in kept))
    return RtStructSummary(tuple(names), left_out, contours, points)


def _require_matching(volume: Volume, masks: Iterable[RoiMask]) -> DicomReferences:
    if volume.references is None:
        raise InputError(
            f"{volume.source} is not a DICOM series: an RTSTRUCT needs images to refer to.",
            "Give the CT as a DICOM folder.",
        )
    for roi in masks:
        if roi.mask.shape != volume.geometry.shape:
            raise InputError(
                f"The mask of {roi.organ.key} is {roi.mask.shape} (z, y, x), the CT {volume.geometry.shape}.",
                "Give labels on exactly the grid of the CT.",
            )
    return volume.references


def _plane_geometry(references: DicomReferences) -> _PlaneGeometry:
    header = dcmread(
        references.slices[0].path,
        stop_before_pixels=True,
        specific_tags=["ImageOrientationPatient", "PixelSpacing"],
    )
    cosines = np.array(header.ImageOrientationPatient, float)
    row_direction, column_direction, _ = orthonormal_axes(cosines, str(references.slices[0].path))
    row_spacing_mm, column_spacing_mm = (float(value) for value in header.PixelSpacing)
    return _PlaneGeometry(row_direction * column_spacing_mm, column_direction * row_spacing_mm)


def _unique_names(masks: Sequence[RoiMask], style: NameStyle) -> list[str]:
    attribute = {"tg263": "tg263_name", "display": "display_name", "short": "short_name"}.get(style)
    if attribute is None:
        raise UsageError(f"Unknown name style {style}.", "Choose tg263, display or short.")
    names: list[str] = []
    for roi in masks:
        wanted = getattr(roi.organ, attribute)[:_MAX_LO]
        name, copy = wanted, 2
        while name in names:
            name, copy = f"{wanted[: _MAX_LO - 4]}_{copy}", copy + 1
        names.append(name)
    return names


def _structure_set_roi(roi: RoiMask, name: str, number: int, references: DicomReferences) -> Dataset:
    ds_helper, utils = rt_utils_helpers()

    roi_data = utils.ROIData(None, list(roi.organ.color), number, name, frame_of_reference_uid(references))
    item = ds_helper.create_structure_set_roi(roi_data)
    del item.ROIDescription
    description = roi.description or str(roi.model or "automatic")
    if roi.edited:
        item.ROIGenerationAlgorithm = "SEMIAUTOMATIC"
        description = f"{description[: _MAX_LO - len(_EDITED)]}{_EDITED}"
    item.ROIGenerationDescription = description[:_MAX_LO]
    return item


def _roi_contour(
    roi: RoiMask, number: int, outlines: Sequence[Contour], references: DicomReferences, plane: _PlaneGeometry
) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = number
    item.ROIDisplayColor = list(roi.organ.color)
    item.ContourSequence = DicomSequence(
        [_contour(index, outline, references, plane) for index, outline in enumerate(outlines, 1)]
    )
    return item


def _contour(number: int, outline: Contour, references: DicomReferences, plane: _PlaneGeometry) -> Dataset:
    image = references.slices[outline.slice_index]
    x, y = outline.points_px[:, :1], outline.points_px[:, 1:]
    points_mm = np.array(image.position_mm) + x * plane.column_step_mm + y * plane.row_step_mm
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.sop_class_uid
    reference.ReferencedSOPInstanceUID = image.sop_instance_uid
    item = Dataset()
    item.ContourImageSequence = DicomSequence([reference])
    item.ContourGeometricType = "CLOSED_PLANAR"
    item.NumberOfContourPoints = len(points_mm)
    item.ContourNumber = number
    encoded = _decimal_strings(points_mm)
    item[_CONTOUR_DATA] = RawDataElement(_CONTOUR_DATA, "DS", len(encoded), encoded, 0, True, True)
    return item


def _decimal_strings(points_mm: np.ndarray) -> bytes:
    """DS value of points, encoded here because pydicom would turn each of a million numbers into an object."""
    values = (np.round(points_mm, 4) + 0.0).ravel().tolist()  # + 0.0 makes -0.0 a plain zero
    text = "\\".join(["%.4f" % value for value in values])  # noqa: UP031 - a third faster than f-strings
    return (text + " " * (len(text) % 2)).encode("ascii")


def _observation(roi: RoiMask, number: int) -> Dataset:
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = number
    item.ROIObservationLabel = roi.organ.short_name[:_MAX_SH]
    item.RTROIIdentificationCodeSequence = DicomSequence([_identification(roi.organ)])
    item.RTROIInterpretedType = "GTV" if roi.organ.type == OrganType.TARGET else "ORGAN"
    item.ROIInterpreter = ""
    return item


def _identification(organ: Organ) -> Dataset:
    code = _code(organ.snomed)
    if organ.laterality is not None:
        code.SegmentedPropertyTypeModifierCodeSequence = DicomSequence([_code(organ.laterality)])
    return code


def _code(concept: CodedConcept) -> Dataset:
    item = Dataset()
    item.CodeValue = concept.value
    item.CodingSchemeDesignator = concept.scheme
    item.CodeMeaning = concept.meaning[:_MAX_LO]
    return item


def _mark_as_encoded(dataset: Dataset) -> None:
    """Tell pydicom that raw values are encoded as the file will be, so that it copies instead of converting them."""
    dataset.set_original_encoding(True, True, dataset._character_set)  # pydicom has no public name for it
    for element in dataset.elements():  # iterating over the data set itself would convert the raw values
        if element.VR == "SQ":
            for item in element.value:
                _mark_as_encoded(item)
