"""DICOM Segmentations of any system as masks, by highdicom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..geometry import LPS_TO_RAS, Geometry
from ..organs import Organ
from .roi_names import match_roi

_HINT = "Export it again; binary, fractional and label map segmentations on parallel slices can be read."


@dataclass(frozen=True)
class DicomSegment:
    """One segment.

    Attributes:
        name: Segment Label.
        organ: the row of the organ table it is, None when that is not certain.
        mask: bool ``(z, y, x)`` on the grid of the segmentation.
    """

    name: str
    organ: Organ | None
    mask: np.ndarray


@dataclass(frozen=True)
class DicomSegContents:
    """The segments of a file on the grid they share."""

    geometry: Geometry
    segments: tuple[DicomSegment, ...]


def read_dicom_seg(path: Path) -> DicomSegContents:
    """Read a DICOM Segmentation; slices without a frame are empty, overlapping segments keep all their voxels.

    Raises:
        InputError: damaged, no segmentation, or its frames are no volume.
    """
    import highdicom

    try:
        dataset = highdicom.seg.segread(str(path))
        volume = dataset.get_volume(skip_overlap_checks=True)
    except (ValueError, RuntimeError, OSError, AttributeError, KeyError, TypeError, NotImplementedError) as error:
        raise InputError(f"{path} cannot be read as a DICOM SEG: {error}.", _HINT) from error
    # highdicom's indices run (slice, row, column) in LPS, ours (x, y, z) in RAS
    array, affine = volume.array, LPS_TO_RAS @ volume.affine[:, [2, 1, 0, 3]]
    if np.linalg.det(affine[:3, :3]) < 0:  # highdicom counts slices downwards as well
        array, affine[:3, 3] = array[::-1], affine[:3, 3] + (len(array) - 1) * affine[:3, 2]
        affine[:3, 2] *= -1
    segments = []
    for index, number in enumerate(dataset.segment_numbers):
        described = dataset.get_segment_description(number)
        code = described.segmented_property_type
        match = match_roi(described.segment_label, [(code.scheme_designator, code.value, _side(described))])
        segments.append(DicomSegment(described.segment_label, match.organ, array[..., index] > 0))
    return DicomSegContents(Geometry(array.shape[:3], affine), tuple(segments))


def _side(described: object) -> str:
    """Code value of the laterality, "" where none is given."""
    modifiers = getattr(described, "SegmentedPropertyTypeModifierCodeSequence", ())
    code = described.SegmentedPropertyTypeCodeSequence[0]
    modifiers = modifiers or code.get("SegmentedPropertyTypeModifierCodeSequence", ())
    return str(modifiers[0].CodeValue) if modifiers else ""
