"""Tiny label maps that tell each other apart, for studies whose contours nobody looks at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from PediatricAbdomenSegLib.engine.cases.image_file import write_label_map
from PediatricAbdomenSegLib.engine.cases.label_layers import read_label_layers
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key

# The grid of a series of `ct_series_builder.write_series` with as many voxels.
GRID = Geometry(
    (2, 4, 4),
    np.array([[-0.8, 0.0, 0.0, 20.0], [0.0, -1.5, 0.0, -30.0], [0.0, 0.0, 2.0, -400.0], [0.0, 0.0, 0.0, 1.0]]),
)
_BITS = 8


def write_contours(path: Path, number: int = 1, organ: str = "liver") -> Path:
    """A label map of one organ whose voxels spell a number from 1 to 255."""
    array = np.zeros(GRID.shape, np.uint8)
    array.flat[:_BITS] = [organ_by_key(organ).label * (number >> bit & 1) for bit in range(_BITS)]
    write_label_map(LabelMap(array, GRID), path)
    return path


def number_in(path: Path) -> int:
    """The number that `write_contours` spelt, also in a copy of another format."""
    (layer,) = read_label_layers(path)
    return sum(1 << bit for bit in range(_BITS) if layer.label_map.array.flat[bit])
