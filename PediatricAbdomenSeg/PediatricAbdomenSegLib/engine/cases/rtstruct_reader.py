"""RTSTRUCTs of any planning system as masks on a CT.

A structure set and a CT belong together when they share a frame of reference. Where the file says something else the
images its contours refer to decide: contours drawn on images of this CT lie in its coordinates whatever the frame is
called. Without either the file is refused, because contours of another frame can lie anywhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmread

from ..errors import InputError
from ..organs import Organ
from ..progress import OnProgress, ProgressEvent, ignore_progress
from .contour_region import FLAT_SLICES, RoiRegion, empty_region, is_parallel, region_of_parallel_contours
from .oblique_contours import region_of_oblique_contours
from .roi_names import RoiNameMatch, match_roi
from .rtstruct_file import StructureSet, StructureSetRoi, read_structure_set
from .slice_grid import SliceGrid, slice_grid
from .volume import DicomReferences, Volume


@dataclass(frozen=True)
class RtStructRoi:
    """One ROI as voxels.

    Attributes:
        number, name: as in the file.
        organ: the row of the organ table it is, None when that is not certain.
        candidates: the rows it may be when ``organ`` is None.
        interpreted_type: RT ROI Interpreted Type, "" when absent.
        generation_algorithm: AUTOMATIC, SEMIAUTOMATIC, MANUAL or "".
        color: sRGB, 0 to 255; None when absent.
        region: its voxels, cut to their bounding box.
        warnings: what was left out or assumed, sentences.
    """

    number: int
    name: str
    organ: Organ | None
    candidates: tuple[Organ, ...]
    interpreted_type: str
    generation_algorithm: str
    color: tuple[int, int, int] | None
    region: RoiRegion
    warnings: tuple[str, ...] = ()

    @property
    def mask(self) -> np.ndarray:
        """Bool ``(z, y, x)`` on the whole grid; made anew at each look, because forty of them do not fit in memory."""
        return self.region.full()


@dataclass(frozen=True)
class RtStructContents:
    """An RTSTRUCT read onto a CT.

    Attributes:
        label: Structure Set Label.
        shape: of the CT, ``(z, y, x)``.
        rois: in the order of the file.
        warnings: about the file as a whole, sentences; see each ROI for its own.
    """

    label: str
    shape: tuple[int, int, int]
    rois: tuple[RtStructRoi, ...]
    warnings: tuple[str, ...] = ()


def read_rtstruct(
    path: Path,
    image: Volume | DicomReferences,
    *,
    names: Collection[str] | None = None,
    fill_gaps: bool = False,
    any_frame: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> RtStructContents:
    """Read an RTSTRUCT onto the slices of a CT.

    Args:
        path: the RTSTRUCT.
        image: the CT. On a volume masks have its grid, on references one slice per image at whatever distances.
        names: ROI names to read, None for all.
        fill_gaps: where contours lie on every second slice or so, fill those between by interpolating the shapes.
        any_frame: take contours of another frame of reference as if they were in the CT's.
        on_progress: stage "rtstruct", fraction of the ROIs; may raise to stop.

    Raises:
        InputError: no RTSTRUCT, damaged, of another frame of reference, or contours that cannot be voxelised; the
            message names the ROI.
        UsageError: a name is not in the file.
        ResourceError: the file cannot be read.
    """
    structure_set = read_structure_set(path, names)
    grid = slice_grid(image)
    references = image.references if isinstance(image, Volume) else image
    rois = []
    for index, roi in enumerate(structure_set.rois, 1):
        rois.append(_voxelised(roi, structure_set, grid, references, fill_gaps, any_frame))
        on_progress(ProgressEvent("rtstruct", index / len(structure_set.rois)))
    warnings = (*structure_set.notes, *_patient_warnings(structure_set, references))
    return RtStructContents(structure_set.label, grid.shape, tuple(rois), warnings)


def _voxelised(
    roi: StructureSetRoi,
    structure_set: StructureSet,
    grid: SliceGrid,
    references: DicomReferences | None,
    fill_gaps: bool,
    any_frame: bool,
) -> RtStructRoi:
    warnings = [*roi.notes]
    if roi.contours:
        warnings += _frame_warnings(roi, structure_set, grid, references, any_frame)
        warnings += _image_warnings(roi, grid)
    else:
        warnings.append("It has no closed contours.")
    region = _region(roi, structure_set.source, grid, fill_gaps)
    if roi.contours and not region.voxels:
        warnings.append("Its contours enclose no voxel of the image.")
    match: RoiNameMatch = match_roi(roi.name, [(code.scheme, code.value, code.modifier) for code in roi.codes])
    return RtStructRoi(
        number=roi.number,
        name=roi.name,
        organ=match.organ,
        candidates=match.candidates,
        interpreted_type=roi.interpreted_type,
        generation_algorithm=roi.generation_algorithm,
        color=roi.color,
        region=region,
        warnings=(*warnings, *region.notes),
    )


def _region(roi: StructureSetRoi, source: str, grid: SliceGrid, fill_gaps: bool) -> RoiRegion:
    if not roi.contours:
        return empty_region(grid)
    parallel = [is_parallel(contour, grid) for contour in roi.contours]
    if all(parallel):
        return region_of_parallel_contours(roi.contours, grid, fill_gaps)
    return region_of_oblique_contours(roi.contours, grid, f"{source}: {roi}")


def _frame_warnings(
    roi: StructureSetRoi,
    structure_set: StructureSet,
    grid: SliceGrid,
    references: DicomReferences | None,
    any_frame: bool,
) -> list[str]:
    """Whether the ROI's coordinates are the CT's."""
    ours = references.frame_of_reference_uid if references else ""
    frames = {roi.frame_of_reference_uid} if roi.frame_of_reference_uid else set(structure_set.frame_of_reference_uids)
    if not ours or not frames:
        return ["Frame of reference unknown: whether the contours lie in the image's coordinates was not checked."]
    if ours in frames:
        return []
    drawn_here = any(contour.image_uid in grid.slices_of_image for contour in roi.contours)
    if not (drawn_here or any_frame):
        raise InputError(
            f"{structure_set.source}: {roi} lies in the frame of reference {', '.join(sorted(frames))}, "
            f"the image in {ours}, and its contours refer to no image of the series.",
            "Give the CT it was drawn on; if both are known to be registered, say that any frame is right.",
        )
    reason = "its contours refer to images of this series" if drawn_here else "as asked"
    return [f"It names another frame of reference ({', '.join(sorted(frames))}); read all the same: {reason}."]


def _image_warnings(roi: StructureSetRoi, grid: SliceGrid) -> list[str]:
    """Contours whose image is not in the CT, or lies elsewhere than the contour; their coordinates count."""
    if not grid.slices_of_image:
        return []
    unnamed = unknown = elsewhere = 0
    for contour in roi.contours:
        slices = grid.slices_of_image.get(contour.image_uid)
        if not contour.image_uid:
            unnamed += 1
        elif slices is None:
            unknown += 1
        else:
            offset_mm = (contour.points_mm @ grid.normal).mean()
            distance_mm = np.abs(grid.offsets_mm[list(slices)] - offset_mm).min()
            elsewhere += bool(distance_mm > FLAT_SLICES * grid.usual_distance_mm)
    texts = {
        "Contours that name no image (Contour Image Sequence)": unnamed,
        "Contours that refer to images not in the series": unknown,
        "Contours that do not lie on the image they refer to; their coordinates count": elsewhere,
    }
    return [f"{text}: {count}." for text, count in texts.items() if count]


def _patient_warnings(structure_set: StructureSet, references: DicomReferences | None) -> list[str]:
    """Signs that the file is another patient's or study's, without naming either."""
    if references is None:
        return []
    warnings = []
    studies = structure_set.study_uids
    if references.study_instance_uid and studies and references.study_instance_uid not in studies:
        warnings.append("The structure set belongs to another study (Study Instance UID) than the image.")
    patient_id = _patient_id(references.slices[0].path)
    if patient_id and structure_set.patient_id and patient_id != structure_set.patient_id:
        warnings.append("The structure set has another Patient ID (0010,0020) than the image: check the patient.")
    return warnings


def _patient_id(path: Path) -> str:
    if not path.is_file():  # a volume may outlive its files; then nothing can be compared
        return ""
    return str(dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID") or "").strip()
