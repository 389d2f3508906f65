"""Stored pixel values of DICOM images, whatever their transfer syntax."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels import iter_pixels
from pydicom.uid import JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from ..errors import InputError, PediatricAbdomenSegError
from .dicom_file import DAMAGED, reading_error
from .dicom_headers import ImageHeader
from .hounsfield import value_scale
from .series_checks import attribute_name, required_or

_TRUNCATED_HINT = "Copy or export the series again: the file is truncated or damaged."
_MARKED_AT_END = (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes)
_END_OF_IMAGE, _FILLING = b"\xff\xd9", b"\0\xff"
_ENCAPSULATED_HEADER_BYTES = 12  # tag, VR, reserved, undefined length

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
        ResourceError: the file cannot be read any more.
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
    path = headers[0].path
    try:
        _require_end_markers(headers)
        # Frame by frame out of the file; what is not encapsulated (deflated) pydicom reads in whole only.
        source = path if headers[0].is_encapsulated else dcmread(path, force=True)
        yield from iter_pixels(source, indices=[header.frame or 0 for header in headers])
    except DAMAGED as error:
        raise _NoDecoder(error) from error


def _require_end_markers(headers: Sequence[ImageHeader]) -> None:
    # pydicom's plug-ins for JPEG and JPEG-LS fill up an image that is cut short, without a word; GDCM refuses it.
    first = headers[0]
    if first.transfer_syntax not in _MARKED_AT_END:
        return
    wanted = {header.frame or 0 for header in headers}
    with first.path.open("rb") as file:
        dcmread(file, stop_before_pixels=True, specific_tags=["NumberOfFrames"], force=True)
        file.seek(_ENCAPSULATED_HEADER_BYTES, os.SEEK_CUR)
        frames = generate_frames(file, number_of_frames=required_or(first, "NumberOfFrames", 1))
        for index, frame in zip(range(max(wanted) + 1), frames, strict=False):
            if index in wanted and not frame.rstrip(_FILLING).endswith(_END_OF_IMAGE):
                raise _NoDecoder(f"frame {index + 1} is cut short (no end-of-image marker)")


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
    with _opened(first.path) as file:
        for header in headers:
            file.seek(first.native.offset + (header.frame or 0) * pixels * first.native.dtype.itemsize)
            stored = np.fromfile(file, first.native.dtype, pixels)
            if stored.size < pixels:
                raise InputError(
                    f"{header.where}: the pixel data end after {stored.size} of {pixels} pixels.", _TRUNCATED_HINT
                )
            yield _used_bits(stored.reshape(shape), header)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:  # a medium taken out between headers and voxels
        raise reading_error(path, error) from error


def _used_bits(stored: np.ndarray, header: ImageHeader) -> np.ndarray:
    """Values without what lies in their unused high bits: overlays of old scanners, or nothing instead of a sign."""
    allocated = stored.itemsize * 8
    used = required_or(header, "BitsStored", allocated)
    high_bit = required_or(header, "HighBit", used - 1)
    if used > allocated or high_bit != used - 1:
        raise InputError(
            f"{header.where}: {attribute_name('BitsStored')} is {used}, {attribute_name('HighBit')} is {high_bit}, of "
            f"{allocated} bits.",
            "Export the series again.",
        )
    unused = allocated - used
    return stored << unused >> unused if unused else stored


def _not_decoded(header: ImageHeader, reasons: Sequence[str]) -> PediatricAbdomenSegError:
    try:
        has_pixels = bool(dcmread(header.path, specific_tags=["PixelData"], force=True).get("PixelData"))
    except DAMAGED as error:
        return reading_error(header.path, error)
    if not has_pixels:
        return InputError(f"{header.where} has no Pixel Data (7FE0,0010).", _TRUNCATED_HINT)
    hint = _TRUNCATED_HINT
    if header.is_encapsulated:
        hint = "If all slices fail, export the series uncompressed; if only this one does, export it again."
    return InputError(
        f"{header.where}: the pixel data (transfer syntax {header.transfer_syntax.name}) cannot be decoded: "
        f"{'; '.join(reasons)}.",
        hint,
    )
