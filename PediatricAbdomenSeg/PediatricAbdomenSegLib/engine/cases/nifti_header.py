"""Check a NIfTI file by its own bytes: ITK's reader is silent about bad spacing, missing voxels and NaN."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

# Deflate cannot compress by more than 1032:1 (zlib's documentation), so a header that promises more data than that
# per byte on disk is wrong or malicious.
MAX_DEFLATE_RATIO = 1032
_DAMAGED_HINT = "The file is truncated or damaged: copy or export it again."
_CHUNK_BYTES = 1 << 20
_FLOAT_DTYPES = {16: "f4", 64: "f8"}  # NIfTI datatype codes that can hold NaN


@dataclass(frozen=True)
class _Layout:
    """Where the fields of one version of the header lie: offset and struct layout."""

    header_bytes: int
    shape: tuple[int, str]
    datatype: tuple[int, str]
    bits_per_voxel: tuple[int, str]
    spacing: tuple[int, str]
    data_offset: tuple[int, str]


_LAYOUTS = (
    _Layout(348, (40, "8h"), (70, "h"), (72, "h"), (80, "3f"), (108, "f")),  # NIfTI-1
    _Layout(540, (16, "8q"), (12, "h"), (14, "h"), (112, "3d"), (168, "q")),  # NIfTI-2
)


def check_nifti(path: Path) -> None:
    """Raise `InputError` when a ``.nii`` or ``.nii.gz`` has bad spacing or fewer bytes than its header promises."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            header = file.read(max(layout.header_bytes for layout in _LAYOUTS))
        layout, order = _layout_of(header, path)
        spacing = struct.unpack_from(order + layout.spacing[1], header, layout.spacing[0])
        if not all(math.isfinite(length) and length > 0 for length in spacing):
            raise InputError(
                f"{path}: the voxel spacing (pixdim) is {spacing} mm.",
                "Correct the header: each spacing must be positive.",
            )
        shape = struct.unpack_from(order + layout.shape[1], header, layout.shape[0])
        axes = shape[1 : 1 + max(0, min(shape[0], 7))]
        (bits,) = struct.unpack_from(order + layout.bits_per_voxel[1], header, layout.bits_per_voxel[0])
        (data_offset,) = struct.unpack_from(order + layout.data_offset[1], header, layout.data_offset[0])
        _check_bytes(path, int(data_offset) + math.prod(axes) * bits // 8, axes)
    except (EOFError, OSError, zlib.error, OverflowError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.", _DAMAGED_HINT) from error


def non_finite_voxels(path: Path) -> int:
    """Number of voxels stored as NaN or infinity in a file that `check_nifti` accepts; ITK reads them as 0.

    Zero without a look at the voxels for types that have no such values.
    """
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        header = file.read(max(layout.header_bytes for layout in _LAYOUTS))
        layout, order = _layout_of(header, path)
        (datatype,) = struct.unpack_from(order + layout.datatype[1], header, layout.datatype[0])
        if datatype not in _FLOAT_DTYPES:
            return 0
        dtype = np.dtype(order + _FLOAT_DTYPES[datatype])
        (data_offset,) = struct.unpack_from(order + layout.data_offset[1], header, layout.data_offset[0])
        shape = struct.unpack_from(order + layout.shape[1], header, layout.shape[0])
        left = math.prod(shape[1 : 1 + shape[0]]) * dtype.itemsize
        file.seek(int(data_offset))
        found = 0
        while left > 0 and (chunk := file.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            found += np.count_nonzero(~np.isfinite(np.frombuffer(chunk, dtype)))
    return int(found)


def _layout_of(header: bytes, path: Path) -> tuple[_Layout, str]:
    for layout in _LAYOUTS:
        for order in "<>":
            if len(header) >= layout.header_bytes and struct.unpack_from(order + "i", header)[0] == layout.header_bytes:
                return layout, order
    raise InputError(f"{path} is not NIfTI: its header is missing or truncated.", "Copy or export the file again.")


def _check_bytes(path: Path, promised: int, axes: tuple[int, ...]) -> None:
    on_disk = path.stat().st_size
    packed = path.suffix.lower() == ".gz"
    if promised > on_disk * (MAX_DEFLATE_RATIO if packed else 1):
        raise InputError(
            f"{path}: the header promises {promised} bytes ({axes} voxels), which {on_disk} bytes on disk cannot hold.",
            "The file is truncated or its header damaged: copy or export it again.",
        )
    if not packed:
        return
    with path.open("rb") as file:  # a gzip file ends with the uncompressed size modulo 2³² (RFC 1952)
        file.seek(-4, os.SEEK_END)
        if int.from_bytes(file.read(4), "little") == promised % 2**32:
            return
    # Cut short, or written in several members or with something behind the voxels: only unpacking can tell.
    unpacked = 0
    with gzip.open(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            unpacked += len(chunk)
    if unpacked < promised:
        raise InputError(f"{path}: {unpacked} bytes where the header promises {promised}.", _DAMAGED_HINT)
