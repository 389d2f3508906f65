"""Copies of contours for the raters of a blinded study: nothing about a copy tells which kind of file it came from.

A label map keeps its own grid, Slicer crops a segmentation to its segments, an RTSTRUCT has none: the grid alone would
tell the sources apart, and so would the layers in which a file keeps its organs and the time it was written.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..cases.atomic_file import as_resource_error
from ..cases.contour_region import RoiRegion
from ..cases.image_file import itk_image
from ..cases.label_boxes import labels_present
from ..cases.label_layers import write_label_layers
from ..cases.volume import LabelMap
from ..errors import InputError
from ..geometry import Geometry
from ..organs import organ_by_key
from .case_contents import CaseContours, draw


def write_neutral_copy(contours: CaseContours, grid: Geometry, copy: Path) -> None:
    """Write contours on the CT's grid, in as few layers as their overlaps need, organs in the order of the table.

    Grids that differ by axes or extent lose nothing; from another grid each voxel takes what its centre lies in, as an
    RTSTRUCT is voxelised.

    Args:
        contours: of at least one layer.
        grid: of the CT.
        copy: ends in ``.seg.nrrd``.

    Raises:
        InputError: an organ lies outside the CT. ResourceError: the file cannot be written.
    """
    before = labels_present(layer.array for layer in contours.layers)
    planes = [_on_grid(layer, grid) for layer in contours.layers]
    outside = [key for key in contours.organs if organ_by_key(key).label in before - labels_present(planes)]
    if outside:
        raise InputError(
            f"No voxel of {', '.join(outside)} lies on the images of the CT.",
            "Give the contours of this CT.",
        )
    layers = planes if len(planes) == 1 else _redrawn(planes, contours.organs)
    write_label_layers([LabelMap(array, grid) for array in layers], copy)


def forget_order(copies: Iterable[Path], seconds: float) -> None:
    """Give all files one time: sources are read one after the other, and each kind of file takes a time of its own.

    Raises:
        ResourceError: a time cannot be set.
    """
    for copy in sorted(copies):
        try:
            os.utime(copy, (seconds, seconds))
        except OSError as error:
            raise as_resource_error(error, copy) from error


def _on_grid(layer: LabelMap, grid: Geometry) -> np.ndarray:
    if layer.geometry.is_close_to(grid):
        return layer.array
    reference = itk_image(np.broadcast_to(np.uint8(0), grid.shape), grid)
    return sitk.GetArrayFromImage(
        sitk.Resample(itk_image(layer.array, layer.geometry), reference, sitk.Transform(), sitk.sitkNearestNeighbor)
    )


def _redrawn(planes: Sequence[np.ndarray], organs: Iterable[str]) -> list[np.ndarray]:
    layers: list[np.ndarray] = []
    for organ in sorted(map(organ_by_key, organs), key=lambda each: each.label):
        mask = np.any([plane == organ.label for plane in planes], axis=0)
        draw(layers, RoiRegion(mask.shape, (0, 0, 0), mask), organ.label)
    return layers
