"""Write masks on a CT's slices as one DICOM Segmentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid
from pydicom.valuerep import DSfloat

from ...version import __version__
from ..errors import InputError, UsageError
from ..organs import CodedConcept
from ..progress import OnProgress, ProgressEvent, ignore_progress
from ..wording import counted
from .atomic_file import replaced_when_complete
from .ct_header import (
    MANUFACTURER,
    contributing_equipment,
    copy_patient_and_study,
    derived_series_number,
    frame_of_reference_uid,
    in_time_zone_of,
    number_in,
    read_ct_header,
    require_references,
)
from .roi_mask import ModelProvenance, RoiMask, foreground_on_slices, weakest_status
from .volume import DicomReferences, DicomSlice

SegEncoding = Literal["binary", "labelmap", "labelmap-rle"]

ARTIFICIAL_INTELLIGENCE = CodedConcept("123110", "DCM", "Artificial Intelligence")  # CID 7162
_MAX_LO = 64
_MASKS_SHARE, _MADE_SHARE = 0.3, 0.9  # of the time it takes
# Content Label (a code string of at most 16 characters) and Series Description by the weakest status.
_TEXTS = {
    "demonstration": ("DEMO_AI_SEG", "DEMO AI segmentation, not for clinical use"),
    "research": ("AI_SEG_RESEARCH", "AI segmentation, research use, unapproved"),
    "clinical": ("AI_SEG", "AI segmentation, unapproved"),
}


@dataclass(frozen=True)
class SegSummary:
    """What was written.

    Attributes:
        segments: labels in the order of their segment numbers, which start at 1.
        left_out: keys of the organs whose mask is empty; they get no segment.
        frames: number of frames; those without foreground are not stored.
        overlapping: whether some voxels belong to several segments.
        dropped_slices: slices of the masks that hold a structure but have no image, and so no frame.
    """

    segments: tuple[str, ...]
    left_out: tuple[str, ...]
    frames: int
    overlapping: bool
    dropped_slices: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, sentences."""
        if not self.dropped_slices:
            return ()
        return (f"No frames where the series has no image: {counted(self.dropped_slices, 'slice')} with structures.",)


@dataclass(frozen=True)
class _Kept:
    """The masks that are not empty, and their voxels on the slices."""

    rois: tuple[RoiMask, ...]
    pixels: np.ndarray
    overlapping: bool
    dropped_slices: int


