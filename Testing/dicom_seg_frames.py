"""Read a DICOM Segmentation without the library that wrote it: bits, positions and codes straight from the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom


def binary_frames(dataset: pydicom.Dataset) -> np.ndarray:
    """Frames ``(n, rows, columns)`` of a binary segmentation: one bit per pixel, the first pixel in the lowest bit."""
    shape = int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), count=int(np.prod(shape)), bitorder="little")
    return bits.reshape(shape).astype(bool)


def masks_on_ct(dataset: pydicom.Dataset, ct_folder: Path) -> dict[int, np.ndarray]:
    """By segment number the mask on the CT's slices, sorted along their normal; see `placed_frames`."""
    masks: dict[int, np.ndarray] = {}
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for index, count, group, frame in placed_frames(dataset, binary_frames(dataset), ct_folder):
        # A single segment is the same for all frames.
        identification = group if "SegmentIdentificationSequence" in group else shared
        number = identification.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        mask = masks.setdefault(number, np.zeros((count, *frame.shape), bool))
        assert not mask[index].any(), "a frame of the same segment and place twice"
        mask[index] = frame
    return masks


def labels_on_ct(dataset: pydicom.Dataset, ct_folder: Path) -> np.ndarray:
    """Segment numbers of a label map segmentation on the CT's slices, sorted along their normal."""
    placed = [*placed_frames(dataset, dataset.pixel_array, ct_folder)]
    labels = np.zeros((placed[0][1], dataset.Rows, dataset.Columns), int)
    for index, _, _, frame in placed:
        labels[index] = frame
    return labels


def placed_frames(dataset: pydicom.Dataset, frames: np.ndarray, ct_folder: Path) -> Iterator[tuple]:
    """``(slice index, number of slices, functional groups, frame)`` of each frame, found by where it lies.

    A frame that refers to another image than the one at its place, or is turned or scaled against it, fails.
    """
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in ct_folder.rglob("*") if path.is_file()]
    cosines = np.array(images[0].ImageOrientationPatient, float)
    normal = np.cross(cosines[:3], cosines[3:])
    images.sort(key=lambda image: float(np.dot(normal, image.ImagePositionPatient)))
    positions = np.array([image.ImagePositionPatient for image in images], float)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    np.testing.assert_allclose(shared.PlaneOrientationSequence[0].ImageOrientationPatient, cosines, atol=1e-6)
    np.testing.assert_allclose(shared.PixelMeasuresSequence[0].PixelSpacing, images[0].PixelSpacing, atol=1e-6)
    for group, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):
        position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        distances_mm = np.linalg.norm(positions - position, axis=1)
        index = int(distances_mm.argmin())
        assert distances_mm[index] < 1e-3
        source = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == images[index].SOPInstanceUID
        yield index, len(images), group, frame


def rgb_of_cielab(encoded: list[int]) -> tuple[float, ...]:
    """sRGB 0–255 of a Recommended Display CIELab Value by the textbook formulas (D65), see PS3.3 C.10.7.1.1."""
    lightness = encoded[0] * 100 / 65535
    a, b = (value * 255 / 65535 - 128 for value in encoded[1:])
    y = (lightness + 16) / 116
    ratios = np.array([y + a / 500, y, y - b / 200])
    xyz = np.where(ratios**3 > 0.008856, ratios**3, (ratios - 16 / 116) / 7.787) * [0.9505, 1.0, 1.0891]
    matrix = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    linear = np.clip(np.array(matrix) @ xyz, 0, 1)
    return tuple(255 * np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear))
