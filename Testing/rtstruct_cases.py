"""CT series as scanners lay them, and structures that are hard to draw, for tests of what goes into an RTSTRUCT."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ct_series_builder import ORIENTATIONS, write_series


@dataclass(frozen=True)
class SeriesCase:
    """How a series lies in the patient and in its folder.

    Attributes:
        shape: ``(z, y, x)`` of the whole grid, missing slices included.
        spacing_mm: ``(z, y, x)``.
        missing: indices of slices that have no file.
        change, names: as `write_series` takes them.
    """

    shape: tuple[int, int, int] = (7, 64, 64)
    orientation: str = "supine"
    spacing_mm: tuple[float, float, float] = (3.0, 0.9765625, 0.9765625)
    missing: tuple[int, ...] = ()
    change: Callable[[int, Dataset], None] | None = None
    names: Callable[[int], str] = "slice{}.dcm".format

    @property
    def has_square_pixels(self) -> bool:
        return self.spacing_mm[1] == self.spacing_mm[2]

    @property
    def present(self) -> list[int]:
        """Indices of the slices that have a file."""
        return [index for index in range(self.shape[0]) if index not in self.missing]

    def write(self, whole: Path, present: Path) -> None:
        """Write all slices into one folder, and those that have a file into another."""
        write_series(whole, self.shape, ORIENTATIONS[self.orientation], self.spacing_mm, self.change, self.names)
        present.mkdir()
        for index in self.present:
            shutil.copy(whole / self.names(index), present)


def _number_backwards(index: int, dataset: Dataset) -> None:
    dataset.InstanceNumber = 100 - index


SERIES = {
    "axial": SeriesCase(spacing_mm=(10 / 3, 0.9765625, 0.9765625)),
    "prone": SeriesCase(orientation="prone"),
    "feet first": SeriesCase(orientation="feet first"),
    "decubitus": SeriesCase(orientation="decubitus"),
    "oblique": SeriesCase(orientation="oblique"),
    "coronal": SeriesCase(orientation="coronal"),
    "odd matrix": SeriesCase((5, 200, 280), spacing_mm=(5.0, 0.703125, 0.703125)),
    "pixels not square": SeriesCase(spacing_mm=(2.5, 1.3, 0.7)),
    "missing slice": SeriesCase(missing=(4,)),
    "unsorted": SeriesCase(change=_number_backwards, names=lambda index: f"{(index * 3 + 1) % 7}.IMA"),
    "single slice": SeriesCase((1, 64, 64)),
    "everything at once": SeriesCase(
        (7, 50, 80), "oblique", (2.5, 1.3, 0.7), (2,), _number_backwards, lambda index: f"{(index * 3 + 1) % 7}.IMA"
    ),
}


def structures(shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Bool masks ``(z, y, x)`` by what is hard about them, none of them empty."""
    rows, columns = np.indices(shape[1:])
    size = min(shape[1:])
    middle, half = shape[0] // 2, size / 2

    def disc(radius: float, row: float = 0, column: float = 0) -> np.ndarray:
        """Radius and offset from the image's centre as fractions of half its shorter side."""
        return (rows - shape[1] / 2 - row * half) ** 2 + (columns - shape[2] / 2 - column * half) ** 2 < (
            radius * half
        ) ** 2

    def through(plane: np.ndarray) -> np.ndarray:
        """The plane on every slice, one row lower on each further one."""
        return np.stack([np.roll(plane, index, 0) for index in range(shape[0])])

    def on_middle_slice(plane: np.ndarray) -> np.ndarray:
        mask = np.zeros(shape, bool)
        mask[middle] = plane
        return mask

    voxel = np.zeros(shape[1:], bool)
    voxel[size // 3, size // 4] = True
    five_holes = disc(0.8)
    for row, column in ((-0.4, 0), (0, -0.4), (0, 0), (0, 0.4), (0.4, 0)):
        five_holes &= ~disc(0.12, row, column)
    border = np.ones(shape[1:], bool)
    border[size // 4 : size // 2, size // 4 : size // 2] = False
    border[[0, 0, -1, -1], [0, -1, 0, -1]] = False
    diagonal = np.zeros(shape[1:], bool)
    diagonal[10:20, 10:20] = np.indices((10, 10)).sum(0) % 2 == 0
    diagonal[30, 30] = diagonal[31, 31] = diagonal[31, 29] = True
    lines = (rows == 8) | (columns == 13) | ((rows - columns == 3) | (rows - columns == 4)) & (rows > 20)
    pinholes = disc(0.7)
    pinholes[size // 2, size // 2] = pinholes[size // 2 + 1, size // 2 + 1] = False
    pinholes[size // 2, size // 2 + 8 : size // 2 + 14 : 2] = False
    pinholes[size // 2 - 8 : size // 2 - 2, size // 2 - 5] = False
    return {
        "one voxel": on_middle_slice(voxel),
        "one slice": on_middle_slice(disc(0.5, 0.1, 0.2)),
        "tube with hole": through(disc(0.6) & ~disc(0.35)),
        "hole far below the boundary": through(disc(0.85) & ~disc(0.1, 0.6, 0.013)),
        "five holes": through(five_holes),
        "nested island": through((disc(0.8) & ~disc(0.6)) | (disc(0.45) & ~disc(0.25)) | disc(0.1)),
        "two pieces": through(disc(0.3, -0.4, -0.4) | disc(0.25, 0.4, 0.4)),
        "touching the border": np.stack([border] * shape[0]),
        "whole image": np.ones(shape, bool),
        "diagonal neighbours": through(diagonal),
        "lines of one pixel": through(lines),
        "holes of one pixel": through(pinholes),
        "blobs": _random_pieces(shape, 4),
        "small blobs": _random_pieces(shape, 1),
        "noise": _random_pieces(shape, 0),
    }


def _random_pieces(shape: tuple[int, int, int], smoothing: int) -> np.ndarray:
    """Random pieces with holes in a corner of the image, the wider the more ``smoothing``."""
    field = np.random.default_rng(smoothing).standard_normal((shape[0], 40, 48))
    for _ in range(smoothing):
        for axis in (1, 2):
            field = field + np.roll(field, 1, axis) + np.roll(field, -1, axis)
    mask = np.zeros(shape, bool)
    mask[:, :40, :48] = field > np.quantile(field, 0.4)
    return mask
