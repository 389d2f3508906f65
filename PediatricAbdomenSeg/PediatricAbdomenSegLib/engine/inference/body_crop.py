"""The patient's body in the field of view, without table and blanket [Salimi]; nothing outside need be computed."""

from __future__ import annotations

import numpy as np

from ..progress import Check, never_stop

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Half-open index ranges along ``(z, y, x)``."""

_GRID_MM = 4.0  # fine enough for a limb, coarse enough to take milliseconds
_TISSUE_HU = -300  # between foam or blanket (below -500) and fat (about -100), partial volume included
_LEAST_BODY_ML = 100.0  # less than this is not a trunk: the crop is not trusted
_LIMB_RADIUS_MM = 14.0  # a newborn's upper arm is about 30 mm thick; table shells, tubes and blanket folds are thinner


def find_body(array: np.ndarray, spacing_mm: tuple[float, float, float], check: Check = never_stop) -> Box | None:
    """Smallest box around the body and its limbs, to about 4 mm.

    Tissue is thresholded on a coarse grid and opened, which cuts the body from the table; the largest
    component is the body, and every other one that is as thick as a limb belongs to it.

    Args:
        array: Hounsfield units ``(z, y, x)``.
        spacing_mm: voxel distance along ``(z, y, x)``.
        check: called between the steps.

    Returns:
        Index ranges on ``array``, or None where nothing of a body's size is found: use the whole field then.
    """
    from scipy import ndimage

    stride = [max(1, int(round(_GRID_MM / spacing))) for spacing in spacing_mm]
    coarse_mm = [step * spacing for step, spacing in zip(stride, spacing_mm, strict=True)]
    tissue = array[:: stride[0], :: stride[1], :: stride[2]] > _TISSUE_HU
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
    kept = _body_and_limbs(components, sizes, coarse_mm, check)
    return tuple(
        (int(found.start * step), min(int(found.stop * step), length))
        for found, step, length in zip(_bounding_slices(kept), stride, array.shape, strict=True)
    )


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


def _bounding_slices(mask: np.ndarray) -> tuple[slice, ...]:
    ranges = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        ranges.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(ranges)
