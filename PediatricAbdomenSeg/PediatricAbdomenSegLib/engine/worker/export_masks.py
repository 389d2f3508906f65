"""From label maps on disk to masks that can be exported: what RTSTRUCT and DICOM SEG have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..cases.label_boxes import labels_present
from ..cases.label_layers import read_label_layers
from ..cases.onto_slices import LabelsOnSlices, labels_on_slices
from ..cases.read_case import read_case_references
from ..cases.roi_mask import ModelProvenance, RoiMask
from ..cases.series_tilt import on_sheared_grid, tilt_of
from ..cases.volume import DicomReferences, LabelMap
from ..errors import InputError, UsageError
from ..models.store import Bundle, find_bundle
from ..organs import ALL_STRUCTURES, Organ, organ_by_key
from ..wording import counted


@dataclass(frozen=True)
class ExportMasks:
    """What goes into an export.

    Attributes:
        references: the CT's images.
        masks: one per structure, empty where no label map holds it.
        notes: what was done to the label maps, sentences.
    """

    references: DicomReferences
    masks: list[RoiMask]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelArray:
    """Labels on the grid of a CT.

    Attributes:
        array: uint8 ``(z, y, x)`` with `Organ.label` values.
        model: what made it, None when unknown.
        models: what made single labels, by value; the others are ``model``'s.
    """

    array: np.ndarray
    model: ModelProvenance | None = None
    models: Mapping[int, ModelProvenance] = field(default_factory=dict)


def masks_to_export(
    ct_folder: Path,
    labels: Sequence[Path],
    models: Sequence[str] = (),
    series_uid: str | None = None,
    edited: Sequence[str] = (),
    find: Callable[[str], Bundle] = find_bundle,
    structures: Sequence[Organ] = ALL_STRUCTURES,
) -> ExportMasks:
    """The CT's images and one mask per structure, from label maps on whatever grid.

    Args:
        labels: label maps or Slicer's segmentations, one or more; segments of one file may overlap, and an organ that
            several files hold is taken from the last.
        models: the bundles that made the label maps: none, one for all, or one for each. Where none is given, the tags
            of segmentations are asked.
        edited: keys of the organs that a person has corrected.

    Raises:
        UsageError: the numbers of label maps and models do not fit, or an organ that is not in the table.
        InputError: the CT is no DICOM series, a label map lies beyond it or holds values outside the table.
        ModelError: a bundle is not there.
    """
    if len(models) not in (0, 1, len(labels)):
        raise UsageError(f"{len(models)} models for {len(labels)} label maps.", "Give none, one, or one for each.")
    for key in edited:
        organ_by_key(key)  # a misspelt one must not pass for "not edited"
    origins = [provenance(find(model)) for model in models] or [None]
    references = _on_volume_grid(read_case_references(ct_folder, series_uid))
    arrays: list[LabelArray] = []
    notes: list[str] = []
    for index, path in enumerate(labels):
        origin = origins[index % len(origins)]
        for layer in read_label_layers(path):
            found = _on_images(layer.label_map, references, Path(path).name)
            notes += [note for note in _notes(found, Path(path).name) if note not in notes]
            arrays.append(LabelArray(found.array, origin, {} if origin else layer.models))
    masks = [replace(mask, edited=mask.organ.key in edited) for mask in roi_masks(arrays, structures)]
    return ExportMasks(references, masks, tuple(notes))


def require_no_input(output: Path, labels: Sequence[Path], references: DicomReferences | None = None) -> None:
    """Raise `UsageError` where a file to be written is a label map or an image of the CT: that would be lost."""
    images = () if references is None else (one.path for one in references.slices)
    if Path(output).resolve() in {Path(path).resolve() for path in (*labels, *images)}:
        raise UsageError(f"The output {output} is one of the inputs, which would be lost.", "Choose another file.")


def roi_masks(labels: Sequence[LabelArray], structures: Sequence[Organ]) -> list[RoiMask]:
    """One mask per structure, from the last array that holds it; empty where none does."""
    present = [labels_present([one.array]) for one in labels]
    masks = []
    for organ in structures:
        index = max((index for index, found in enumerate(present) if organ.label in found), default=0)
        model = labels[index].models.get(organ.label, labels[index].model)
        masks.append(RoiMask(organ, labels[index].array, model=model, label_value=organ.label))
    return masks


def provenance(bundle: Bundle) -> ModelProvenance:
    """The bundle as contours name it."""
    manifest = bundle.manifest
    return ModelProvenance(manifest.name, manifest.version, bundle.sha256, manifest.status)


def _on_volume_grid(references: DicomReferences) -> DicomReferences:
    """With a tilted gantry the slices are those of the volume that is read from it: label maps lie on these."""
    try:
        return on_sheared_grid(references, tilt_of(references))
    except InputError:  # no volume can be read from such slices, but one by one they can be drawn on
        return references


def _on_images(label_map: LabelMap, references: DicomReferences, name: str) -> LabelsOnSlices:
    try:
        return labels_on_slices(label_map, references)
    except InputError as error:
        raise InputError(f"{name}: {error.message}", error.hint) from error


def _notes(found: LabelsOnSlices, name: str) -> list[str]:
    notes = []
    if found.is_resampled:
        notes.append(f"{name} lies on another grid than the CT and was resampled onto its images (nearest neighbour).")
    if found.lost_slices:
        lost = counted(found.lost_slices, "slice")
        notes.append(f"Left out where the series has no image: {lost} with labels in {name}.")
    return notes
