"""One structure on its way out to RTSTRUCT or DICOM SEG: where it is, what it is called, what made it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..organs import Organ
from .volume import DicomReferences


@dataclass(frozen=True)
class ModelProvenance:
    """Which model bundle made a mask.

    Attributes:
        name, version: of the bundle.
        sha256: of the bundle, hexadecimal.
        status: "demonstration", "research" or "clinical".
    """

    name: str
    version: str
    sha256: str
    status: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.status})"


def weakest_status(models: Iterable[ModelProvenance]) -> str:
    """The status that what these models made together has: one demonstration model among them decides.

    Without a model it is "clinical": a person drew it.
    """
    statuses = {model.status for model in models}
    if "demonstration" in statuses:
        return "demonstration"
    return "clinical" if statuses <= {"clinical"} else "research"


@dataclass(frozen=True)
class RoiMask:
    """One structure to be written.

    Attributes:
        organ: its row of the organ table: names, code, colour.
        mask: ``(z, y, x)`` on exactly the grid of the CT: bool, or a label map when ``label_value`` is given.
        description: ROI Generation Description; empty takes bundle, version and status of ``model``.
        model: the bundle that made the mask, None when unknown.
        label_value: the structure is where ``mask`` has this value. Twenty structures of one label map then share
            one array instead of holding a bool array each.
        edited: a person has corrected what the model found: the ROI counts as semi-automatic.
    """

    organ: Organ
    mask: np.ndarray
    description: str = ""
    model: ModelProvenance | None = None
    label_value: int | None = None
    edited: bool = False

    def foreground(self) -> np.ndarray:
        """The structure as bool ``(z, y, x)``."""
        return self.mask if self.label_value is None else self.mask == self.label_value


def foreground_on_slices(roi: RoiMask, references: DicomReferences) -> tuple[np.ndarray, set[int]]:
    """Foreground ``(z, y, x)`` on the slices that have images, and the indices of foreground slices without one.

    Args:
        roi: its mask has one slice per image, or lies on the grid of the volume where some of its slices have none.

    Raises:
        InputError: the mask has another shape.
    """
    count, grid = len(references.slices), references.grid_indices
    expected = (count, *references.plane_shape)
    fits_plane = roi.mask.shape[1:] == expected[1:]
    if fits_plane and len(roi.mask) == count:
        return roi.foreground(), set()
    if not fits_plane or grid is None or len(roi.mask) <= grid[-1]:
        raise InputError(
            f"The mask of {roi.organ.key} is {roi.mask.shape} (z, y, x), the CT {expected}.",
            "Give labels on exactly the grid of the CT.",
        )
    foreground = roi.foreground()
    without_image = set(np.flatnonzero(foreground.any((1, 2))).tolist()) - set(grid)
    return foreground[list(grid)], without_image