def write_dicom_seg(
    references: DicomReferences | None,
    masks: Sequence[RoiMask],
    path: Path,
    *,
    encoding: SegEncoding = "binary",
    software_version: str = __version__,
    on_progress: OnProgress = ignore_progress,
) -> SegSummary:
    """Write one DICOM Segmentation with a segment per mask that is not empty; masks may come from several bundles.

    Args:
        references: the CT's slices, whose files are still in place; any spacing, also a single one.
        masks: in the order of the segments; see `foreground_on_slices`. They may overlap in the binary encoding.
        path: where to; written completely or not at all.
        encoding: "binary", which every reader knows; "labelmap" (Label Map Segmentation Storage, in the standard
            since 2024) is smaller where there are many segments, "labelmap-rle" the same with RLE compression.
        software_version: of this software, recorded in the file.
        on_progress: stage "dicom_seg"; may raise to stop.

    Raises:
        InputError: no references or UIDs are missing in them, a mask has another shape, all masks are empty, or they
            overlap in a label map.
        UsageError: unknown encoding.
        ResourceError: the file cannot be written.
    """
    from highdicom import PixelMeasuresSequence
    from highdicom.seg import Segmentation

    if encoding not in get_args(SegEncoding):
        raise UsageError(f"Unknown DICOM SEG encoding {encoding}.", "Choose binary, labelmap or labelmap-rle.")
    references = require_references(references, "DICOM SEG")
    header = read_ct_header(references)
    kept = _kept(references, masks, on_progress)
    if kept.overlapping and encoding != "binary":
        raise InputError("Structures overlap, which a label map cannot hold.", "Use the binary encoding.")
    models = tuple(dict.fromkeys(roi.model for roi in kept.rois if roi.model is not None))
    content_label, series_description = _TEXTS[weakest_status(models)]
    now = in_time_zone_of(header, datetime.now(timezone.utc).astimezone())
    thickness_mm = _slice_thickness_mm(references, header)
    dataset = Segmentation(
        source_images=_sources(references, thickness_mm),
        pixel_array=kept.pixels,
        segmentation_type="BINARY" if encoding == "binary" else "LABELMAP",
        segment_descriptions=_descriptions(kept.rois, references, software_version),
        series_instance_uid=generate_uid(),
        series_number=derived_series_number(header),
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=software_version,
        device_serial_number=software_version,  # required, and software has no serial number
        transfer_syntax_uid=RLELossless if encoding == "labelmap-rle" else ExplicitVRLittleEndian,
        content_label=content_label,
        content_description=_content_description(models),
        series_description=series_description,
        plane_positions=_plane_positions(references),
        pixel_measures=PixelMeasuresSequence(_decimals(references.slices[0].pixel_spacing_mm), thickness_mm),
    )
    copy_patient_and_study(header, dataset)
    dataset.InstanceCreationDate = dataset.SeriesDate = dataset.ContentDate = now.strftime("%Y%m%d")
    dataset.InstanceCreationTime = dataset.SeriesTime = dataset.ContentTime = now.strftime("%H%M%S")
    dataset.ContentCreatorName = ""
    if models:
        dataset.ContributingEquipmentSequence = DicomSequence(contributing_equipment(models, now))
    on_progress(ProgressEvent("dicom_seg", _MADE_SHARE))
    with replaced_when_complete(Path(path)) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
        on_progress(ProgressEvent("dicom_seg", 1.0))  # may stop it: only until the file is in its place
    return SegSummary(
        segments=tuple(str(segment.SegmentLabel) for segment in dataset.SegmentSequence if segment.SegmentNumber),
        left_out=tuple(roi.organ.key for roi in masks if not any(roi is one for one in kept.rois)),
        frames=int(dataset.NumberOfFrames),
        overlapping=kept.overlapping,
        dropped_slices=kept.dropped_slices,
    )


def _kept(references: DicomReferences, masks: Sequence[RoiMask], on_progress: OnProgress) -> _Kept:
    """The masks that are not empty, as a label map of segment numbers, or as a stack of segments where they overlap.

    The stack holds one byte for each voxel of each segment: a gigabyte for 20 organs of 190 × 512 × 512.
    """
    rois: list[RoiMask] = []
    dropped: set[int] = set()
    labels = np.zeros(0, np.uint8)
    overlapping = False
    for index, roi in enumerate(masks, 1):
        foreground, without_image = foreground_on_slices(roi, references)
        dropped |= without_image
        if foreground.any():
            if not rois:
                labels = np.zeros(foreground.shape, np.uint8 if len(masks) < 256 else np.uint16)
            rois.append(roi)
            overlapping = overlapping or bool(labels[foreground].any())
            labels[foreground] = len(rois)
        on_progress(ProgressEvent("dicom_seg", _MASKS_SHARE * index / len(masks)))
    if not rois:
        raise InputError(
            "All masks are empty: there is nothing to write.", "Check that the label map belongs to the CT."
        )
    if not overlapping:
        return _Kept(tuple(rois), labels, False, len(dropped))
    stack = np.empty((len(rois), *labels.shape), np.uint8)
    for segment, roi in zip(stack, rois, strict=True):
        segment[...] = foreground_on_slices(roi, references)[0]
    return _Kept(tuple(rois), np.moveaxis(stack, 0, -1), True, len(dropped))


