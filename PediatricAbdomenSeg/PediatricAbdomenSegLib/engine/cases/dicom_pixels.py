"""Stored pixel values of DICOM images, whatever their transfer syntax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels
from pydicom.uid import UID

from ..errors import InputError
from .dicom_file import DAMAGED
from .dicom_headers import ImageHeader
from .hounsfield import value_scale
from .series_checks import attribute_name

_TRUNCATED_HINT = "Copy or export the series again: the file is truncated or damaged."

Decoder = Callable[[Sequence[ImageHeader]], Iterator[np.ndarray]]


class _NoDecoder(Exception):
    """This decoder does not know the transfer syntax or could not cope with the data."""


def stored_frames(headers: Sequence[ImageHeader], decoders: Sequence[Decoder] | None = None) -> Iterator[np.ndarray]:
    """The stored values of images that lie in one file, one after the other.

    Args:
        headers: at least one, all of the same file.
        decoders: tried in turn on data that are not plain; None takes pydicom (with whatever plug-ins are installed),
            then GDCM inside SimpleITK, which is all that Slicer's own Python has.

    Yields:
        integers ``(rows, columns)``, not rescaled.

    Raises:
        InputError: the pixel data are missing, truncated or in a transfer syntax nothing here can decode.
    """
    if decoders is None and headers[0].native is not None:
        yield from _native_frames(headers)
        return
    reasons = []
    done = 0
    for decode in decoders or (decode_with_pydicom, decode_with_simpleitk):
        try:
            for frame in decode(headers[done:]):
                yield frame
                done += 1
            return
        except _NoDecoder as error:
            reasons.append(str(error).splitlines()[0] if str(error) else "no reason given")
    raise _not_decoded(headers[done], reasons)


def decode_with_pydicom(headers: Sequence[ImageHeader]) -> Iterator[np.ndarray]:
    """By pydicom and its installed plug-ins; see `stored_frames`."""
    try:
        yield from iter_pixels(headers[0].path, indices=[header.frame or 0 for header in headers])
    except DAMAGED as error:
        raise _NoDecoder(error) from error


def decode_with_simpleitk(headers: Sequence[ImageHeader]) -> Iterator[np.ndarray]:
    """By GDCM, which applies the rescale slope and intercept itself: undone here; see `stored_frames`."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(headers[0].path))
    try:
        frames = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise _NoDecoder("GDCM: " + str(error).strip().splitlines()[-1]) from error
    frames = frames.reshape(-1, *frames.shape[-2:])
    for header in headers:
        scale = value_scale(header)
        yield np.rint((frames[header.frame or 0] - scale.intercept) / scale.slope).astype(np.int32)


def _native_frames(headers: Sequence[ImageHeader]) -> Iterator[np.ndarray]:
    first = headers[0]
    shape = int(first.dataset.Rows), int(first.dataset.Columns)
    pixels = shape[0] * shape[1]
    with first.path.open("rb") as file:
        for header in headers:
            file.seek(first.native.offset + (header.frame or 0) * pixels * first.native.dtype.itemsize)
            stored = np.fromfile(file, first.native.dtype, pixels)
            if stored.size < pixels:
                raise InputError(
                    f"{header.where}: the pixel data end after {stored.size} of {pixels} pixels.", _TRUNCATED_HINT
                )
            yield _used_bits(stored.reshape(shape), header)


def _used_bits(stored: np.ndarray, header: ImageHeader) -> np.ndarray:
    """Values without what else lies in their unused high bits.

    The standard leaves those bits undefined. Overlays are cut off, and a sign that was not extended into them is; but
    other values beyond Bits Stored are kept, because then it is Bits Stored that is wrong (padding of -2000 in images
    that claim 12 bits).
    """
    allocated = stored.itemsize * 8
    used = int(header.dataset.get("BitsStored") or allocated)
    high_bit = int(header.dataset.get("HighBit") or used - 1)
    if not 1 <= used <= allocated or high_bit != used - 1:
        raise InputError(
            f"{header.where}: {attribute_name('BitsStored')} is {used}, {attribute_name('HighBit')} is {high_bit}, of "
            f"{allocated} bits.",
            "Export the series again.",
        )
    if used == allocated:
        return stored
    if _has_embedded_overlay(header.dataset, used):
        stored = stored & ((1 << used) - 1)
    if stored.dtype.kind == "i":
        unextended = (stored >= 1 << (used - 1)) & (stored < 1 << used)
        if unextended.any():
            stored = np.where(unextended, stored.astype(np.int32) - (1 << used), stored)
    return stored


def _has_embedded_overlay(dataset: Dataset, used: int) -> bool:
    groups = range(0x6000, 0x6020, 2)
    positions = ((dataset.get((group, 0x0100)), dataset.get((group, 0x0102))) for group in groups)
    return any(
        allocated is not None and position is not None and int(allocated.value) > 1 and int(position.value) >= used
        for allocated, position in positions
    )


def _not_decoded(header: ImageHeader, reasons: Sequence[str]) -> InputError:
    try:
        meta = dcmread(header.path, specific_tags=["PixelData"], force=True)
        syntax = UID(meta.file_meta.get("TransferSyntaxUID", ""))
        has_pixels = bool(meta.get("PixelData"))
        is_compressed = bool(syntax) and syntax.is_compressed
    except DAMAGED as error:
        return InputError(f"{header.where} cannot be read: {error}.", _TRUNCATED_HINT)
    if not has_pixels:
        return InputError(f"{header.where} has no Pixel Data (7FE0,0010).", _TRUNCATED_HINT)
    if is_compressed:
        return InputError(
            f"{header.where}: the pixel data (transfer syntax {syntax.name}) cannot be decoded: {'; '.join(reasons)}.",
            "If all slices fail, export the series uncompressed; if only this one does, export it again.",
        )
    return InputError(f"{header.where}: the pixel data cannot be read: {'; '.join(reasons)}.", _TRUNCATED_HINT)
