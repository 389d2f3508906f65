"""The three items that make one ROI of an RTSTRUCT: structure set ROI, contours, observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from ..organs import CodedConcept, Organ, OrganType
from .contour_items import contour_sequence
from .contours import Contour
from .fma_codes import FMA_CODES
from .roi_mask import ModelProvenance, RoiMask
from .rt_utils_helpers import rt_utils_helpers
from .volume import DicomSlice

MAX_LO, MAX_SH = 64, 16
_INTERPRETED_TYPES = {OrganType.TARGET: "GTV", OrganType.EXTERNAL: "EXTERNAL"}


@dataclass(frozen=True)
class RoiItems:
    """One ROI as RTSTRUCT holds it: an item for each of the three ROI sequences."""

    structure_set_roi: Dataset
    contour: Dataset
    observation: Dataset


def roi_items(
    roi: RoiMask,
    number: int,
    name: str,
    outlines: Sequence[Contour],
    slices: Sequence[DicomSlice],
    frame_of_reference_uid: str,
) -> RoiItems:
    """The items of one ROI.

    Args:
        number, name: unique in the structure set.
        outlines: not empty.
        slices: by the slice index of the outlines.
        frame_of_reference_uid: in which the slices lie.
    """
    contour = Dataset()
    contour.ReferencedROINumber = number
    contour.ROIDisplayColor = list(roi.organ.color)
    sequence = contour_sequence(outlines, slices)
    contour[sequence.tag] = sequence
    return RoiItems(_structure_set_roi(roi, number, name, frame_of_reference_uid), contour, _observation(roi, number))


def _structure_set_roi(roi: RoiMask, number: int, name: str, frame_of_reference_uid: str) -> Dataset:
    ds_helper, utils = rt_utils_helpers()

    roi_data = utils.ROIData(None, list(roi.organ.color), number, name, frame_of_reference_uid)
    item = ds_helper.create_structure_set_roi(roi_data)
    del item.ROIDescription
    item.ROIGenerationAlgorithm = "SEMIAUTOMATIC" if roi.edited else "AUTOMATIC"
    item.ROIGenerationDescription = _generation_description(roi)
    return item


def _generation_description(roi: RoiMask) -> str:
    """Bundle, version, status and whether it was edited; where that is too long the bundle's name gives way."""
    edited = ", edited" if roi.edited else ""
    if roi.description or roi.model is None:
        return f"{(roi.description or 'automatic')[: MAX_LO - len(edited)]}{edited}"
    model, version = roi.model, roi.model.version[:MAX_SH]
    rest = str(ModelProvenance("", version, "", model.status)) + edited
    return f"{model.name[: MAX_LO - len(rest)]}{rest}"


def _observation(roi: RoiMask, number: int) -> Dataset:
    item = Dataset()
    item.ObservationNumber = number
    item.ReferencedROINumber = number
    item.ROIObservationLabel = roi.organ.short_name[:MAX_SH]
    item.RTROIIdentificationCodeSequence = DicomSequence([_identification(roi.organ)])
    item.RTROIInterpretedType = _INTERPRETED_TYPES.get(roi.organ.type, "ORGAN")
    item.ROIInterpreter = ""
    return item


def _identification(organ: Organ) -> Dataset:
    code = _code(organ.snomed)
    if organ.laterality is not None:
        code.SegmentedPropertyTypeModifierCodeSequence = DicomSequence([_code(organ.laterality)])
    if organ.key in FMA_CODES:
        code.EquivalentCodeSequence = DicomSequence([_code(FMA_CODES[organ.key])])
    return code


def _code(concept: CodedConcept) -> Dataset:
    item = Dataset()
    item.CodeValue = concept.value
    item.CodingSchemeDesignator = concept.scheme
    item.CodeMeaning = concept.meaning[:MAX_LO]
    return item
