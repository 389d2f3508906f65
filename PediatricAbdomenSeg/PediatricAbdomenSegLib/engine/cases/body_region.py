"""Where the patient's body lies in the field of view, without table and blanket, on a coarse grid [Salimi]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..progress import Check, never_stop

TISSUE_HU = -300  # between foam or blanket (below -500) and fat (about -100), partial volume included
_GRID_MM = 4.0  # fine enough for a limb, coarse enough to take milliseconds
_LEAST_BODY_ML = 100.0  # less than this is not a trunk: the body is not trusted
_LIMB_RADIUS_MM = 14.0  # a newborn's upper arm is about 30 mm thick; table shells, tubes and blanket folds are thinner


@dataclass(frozen=True)
class CoarseBody:
    """Body and limbs.

    Attributes:
        mask: bool ``(z, y, x)`` on every ``stride``-th voxel.
        stride: along ``(z, y, x)``.
    """

    mask: np.ndarray
    stride: tuple[int, int, int]


def coarse_body(
    array: np.ndarray, spacing_mm: tuple[float, float, float], check: Check = never_stop
) -> CoarseBody | None:
    """The body to about 4 mm; None where nothing of a body's size is found.

    Tissue is thresholded on a coarse grid and opened, which cuts the body from the table; the largest
    component is the body, and every other one that is as thick as a limb belongs to it.

    Args:
        array: Hounsfield units ``(z, y, x)``.
        spacing_mm: voxel distance along ``(z, y, x)``.
        check: called between the steps.
    """
    from scipy import ndimage

    stride = tuple(max(1, int(round(_GRID_MM / spacing))) for spacing in spacing_mm)
    coarse_mm = [step * spacing for step, spacing in zip(stride, spacing_mm, strict=True)]
    tissue = array[:: stride[0], :: stride[1], :: stride[2]] > TISSUE_HU
    # border_value=1: the body goes on beyond the first and last slice and must not be eroded there
    opened = ndimage.binary_dilation(ndimage.binary_erosion(tissue, border_value=1), mask=tissue)
    check()
    components, count = ndimage.label(opened)
    if count == 0:
        return None
    sizes = np.bincount(components.ravel(), minlength=count + 1)
    sizes[0] = 0
    if sizes.max() * np.prod(coarse_mm) / 1000.0 < _LEAST_BODY_ML:
        return None
    return CoarseBody(_body_and_limbs(components, sizes, coarse_mm, check), stride)


def _body_and_limbs(components: np.ndarray, sizes: np.ndarray, spacing_mm: list[float], check: Check) -> np.ndarray:
    from scipy import ndimage

    body = int(sizes.argmax())
    kept = components == body
    # A ball of the limb's radius fits in no component smaller than itself: the many specks need no distance map.
    least_voxels = 4 / 3 * np.pi * _LIMB_RADIUS_MM**3 / np.prod(spacing_mm)
    boxes = ndimage.find_objects(components)
    for label in np.flatnonzero(sizes >= least_voxels):
        check()
        if label == body:
            continue
        # Padded in-plane only: a limb that leaves the field along z is as thick as its cross-section.
        part = np.pad(components[boxes[label - 1]] == label, ((0, 0), (1, 1), (1, 1)))
        if ndimage.distance_transform_edt(part, sampling=spacing_mm).max() >= _LIMB_RADIUS_MM:
            kept |= components == label
    return kept
