"""A DICOM series as SimpleITK (ITK with GDCM) reads it, to judge our reader by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PediatricAbdomenSegLib.engine.geometry import LPS_TO_RAS


def read_with_itk(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Hounsfield units ``(z, y, x)`` and the affine from index ``(x, y, z, 1)`` to RAS mm of the only series."""
    reader = sitk.ImageSeriesReader()
    (uid,) = reader.GetGDCMSeriesIDs(str(folder))
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), uid))
    return _array_and_affine(reader.Execute())


def read_file_with_itk(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """`read_with_itk` for one multi-frame file."""
    return _array_and_affine(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))


def _array_and_affine(image: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), LPS_TO_RAS @ lps


def in_the_same_direction(array: np.ndarray, affine: np.ndarray, like: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An image whose slices run as those of the affine ``like``: GDCM sorts some series the other way round."""
    if affine[:3, 2] @ like[:3, 2] > 0:
        return array, affine
    flipped = affine.copy()
    flipped[:3, 3] += affine[:3, 2] * (len(array) - 1)
    flipped[:3, 2] *= -1
    return array[::-1], flipped
