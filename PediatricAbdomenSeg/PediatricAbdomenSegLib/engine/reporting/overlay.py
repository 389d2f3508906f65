"""Three orthogonal planes of a CT as people read them, with the organs drawn on top.

Planes are shown in radiological convention (the patient's right on the left of axial and coronal planes, anterior on
the left of sagittal ones), with square pixels whatever the voxels are, at one scale in mm for all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..cases.volume import LabelMap, Volume
from ..geometry import canonical_reorientation, reoriented_geometry
from ..organs import Organ

if TYPE_CHECKING:
    from PIL import Image

WINDOW_HU = (-160.0, 240.0)  # centre 40, width 400: the usual abdominal soft-tissue window
BODY_HU = -300.0  # above this a voxel is tissue rather than air or lung
BODY_MARGIN_MM = 8.0
FILL_OPACITY = 0.22
SUPERSAMPLING = 2  # drawn twice as large and reduced: smooth outlines
OUTLINE_PX = 3  # at the supersampled size
SEARCH_SIZE = 160  # voxels an axis on which the planes to show are searched
PLANES = ("axial", "coronal", "sagittal")


@dataclass(frozen=True)
class Planes:
    """The same three planes of CT and labels, rows top to bottom and columns left to right as shown.

    Attributes:
        ct: plane name to HU ``(rows, columns)``.
        labels: plane name to label values of the same shape; one entry per label map.
        pixel_mm: plane name to (row, column) pixel size in mm.
    """

    ct: dict[str, np.ndarray]
    labels: dict[str, tuple[np.ndarray, ...]]
    pixel_mm: dict[str, tuple[float, float]]

    def size_mm(self, name: str) -> tuple[float, float]:
        """Height and width of a plane in mm."""
        (rows, columns), (row_mm, column_mm) = self.ct[name].shape, self.pixel_mm[name]
        return rows * row_mm, columns * column_mm


def cut_planes(volume: Volume, label_maps: Sequence[LabelMap], focus: int | None = None) -> Planes:
    """Cut the planes that show most organs, cropped to the body.

    Args:
        volume: the CT.
        label_maps: on the same grid; at least one.
        focus: a label value whose largest cross-section decides the planes; None, or a label that is empty: all.
    """
    reorientation = canonical_reorientation(volume.geometry.affine)
    spacing = reoriented_geometry(volume.geometry, reorientation).spacing_mm
    ct = reorientation.apply(volume.array)
    labels = [reorientation.apply(label_map.array) for label_map in label_maps]
    box = _body_box(ct, spacing)
    ct, labels = ct[box], [array[box] for array in labels]
    z, y, x = _best_indices(labels, focus)

    def cuts(array: np.ndarray) -> dict[str, np.ndarray]:
        return {"axial": array[z], "coronal": array[::-1, y], "sagittal": array[::-1, :, x]}

    label_cuts = [cuts(array) for array in labels]
    return Planes(
        cuts(ct),
        {name: tuple(cut[name] for cut in label_cuts) for name in PLANES},
        {
            "axial": (spacing[1], spacing[2]),
            "coronal": (spacing[0], spacing[2]),
            "sagittal": (spacing[0], spacing[1]),
        },
    )


def draw_plane(planes: Planes, name: str, structures: Sequence[Organ], px_per_mm: float) -> Image.Image:
    """One plane as an RGB picture, organs filled lightly and outlined in their colours, smaller label values first."""
    from PIL import Image

    height, width = (max(round(length * px_per_mm), 1) for length in planes.size_mm(name))
    rows, columns = height * SUPERSAMPLING, width * SUPERSAMPLING
    low, high = WINDOW_HU
    grey = np.clip((planes.ct[name].astype(np.float32) - low) / (high - low), 0, 1) * 255
    picture = Image.fromarray(grey.astype(np.uint8)).resize((columns, rows), Image.Resampling.BICUBIC)
    rgb = np.repeat(np.asarray(picture, np.float32)[..., None], 3, axis=2)
    for labels in planes.labels[name]:
        for organ in sorted(structures, key=lambda organ: organ.label):
            mask = labels == organ.label
            if mask.any():
                _paint(rgb, mask, organ.color)
    drawn = Image.fromarray(rgb.round().clip(0, 255).astype(np.uint8))
    return drawn.resize((width, height), Image.Resampling.LANCZOS)


def _paint(rgb: np.ndarray, mask: np.ndarray, color: tuple[int, int, int]) -> None:
    """Fill and outline ``mask`` (at voxel size) on ``rgb`` (at the drawn size), in place."""
    from PIL import Image, ImageFilter

    soft = Image.fromarray(mask.astype(np.uint8) * 255).resize(rgb.shape[1::-1], Image.Resampling.BICUBIC)
    inside = soft.point(lambda value: 255 if value >= 128 else 0)
    box = inside.getbbox()
    if box is None:  # a sliver that vanishes at the drawn size
        return
    left, top, right, bottom = box
    inside = inside.crop((left - OUTLINE_PX, top - OUTLINE_PX, right + OUTLINE_PX, bottom + OUTLINE_PX))
    core = np.asarray(inside.filter(ImageFilter.MinFilter(2 * OUTLINE_PX - 1)).crop(_within(inside))) > 0
    filled = np.asarray(inside.crop(_within(inside))) > 0
    part, paint = rgb[top:bottom, left:right], np.asarray(color, np.float32)
    part[core] += (paint - part[core]) * FILL_OPACITY
    part[filled & ~core] = paint


def _within(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box without the border that `_paint` adds so that an outline also closes at the picture's edge."""
    return OUTLINE_PX, OUTLINE_PX, picture.width - OUTLINE_PX, picture.height - OUTLINE_PX


def _body_box(ct: np.ndarray, spacing_mm: tuple[float, float, float]) -> tuple[slice, slice, slice]:
    """Bounding box of tissue in-plane with a margin, all slices; everything where there is no tissue."""
    tissue = ct > BODY_HU
    box = [slice(None)]
    for axis in (1, 2):
        # a line counts where at least 2 % of it is tissue: the table and noise do not widen the box
        share = tissue.mean(axis=tuple({0, 1, 2} - {axis}))
        found = np.flatnonzero(share > 0.02)
        margin = int(np.ceil(BODY_MARGIN_MM / spacing_mm[axis]))
        box.append(slice(max(found[0] - margin, 0), found[-1] + margin + 1) if found.size else slice(None))
    return tuple(box)


def _best_indices(labels: Sequence[np.ndarray], focus: int | None) -> list[int]:
    """Per axis the index whose plane shows the most: the sum over labels of area relative to the label's largest."""
    step = tuple(max(n // SEARCH_SIZE, 1) for n in labels[0].shape)
    scores = [np.zeros(len(range(0, n, k))) for n, k in zip(labels[0].shape, step, strict=True)]
    for array in labels:
        coarse = array[tuple(slice(None, None, k) for k in step)]
        places = np.nonzero(coarse == focus if focus else coarse)
        values = coarse[places].astype(np.intp)
        for score, place in zip(scores, places, strict=True):
            areas = np.bincount(values * len(score) + place, minlength=256 * len(score)).reshape(256, -1)
            score += (areas / np.maximum(areas.max(axis=1, keepdims=True), 1)).sum(axis=0)
    if not any(score.any() for score in scores):
        return [n // 2 for n in labels[0].shape] if focus is None else _best_indices(labels, None)
    return [int(score.argmax()) * k for score, k in zip(scores, step, strict=True)]
