"""What an export writes: which segments, under which names, in which files, and how it is summed up afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from slicer.i18n import tr as _

from ..engine.cases.volume import LabelMap
from ..engine.errors import InputError, UsageError
from ..engine.geometry import Geometry
from ..engine.organs import Organ
from ..scene.segmentation_reader import SegmentMask

NAME_STYLES = ("tg263", "display", "short")
LABEL_MAP_SUFFIXES = ("", ".nii.gz", ".nrrd")
_LONGEST_STEM = 80  # leaves room below the 255 characters of a file name and the 260 of a Windows path
_NAME_FIELDS = {"tg263": "tg263_name", "display": "display_name", "short": "short_name"}


@dataclass(frozen=True)
class ExportChoice:
    """What the user ticked.

    Attributes:
        folder: receives the files.
        stem: what their names begin with.
        label_map_suffix: one of `LABEL_MAP_SUFFIXES`; empty for none.
        seg_nrrd, rtstruct, dicom_seg: whether these are written.
        name_style: one of `NAME_STYLES`.
        body, smooth: whether the RTSTRUCT outlines the body too, and rounds the steps of its outlines.
        append_to: an RTSTRUCT whose ROIs the new one holds too; None for none.
        replace_same: whether those of the same organs are replaced.
    """

    folder: Path
    stem: str
    label_map_suffix: str
    seg_nrrd: bool
    rtstruct: bool
    name_style: str
    dicom_seg: bool = False
    body: bool = False
    smooth: bool = False
    append_to: Path | None = None
    replace_same: bool = False

    @property
    def label_map_path(self) -> Path:
        return self.folder / f"{self.stem}_labels{self.label_map_suffix}"

    @property
    def seg_nrrd_path(self) -> Path:
        return self.folder / f"{self.stem}.seg.nrrd"

    @property
    def rtstruct_path(self) -> Path:
        return self.folder / f"{self.stem}_rtstruct.dcm"

    @property
    def dicom_seg_path(self) -> Path:
        return self.folder / f"{self.stem}_seg.dcm"

    def dicom_paths(self) -> tuple[Path, ...]:
        """The DICOM files among them, which the worker writes."""
        wanted = ((self.rtstruct, self.rtstruct_path), (self.dicom_seg, self.dicom_seg_path))
        return tuple(path for ticked, path in wanted if ticked)

    def paths(self) -> tuple[Path, ...]:
        """The files this choice writes, in the order they are written."""
        wanted = (
            (bool(self.label_map_suffix), self.label_map_path),
            (self.seg_nrrd, self.seg_nrrd_path),
        )
        return (*(path for ticked, path in wanted if ticked), *self.dicom_paths())


def checked_choice(choice: ExportChoice) -> ExportChoice:
    """The choice, if something can be done with it.

    Raises:
        UsageError: no folder, a folder that is a file, nothing ticked, or no RTSTRUCT to add to where one is named.
    """
    if str(choice.folder) in ("", "."):
        raise UsageError(_("No folder is chosen."), _("Choose the folder that receives the files."))
    if choice.folder.exists() and not choice.folder.is_dir():
        raise UsageError(
            _("{path} is not a folder.").format(path=choice.folder), _("Choose the folder that receives the files.")
        )
    if choice.rtstruct and choice.append_to is not None and not choice.append_to.is_file():
        raise UsageError(
            _("There is no file {path}.").format(path=choice.append_to),
            _("Under Advanced, choose the RTSTRUCT to add to, or none."),
        )
    if not choice.paths():
        raise UsageError(_("Nothing is ticked."), _("Tick at least one kind of file."))
    return choice


def safe_stem(name: str) -> str:
    """A node's name as the beginning of a file name on every system; "segmentation" where nothing is left."""
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._")[:_LONGEST_STEM]
    return stem or "segmentation"


def organs_to_export(masks: Sequence[SegmentMask], keys: Sequence[str]) -> tuple[SegmentMask, ...]:
    """The masks of the organs asked for that are not empty, in the order of the organ table.

    Raises:
        InputError: none of them is there.
    """
    wanted = [mask for mask in masks if mask.organ is not None and mask.organ.key in keys]
    found = [mask for mask in wanted if (mask.labels == mask.label_value).any()]
    if not found:
        raise InputError(_("None of the chosen organs has a contour."), _("Tick organs that are not empty."))
    return tuple(sorted(found, key=lambda mask: mask.organ.label))


def label_layers(masks: Sequence[SegmentMask], geometry: Geometry) -> tuple[LabelMap, ...]:
    """Masks as label maps without loss: those that overlap lie in different ones. Empty when there is no mask."""
    layers: list[np.ndarray] = []
    for mask in masks:
        voxels = mask.mask
        layer = next((layer for layer in layers if not layer[voxels].any()), None)
        if layer is None:
            layer = np.zeros(geometry.shape, np.uint8)
            layers.append(layer)
        layer[voxels] = mask.organ.label
    return tuple(LabelMap(layer, geometry) for layer in layers)


def named(organs: Sequence[Organ], style: str) -> tuple[Organ, ...]:
    """The organs with the names of a style as display names, for files that have only one kind of name."""
    return tuple(replace(organ, display_name=getattr(organ, _NAME_FIELDS[style])) for organ in organs)


def summary_text(paths: Sequence[Path], organs: Sequence[str], notes: Sequence[str] = ()) -> str:
    """What was written, for the user to read and to copy."""
    lines = [
        _("Organs written ({count}): {names}.").format(count=len(organs), names=", ".join(organs)),
        *(str(path) for path in paths),
        *notes,
    ]
    return "\n".join(lines)
