"""Shape-based interpolation: the outline half way between two outlines.

Raya and Udupa, IEEE Trans Med Imaging 1990: the signed distances to both outlines are interpolated linearly.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk


def between(below: np.ndarray, above: np.ndarray, share: float, spacing_mm: tuple[float, float]) -> np.ndarray:
    """The shape between two shapes.

    Args:
        below, above: bool ``(y, x)``. Where one is empty the result is empty: a shape of nothing has no outline.
        share: 0 at ``below``, 1 at ``above``.
        spacing_mm: of rows and of columns.

    Returns:
        bool ``(y, x)``.
    """
    if not (below.any() and above.any()):
        return np.zeros_like(below)
    return (1 - share) * _signed_distance(below, spacing_mm) + share * _signed_distance(above, spacing_mm) < 0


def _signed_distance(shape: np.ndarray, spacing_mm: tuple[float, float]) -> np.ndarray:
    """Distance to the outline in mm, negative inside; half a pixel on either side of it."""
    padded = np.pad(shape, 1)  # a shape that fills the array has an outline too
    # The filter measures to the centres of border pixels of a shape; between shape and background lies the outline.
    inside, outside = (_distance_to_border_pixels(mask, spacing_mm) for mask in (padded, ~padded))
    return ((inside - outside) / 2)[1:-1, 1:-1]


def _distance_to_border_pixels(shape: np.ndarray, spacing_mm: tuple[float, float]) -> np.ndarray:
    image = sitk.GetImageFromArray(shape.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return sitk.GetArrayFromImage(distance)
