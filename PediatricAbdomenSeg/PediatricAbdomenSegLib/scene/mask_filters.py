"""What the edit tools do to a mask, with numpy and SimpleITK alone: Slicer's Python has no scipy.

Masks are bool ``(z, y, x)``, cropped to the segment or to a window around it; nothing is changed in place. Slices run
along ``axis``, one of the three array axes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import SimpleITK as sitk

from ..engine.geometry import canonical_reorientation
from ..engine.inference.components import find_pieces
from .images import bounding_box


def axial_axis(affine: np.ndarray) -> tuple[int, bool]:
    """Array axis nearest to the patient's long axis, and whether its index grows toward the head."""
    reorientation = canonical_reorientation(affine)
    return reorientation.axes[0], not reorientation.flips[0]


def largest_piece(mask: np.ndarray) -> np.ndarray:
    """The largest 26-connected piece, the first one of equals."""
    pieces = find_pieces(mask)
    if len(pieces.voxels) < 2:
        return mask.copy()
    return pieces.numbered == 1 + int(np.argmax(pieces.voxels))


def filled_in_slices(mask: np.ndarray, axis: int) -> np.ndarray:
    """Every hole that is closed within a slice filled; ways out through a corner between two pixels do not count."""
    slices = np.moveaxis(mask.copy(), axis, 0)
    for plane in slices:
        box = bounding_box(plane[np.newaxis])
        if box is not None:
            inner = plane[box[1:]]
            image = sitk.GetImageFromArray(np.pad(inner, 1).astype(np.uint8))
            inner[...] = sitk.GetArrayViewFromImage(sitk.BinaryFillhole(image, False))[1:-1, 1:-1] > 0
    return np.moveaxis(slices, 0, axis)


def smoothed_in_slices(
    mask: np.ndarray, axis: int, spacing_mm: tuple[float, float, float], sigma_mm: float
) -> np.ndarray:
    """Outlines rounded in every slice by a Gaussian; each slice keeps its area, so thin organs do not shrink.

    Args:
        spacing_mm: ``(z, y, x)``.
        sigma_mm: width of the Gaussian; bumps below about twice this size vanish.
    """
    if not mask.any():
        return mask.copy()
    padding = [(0, 0) if a == axis else (4 + int(3 * sigma_mm / spacing_mm[a]),) * 2 for a in range(3)]
    image = sitk.GetImageFromArray(np.pad(mask, padding).astype(np.float32))
    image.SetSpacing(spacing_mm[::-1])
    for direction in range(3):
        if direction != 2 - axis:
            image = sitk.RecursiveGaussian(image, sigma_mm, direction=direction)
    blurred = sitk.GetArrayFromImage(image)
    inside = tuple(slice(before, size - after) for (before, after), size in zip(padding, blurred.shape, strict=True))
    source, target = np.moveaxis(blurred[inside], axis, 0), np.zeros_like(np.moveaxis(mask, axis, 0))
    for before, values, plane in zip(np.moveaxis(mask, axis, 0), source, target, strict=True):
        area = int(np.count_nonzero(before))
        if area:
            plane |= values >= np.partition(values, -area, axis=None)[-area]
    return np.moveaxis(target, 0, axis)


def interpolated_between(
    mask: np.ndarray,
    axis: int,
    keys: Iterable[int],
    spacing_mm: tuple[float, float, float],
    max_gap_mm: float,
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Replace the slices between neighbouring key slices by shapes in between.

    Shapes are blended as signed distances after their centres have been moved onto the line between them, so that a
    thin vessel that runs obliquely stays one piece. Key slices that are empty, or further apart than ``max_gap_mm``,
    have nothing put between them.

    Args:
        keys: indices along ``axis``, in the mask.
        spacing_mm: ``(z, y, x)``.

    Returns:
        the new mask, and the indices of the slices that were put in.
    """
    slices = np.moveaxis(mask.copy(), axis, 0)
    in_plane_mm = tuple(length for a, length in enumerate(spacing_mm) if a != axis)
    wanted = sorted(set(keys))
    filled: list[int] = []
    for low, high in zip(wanted, wanted[1:], strict=False):
        close = (high - low) * spacing_mm[axis] <= max_gap_mm
        if high - low < 2 or not close or not slices[low].any() or not slices[high].any():
            continue
        centres = tuple(np.argwhere(slices[index]).mean(axis=0) * in_plane_mm for index in (low, high))
        # The window is cropped to the segment: room for what the shapes are moved by, so that no rim gets lost.
        room = 2 + int(np.ceil(np.abs((centres[1] - centres[0]) / in_plane_mm).max()))
        shapes = tuple(_distances(np.pad(slices[index], room), in_plane_mm) for index in (low, high))
        for index in range(low + 1, high):
            share = (index - low) / (high - low)
            centre = (1 - share) * centres[0] + share * centres[1]
            near, far = (_moved(shape, centre - old) for shape, old in zip(shapes, centres, strict=True))
            # Pixels on the rim have the distance 0, their neighbours outside minus one pixel: half a pixel between.
            blended = (1 - share) * near + share * far > -0.5 * min(in_plane_mm)
            slices[index] = blended[room:-room, room:-room]
            filled.append(index)
    return np.moveaxis(slices, 0, axis), tuple(filled)


def _distances(plane: np.ndarray, spacing_mm: tuple[float, ...]) -> sitk.Image:
    """Distance to the rim in mm, positive inside."""
    image = sitk.GetImageFromArray(plane.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    return sitk.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True)


def _moved(distances: sitk.Image, shift_mm: np.ndarray) -> np.ndarray:
    """The distances of the shape moved by ``(y, x)`` mm; far outside where nothing is known."""
    far = -float(np.hypot(*(n * s for n, s in zip(distances.GetSize(), distances.GetSpacing(), strict=True))))
    transform = sitk.TranslationTransform(2, (-shift_mm[::-1]).tolist())
    return sitk.GetArrayFromImage(sitk.Resample(distances, distances, transform, sitk.sitkLinear, far))
