"""Hounsfield units of one DICOM file, whatever its transfer syntax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from ..errors import InputError

_INT16 = np.iinfo(np.int16)
_TRUNCATED_HINT = "Copy or export the series again: the file is truncated or damaged."

Decoder = Callable[[Path, Dataset], np.ndarray]


class _NoDecoder(Exception):
    """This decoder does not know the transfer syntax or could not cope with the data."""


def read_hounsfield(path: Path, decoders: Sequence[Decoder] | None = None) -> np.ndarray:
    """Read one single-frame image.

    Args:
        path: a CT image file.
        decoders: tried in turn on compressed data; None takes pydicom (with whatever plug-ins are installed), then
            GDCM inside SimpleITK, which is all that Slicer's own Python has.

    Returns:
        int16 ``(rows, columns)`` HU; values beyond int16 (padding) are clipped.

    Raises:
        InputError: the pixel data are missing, truncated or in a transfer syntax nothing here can decode.
    """
    try:
        dataset = dcmread(path)
        syntax = UID(dataset.file_meta.get("TransferSyntaxUID", ""))
        has_pixels = bool(dataset.get("PixelData"))
    except (EOFError, OSError, ValueError, KeyError, AttributeError, NotImplementedError) as error:
        raise InputError(f"{path} cannot be read: {error}.", _TRUNCATED_HINT) from error
    if not has_pixels:
        raise InputError(f"{path} has no Pixel Data (7FE0,0010).", _TRUNCATED_HINT)
    if decoders is None:
        decoders = (decode_with_pydicom, decode_with_simpleitk) if syntax.is_compressed else (decode_with_pydicom,)
    reasons = []
    for decode in decoders:
        try:
            return decode(path, dataset)
        except _NoDecoder as error:
            reasons.append(str(error).splitlines()[0] if str(error) else "no reason given")
    if syntax.is_compressed:
        raise InputError(
            f"{path}: the pixel data (transfer syntax {syntax.name}) cannot be decoded: {'; '.join(reasons)}.",
            "If all slices fail, export the series uncompressed; if only this one does, export it again.",
        )
    raise InputError(f"{path}: the pixel data cannot be read: {'; '.join(reasons)}.", _TRUNCATED_HINT)


def decode_with_pydicom(path: Path, dataset: Dataset) -> np.ndarray:
    """HU by pydicom and its installed plug-ins; see `read_hounsfield`."""
    try:
        stored = dataset.pixel_array
    except (RuntimeError, NotImplementedError, ValueError, AttributeError, TypeError, KeyError, IndexError) as error:
        raise _NoDecoder(error) from error
    slope = float(dataset.get("RescaleSlope", 1.0))
    intercept = float(dataset.get("RescaleIntercept", 0.0))
    return rescaled_to_int16(stored, slope, intercept)


def decode_with_simpleitk(path: Path, dataset: Dataset) -> np.ndarray:
    """HU by GDCM, which applies the rescale slope and intercept itself; see `read_hounsfield`."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise _NoDecoder("GDCM: " + str(error).strip().splitlines()[-1]) from error
    array = sitk.GetArrayFromImage(image)
    return rescaled_to_int16(array.reshape(array.shape[-2:]), 1.0, 0.0)


def rescaled_to_int16(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """``stored * slope + intercept`` rounded and clipped to int16, without overflow on the way."""
    if (
        slope == 1.0
        and intercept.is_integer()
        and np.issubdtype(stored.dtype, np.integer)
        and stored.dtype.itemsize <= 2
    ):
        hounsfield = stored.astype(np.int32)
        hounsfield += int(intercept)
    else:
        hounsfield = np.rint(stored.astype(np.float64) * slope + intercept)
    return np.clip(hounsfield, _INT16.min, _INT16.max).astype(np.int16)
