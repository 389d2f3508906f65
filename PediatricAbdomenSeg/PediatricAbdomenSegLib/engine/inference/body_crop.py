"""The box around the patient's body in the field of view [Salimi]; nothing outside need be computed."""

from __future__ import annotations

import numpy as np

from ..cases.body_region import coarse_body
from ..progress import Check, never_stop

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Half-open index ranges along ``(z, y, x)``."""


def find_body(array: np.ndarray, spacing_mm: tuple[float, float, float], check: Check = never_stop) -> Box | None:
    """Smallest box around the body and its limbs, to about 4 mm.

    Args:
        array: Hounsfield units ``(z, y, x)``.
        spacing_mm: voxel distance along ``(z, y, x)``.
        check: called between the steps.

    Returns:
        Index ranges on ``array``, or None where nothing of a body's size is found: use the whole field then.
    """
    body = coarse_body(array, spacing_mm, check)
    if body is None:
        return None
    return tuple(
        (int(found.start * step), min(int(found.stop * step), length))
        for found, step, length in zip(_bounding_slices(body.mask), body.stride, array.shape, strict=True)
    )


def _bounding_slices(mask: np.ndarray) -> tuple[slice, ...]:
    ranges = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        ranges.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(ranges)
