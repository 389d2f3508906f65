"""Turns the parts of a phantom into Hounsfield units: partial volume, texture, scanner table and noise."""

from __future__ import annotations

import numpy as np

from ..progress import Check
from .appearance import Appearance
from .shapes import resample_axis, smooth_noise
from .trunk import LABELS_KEPT, Part

Box = tuple[slice, slice, slice]

AIR_HU = -1000.0
_TABLE_GAP_MM = 3.0
_TABLE_HALF_WIDTH_MM = 205.0


def background(axes_mm: tuple[np.ndarray, ...], down: tuple[int, int], reach_mm: float) -> np.ndarray:
    """Air with the scanner's table below the patient, float32 HU ``(z, y, x)`` in canonical order.

    Args:
        down: direction of gravity in patient coordinates (x, y).
        reach_mm: from the body's centre to its lowest point.
    """
    z, y, x = axes_mm
    depth = down[0] * x[None, :] + down[1] * y[:, None]
    across = np.abs(down[1] * x[None, :] + down[0] * y[:, None])
    sag = 14.0 * (across / _TABLE_HALF_WIDTH_MM) ** 2
    below = depth - (reach_mm + _TABLE_GAP_MM - sag)
    plane = np.full(depth.shape, AIR_HU, np.float32)
    inside = (below > 0) & (below < 34 + sag) & (across < _TABLE_HALF_WIDTH_MM)
    shell = inside & ((below < 2.5) | (below > 31.5 + sag) | (across > _TABLE_HALF_WIDTH_MM - 3))
    mattress = (below > -_TABLE_GAP_MM - 6) & (below <= 0) & (across < _TABLE_HALF_WIDTH_MM - 20)
    plane[mattress] = -930
    plane[inside] = -900
    plane[shell] = -310
    return np.repeat(plane[None], len(z), axis=0)


def paint(
    image: np.ndarray,
    labels: np.ndarray,
    axes_mm: tuple[np.ndarray, ...],
    grid_mm: tuple[np.ndarray, ...],
    parts: list[Part],
    appearance: Appearance,
    rng: np.random.Generator,
    check: Check,
) -> None:
    """Paint the parts in order into image and labels, in place.

    A part with the label `NOT_CONTOURED` removes what lay under it from the labels; `LABELS_KEPT` leaves them alone.

    Args:
        image: float32 HU ``(z, y, x)``; labels: uint8 of the same shape.
        axes_mm, grid_mm: coordinates of the image's voxels and of the grid on which the parts were evaluated.
        check: called between parts.
    """
    texture = smooth_noise(rng, tuple(len(axis) for axis in grid_mm), 1.0)
    check()
    texture += smooth_noise(rng, texture.shape, 5.0)
    texture *= 0.7
    for part in parts:
        check()
        trimmed = _trim(part, appearance.kernel_mm)
        if trimmed is None:
            continue
        box, distance, content = trimmed
        target, positions = _target(box, axes_mm, grid_mm)
        if any(piece.stop <= piece.start for piece in target):
            continue
        fine = _resample(distance, positions)
        here = fine > -0.5 * appearance.kernel_mm
        if content is None:
            value = (
                appearance.hu[part.tissue]
                + appearance.texture_hu[part.tissue] * _resample(texture[box], positions)[here]
            )
        else:
            nearest = [
                np.clip(np.rint(p).astype(np.intp), 0, n - 1) for p, n in zip(positions, content.shape, strict=True)
            ]
            codes = content[np.ix_(*nearest)][here]
            means = np.array([mean for mean, _ in appearance.contents_hu], np.float32)
            spread = np.array([0.5 * s for _, s in appearance.contents_hu], np.float32)
            value = means[codes] + spread[codes] * _resample(texture[box], positions)[here]
        under = image[target]
        occupied = np.minimum(fine[here] / appearance.kernel_mm + 0.5, 1.0)
        under[here] += (value - under[here]) * occupied
        if part.label != LABELS_KEPT:
            labels[target][fine > 0] = part.label


def add_noise(
    image: np.ndarray, axes_mm: tuple[np.ndarray, ...], noise_hu: float, rng: np.random.Generator, check: Check
) -> None:
    """Add quantum noise with the reconstruction kernel's correlation, in place; air outside the circle is set."""
    from scipy import ndimage

    _, y, x = axes_mm
    sigma = tuple(0.62 / float(line[1] - line[0]) for line in (y, x))
    smooth = max(sigma) > 0.3
    middle = ndimage.gaussian_filter(
        np.clip(image[len(image) // 2] + 1000, 0, 1000) / 1000, [18 / 0.62 * s for s in sigma]
    )
    level = (noise_hu * (0.45 + 0.55 * middle / max(float(middle.max()), 1e-6))).astype(np.float32)
    gain = 1.0
    if smooth:
        probe = ndimage.gaussian_filter(rng.standard_normal((128, 128)).astype(np.float32), sigma)
        gain = 1.0 / float(probe.std())
    outside = np.hypot(y[:, None] / np.abs(y).max(), x[None, :] / np.abs(x).max()) > 1.0
    for plane in image:
        check()
        noise = rng.standard_normal(plane.shape, np.float32)
        if smooth:
            noise = ndimage.gaussian_filter(noise, sigma)
        plane += noise * (gain * level)
        plane[outside] = -1024


def _trim(part: Part, kernel_mm: float) -> tuple[Box, np.ndarray, np.ndarray | None] | None:
    """Box, distance and content of the part, cut to where it is visible; None when it is nowhere."""
    seen = part.distance_mm > -0.5 * kernel_mm - 2.0
    if not seen.any():
        return None
    box, inner = [], []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        where = np.flatnonzero(seen.any(axis=others))
        offset = part.box[axis].start or 0
        inner.append(slice(int(where[0]), int(where[-1]) + 1))
        box.append(slice(offset + int(where[0]), offset + int(where[-1]) + 1))
    cut = tuple(inner)
    return tuple(box), part.distance_mm[cut], None if part.content is None else part.content[cut]


def _target(box: Box, axes_mm: tuple[np.ndarray, ...], grid_mm: tuple[np.ndarray, ...]) -> tuple[Box, list[np.ndarray]]:
    """Image voxels inside a box of the grid, and their fractional indices within the box."""
    target, positions = [], []
    for piece, axis, line in zip(box, axes_mm, grid_mm, strict=True):
        low, high = line[piece.start], line[piece.stop - 1]
        first = int(np.searchsorted(axis, low - 1e-3))
        last = int(np.searchsorted(axis, high + 1e-3, side="right"))
        target.append(slice(first, last))
        step = line[1] - line[0] if len(line) > 1 else 1.0
        exact = (axis[first:last] - low) / step
        rounded = np.rint(exact)
        positions.append(np.where(np.abs(exact - rounded) < 1e-3, rounded, exact).astype(np.float32))
    return tuple(target), positions


def _resample(values: np.ndarray, positions: list[np.ndarray]) -> np.ndarray:
    """Linear interpolation at the fractional indices along each axis, float32."""
    result = values.astype(np.float32, copy=False)
    for axis in range(3):
        result = resample_axis(result, positions[axis], axis)
    return result
