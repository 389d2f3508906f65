"""Write masks on a CT's slices as one RTSTRUCT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset

from ...version import __version__
from ..errors import InputError, UsageError
from ..organs import Organ
from ..progress import OnProgress, ProgressEvent, ignore_progress
from ..wording import counted
from .atomic_file import replaced_when_complete
from .contours import contours_of
from .ct_header import frame_of_reference_uid, require_references
from .outline_style import EXACT, OutlineStyle
from .roi_mask import ModelProvenance, RoiMask, foreground_on_slices
from .rtstruct_header import new_structure_set
from .rtstruct_rois import MAX_LO, MAX_SH, RoiItems, roi_items
from .volume import DicomReferences

NameStyle = Literal["tg263", "display", "short"]
_NAME_FIELDS = {"tg263": "tg263_name", "display": "display_name", "short": "short_name"}

# Beyond these SlicerRT (vtkPlanarContourToClosedSurfaceConversionRule) leaves keyholes in: holes show as slits.
SLICER_RT_POINTS_PER_ROI = 800_000
SLICER_RT_POINTS = 3_000_000


@dataclass(frozen=True)
class RtStructSummary:
    """What was written.

    Attributes:
        roi_names: of the new ROIs, in their order.
        left_out: keys of the organs whose mask is empty; they get no ROI.
        contours, points: totals over the new ROIs.
        dropped_slices: slices of the masks that hold a structure but have no image, and so no contours.
        notes: what the user should know, sentences.
    """

    roi_names: tuple[str, ...]
    left_out: tuple[str, ...]
    contours: int
    points: int
    dropped_slices: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoiIdentity:
    """What an ROI is called in its structure set."""

    number: int
    name: str


@dataclass(frozen=True)
class MadeRois:
    """ROIs ready to be put into a structure set.

    Attributes:
        items: one per mask that is not empty.
        identities: of the same.
        models: distinct bundles behind them.
        summary: of what was made.
    """

    items: tuple[RoiItems, ...]
    identities: tuple[RoiIdentity, ...]
    models: tuple[ModelProvenance, ...]
    summary: RtStructSummary


def write_rtstruct(
    references: DicomReferences | None,
    masks: Sequence[RoiMask],
    path: Path,
    *,
    software_version: str = __version__,
    name_style: NameStyle = "tg263",
    style: OutlineStyle = EXACT,
    on_progress: OnProgress = ignore_progress,
) -> RtStructSummary:
    """Write one RTSTRUCT with an ROI per mask that is not empty; masks may come from several bundles and may overlap.

    Args:
        references: the CT's slices, whose files are still in place; any spacing, also a single one.
        masks: in the order of the ROIs; each has one slice per entry of ``references.slices``, or lies on the grid
            of the volume where some of its slices have no image.
        path: where to; written completely or not at all.
        software_version: of this software, recorded in the file.
        name_style: which name of the organ becomes the ROI Name.
        style: smoothing and simplification of the outlines, none by default.
        on_progress: stage "rtstruct", fraction of the masks; may raise to stop.

    Raises:
        InputError: no references or UIDs are missing in them, a mask has another shape, all masks are empty.
        UsageError: unknown name style.
        ResourceError: the file cannot be written.
    """
    references = require_references(references, "RTSTRUCT")
    names = unique_names(name_style)
    numbers = iter(range(1, len(masks) + 1))
    made = make_rois(references, masks, lambda roi: RoiIdentity(next(numbers), names(roi.organ)), style, on_progress)
    dataset = new_structure_set(references, made.models, software_version)
    dataset.StructureSetROISequence.extend(items.structure_set_roi for items in made.items)
    dataset.ROIContourSequence.extend(items.contour for items in made.items)
    dataset.RTROIObservationsSequence.extend(items.observation for items in made.items)
    save_structure_set(dataset, path)
    return made.summary


def unique_names(style: NameStyle, taken: Sequence[str] = ()) -> Callable[[Organ], str]:
    """A function that gives each organ its name in a style, and counts on where that is taken already.

    Names that differ by case alone count as the same, as they do in planning systems. Raises `UsageError` for an
    unknown style.
    """
    if style not in _NAME_FIELDS:
        raise UsageError(f"Unknown name style {style}.", "Choose tg263, display or short.")
    longest = MAX_LO if style == "display" else MAX_SH
    used = {name.casefold() for name in taken}

    def name_of(organ: Organ) -> str:
        wanted = getattr(organ, _NAME_FIELDS[style])[:longest]
        name, copy = wanted, 2
        while name.casefold() in used:
            suffix = f"_{copy}"
            # Cut at its end a name would lose its side, and left and right could not be told apart.
            counted = wanted if len(wanted) + len(suffix) <= longest else organ.short_name[: longest - len(suffix)]
            name, copy = counted + suffix, copy + 1
        used.add(name.casefold())
        return name

    return name_of


def make_rois(
    references: DicomReferences,
    masks: Sequence[RoiMask],
    identify: Callable[[RoiMask], RoiIdentity],
    style: OutlineStyle,
    on_progress: OnProgress,
    frame: str | None = None,
) -> MadeRois:
    """Contours of every mask that is not empty.

    Args:
        identify: asked once for each of these, in order.
        frame: UID of the frame of reference; None takes the CT's.

    Raises:
        InputError: a mask has another shape than the CT, or all are empty.
    """
    frame = frame or frame_of_reference_uid(references)
    items, identities, kept, left_out, points = [], [], [], [], []
    dropped: set[int] = set()
    contours = 0
    for index, roi in enumerate(masks, 1):
        mask, without_image = foreground_on_slices(roi, references)
        outlines = contours_of(mask, style)
        dropped |= without_image
        if outlines:
            identity = identify(roi)
            made = roi_items(roi, identity.number, identity.name, outlines, references.slices, frame)
            items.append(made)
            identities.append(identity)
            kept.append(roi)
            contours += len(outlines)
            points.append(sum(len(outline.points_px) for outline in outlines))
        else:
            left_out.append(roi.organ.key)
        on_progress(ProgressEvent("rtstruct", index / len(masks)))
    if not items:
        raise InputError(
            "All masks are empty: there is nothing to write.", "Check that the label map belongs to the CT."
        )
    models = tuple(dict.fromkeys(roi.model for roi in kept if roi.model is not None))
    names = tuple(identity.name for identity in identities)
    notes = (*_dropped_note(dropped), *_style_note(style), *_point_notes(names, points))
    summary = RtStructSummary(names, tuple(left_out), contours, sum(points), len(dropped), notes)
    return MadeRois(tuple(items), tuple(identities), models, summary)


def save_structure_set(dataset: Dataset, path: Path) -> None:
    """Write a data set whose raw values are text or little endian, as implicit VR little endian, all or nothing.

    Explicit VR would limit the points of one contour to 65 534 bytes.
    """
    _mark_as_encoded(dataset)
    with replaced_when_complete(Path(path)) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def _dropped_note(dropped: set[int]) -> tuple[str, ...]:
    if not dropped:
        return ()
    return (f"No contours where the series has no image: {counted(len(dropped), 'slice')} with structures.",)


def _style_note(style: OutlineStyle) -> tuple[str, ...]:
    if style.is_exact:
        return ()
    return (
        f"Outlines are smoothed by up to {style.smooth_px:g} and simplified by up to {style.simplify_px:g} pixels: "
        "volumes may differ from the label map's.",
    )


def _point_notes(names: Sequence[str], points: Sequence[int]) -> list[str]:
    advice = "more than SlicerRT takes holes out of; simplify the contours."
    notes = [
        f"{name} has {count} points, {advice}"
        for name, count in zip(names, points, strict=True)
        if count > SLICER_RT_POINTS_PER_ROI
    ]
    if sum(points) > SLICER_RT_POINTS:
        notes.append(f"The ROIs have {sum(points)} points, {advice}")
    return notes


def _mark_as_encoded(dataset: Dataset) -> None:
    """Tell pydicom that raw values are encoded as the file will be, so that it copies instead of converting them."""
    dataset.set_original_encoding(True, True, dataset._character_set)  # pydicom has no public name for it
    for element in list(dataset.elements()):  # iterating over the data set itself would convert the raw values
        is_copied = element.is_raw and element.is_implicit_VR
        if element.VR == "SQ" and not is_copied:
            for item in dataset[element.tag].value:
                _mark_as_encoded(item)