def _descriptions(rois: Sequence[RoiMask], references: DicomReferences, software_version: str) -> list[Dataset]:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentDescription

    descriptions = []
    copies: dict[str, int] = {}
    for number, roi in enumerate(rois, 1):
        organ, model = roi.organ, roi.model
        copies[organ.key] = copies.get(organ.key, 0) + 1
        suffix = f" {copies[organ.key]}" if copies[organ.key] > 1 else ""
        algorithm = AlgorithmIdentificationSequence(
            name=(model.name if model else MANUFACTURER)[:_MAX_LO],
            family=_concept(ARTIFICIAL_INTELLIGENCE),
            version=(model.version if model else software_version)[:_MAX_LO],
            parameters={"status": model.status, "SHA-256": model.sha256} if model else None,
        )
        description = SegmentDescription(
            segment_number=number,
            segment_label=f"{organ.display_name}{suffix}"[:_MAX_LO],
            segmented_property_category=_concept(organ.category),
            segmented_property_type=_concept(organ.snomed),
            algorithm_type="SEMIAUTOMATIC" if roi.edited else "AUTOMATIC",
            algorithm_identification=algorithm,
            # The same organ on the same CT keeps its identity from one segmentation to the next.
            tracking_id=f"{organ.key}{suffix}",
            tracking_uid=generate_uid(entropy_srcs=[references.series_instance_uid, organ.key, suffix]),
            anatomic_regions=[_concept(organ.region)] if organ.region else None,
            display_color=CIELabColor.from_rgb(*organ.color),
        )
        if organ.laterality is not None:
            description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = DicomSequence(
                [_concept(organ.laterality)]
            )
        description.SegmentDescription = _text(roi)
        descriptions.append(description)
    return descriptions


def _text(roi: RoiMask) -> str:
    made_by = roi.description or str(roi.model or "automatic")
    return f"TG-263 {roi.organ.tg263_name}; {made_by}{', edited' if roi.edited else ''}"


def _content_description(models: Sequence[ModelProvenance]) -> str:
    return f"Not approved; made by {', '.join(model.name for model in models) or MANUFACTURER}"[:_MAX_LO]


def _concept(concept: CodedConcept) -> Dataset:
    from highdicom.sr import CodedConcept as HighdicomConcept

    return HighdicomConcept(concept.value, concept.scheme, concept.meaning[:_MAX_LO])


def _sources(references: DicomReferences, thickness_mm: float) -> list[Dataset]:
    """What highdicom has to know of the CT's images.

    Built from the references rather than read, because hospitals' headers hold values in patient and study modules
    that highdicom refuses; these modules are copied afterwards as they are.
    """
    if references.slices[0].frame_number is not None:
        source = dcmread(references.slices[0].path, stop_before_pixels=True)
        _neutralise(source)
        return [source]
    return [_source(one, references, thickness_mm) for one in references.slices]


def _source(one: DicomSlice, references: DicomReferences, thickness_mm: float) -> Dataset:
    source = Dataset()
    _neutralise(source)
    source.SOPClassUID, source.SOPInstanceUID = one.sop_class_uid, one.sop_instance_uid
    source.StudyInstanceUID, source.SeriesInstanceUID = references.study_instance_uid, references.series_instance_uid
    source.FrameOfReferenceUID = frame_of_reference_uid(references)
    source.Modality = "CT"
    source.Rows, source.Columns = one.rows, one.columns
    source.ImagePositionPatient = _decimals(one.position_mm)
    source.ImageOrientationPatient = _decimals((*one.row_direction, *one.column_direction))
    source.PixelSpacing = _decimals(one.pixel_spacing_mm)
    source.SliceThickness = thickness_mm
    return source


def _neutralise(source: Dataset) -> None:
    for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyID", "ReferringPhysicianName"):
        setattr(source, keyword, "")
    for keyword in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(source, keyword, None)


def _plane_positions(references: DicomReferences) -> list[Sequence[Dataset]]:
    from highdicom import PlanePositionSequence

    return [PlanePositionSequence("PATIENT", _decimals(one.corner_mm)) for one in references.slices]


def _decimals(values: Iterable[float]) -> list[DSfloat]:
    """Numbers as the at most 16 characters of DICOM's decimal strings."""
    return [DSfloat(float(value), auto_format=True) for value in values]


def _slice_thickness_mm(references: DicomReferences, header: Dataset) -> float:
    """Slice Thickness, which DICOM SEG requires: the CT's, else the distance of the first slices, else 1 mm."""
    thickness = number_in(header, "SliceThickness")
    if thickness is not None and thickness > 0:
        return thickness
    if len(references.slices) == 1:
        return 1.0
    first, second = references.slices[:2]
    return float(abs((second.corner_mm - first.corner_mm) @ first.normal))
