"""Check what the header of an image file claims before any memory is allocated for it."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError

# Deflate cannot compress by more than 1032:1 (zlib's documentation), so a header that promises more data than that
# per byte on disk is wrong or malicious.
_MAX_DEFLATE_RATIO = 1032
_MAX_VOXELS_PER_AXIS = 16384
_NIFTI1_HEADER_BYTES, _NIFTI2_HEADER_BYTES = 348, 540
_SEVERAL_IMAGES_HINT = "Give one three-dimensional CT per file."


def read_checked_information(path: Path) -> sitk.ImageFileReader:
    """Read an image's header and check its dimension, size and spacing.

    Returns:
        A reader set to read one three-dimensional image (a trailing fourth axis of length one is dropped).

    Raises:
        InputError: empty, unreadable or truncated file, not three-dimensional, several components a voxel, absurd
            size, spacing that is zero, negative or not finite.
    """
    size_on_disk = path.stat().st_size
    if size_on_disk == 0:
        raise InputError(f"{path} is empty (0 bytes).", "Copy or export the file again.")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        _check_nifti_spacing(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read: {itk_reason(error)}.",
            "Check that the file is complete and of the format its name says.",
        ) from error
    size, spacing = reader.GetSize(), reader.GetSpacing()
    if len(size) < 3 or any(length != 1 for length in size[3:]):
        raise InputError(f"{path} has {len(size)} dimensions, size {size}; three are needed.", _SEVERAL_IMAGES_HINT)
    if reader.GetNumberOfComponents() != 1:
        raise InputError(
            f"{path} has {reader.GetNumberOfComponents()} components a voxel; one is needed.", _SEVERAL_IMAGES_HINT
        )
    if not all(math.isfinite(length) and length > 0 for length in spacing[:3]):
        raise InputError(
            f"{path}: the voxel spacing is {spacing[:3]} mm.", "Correct the header: each spacing must be positive."
        )
    _check_size(path, size, sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent(), size_on_disk)
    if len(size) > 3:
        reader.SetExtractSize([*size[:3], *(0 for _ in size[3:])])
    return reader


def itk_reason(error: RuntimeError) -> str:
    """The last line of an ITK exception, which carries the reason; the lines before it name C++ sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[-1] if lines else type(error).__name__
    return reason.split("): ", 1)[-1].rstrip(".")


def _check_size(path: Path, size: tuple[int, ...], bytes_per_voxel: int, size_on_disk: int) -> None:
    promised = math.prod(size) * bytes_per_voxel
    detached = path.suffix.lower() in (".nhdr", ".mhd")
    if max(size) > _MAX_VOXELS_PER_AXIS or min(size) < 1:
        raise InputError(
            f"{path}: the header gives an absurd size, {size} voxels.", "The header is damaged: export the file again."
        )
    if not detached and promised > size_on_disk * _MAX_DEFLATE_RATIO:
        raise InputError(
            f"{path}: the header promises {promised} bytes ({size} voxels), "
            f"which {size_on_disk} bytes on disk cannot hold.",
            "The file is truncated or its header damaged: copy or export it again.",
        )
    if min(size[:3]) < 2:
        raise InputError(f"{path} is a single slice, size {size}.", "Give a volume of at least two slices.")


def _check_nifti_spacing(path: Path) -> None:
    """ITK silently replaces a spacing of zero and drops the sign of a negative one, so look at the bytes."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            header = file.read(_NIFTI2_HEADER_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read: {error}.", "The file is truncated or damaged: copy or export it again."
        ) from error
    for order in "<>":
        if len(header) >= _NIFTI1_HEADER_BYTES and struct.unpack_from(order + "i", header)[0] == _NIFTI1_HEADER_BYTES:
            spacing = struct.unpack_from(order + "3f", header, 80)  # pixdim[1..3] of NIfTI-1
            break
        if len(header) >= _NIFTI2_HEADER_BYTES and struct.unpack_from(order + "i", header)[0] == _NIFTI2_HEADER_BYTES:
            spacing = struct.unpack_from(order + "3d", header, 112)  # pixdim[1..3] of NIfTI-2
            break
    else:
        raise InputError(f"{path} is not NIfTI: its header is missing or truncated.", "Copy or export the file again.")
    if not all(math.isfinite(length) and length > 0 for length in spacing):
        raise InputError(
            f"{path}: the voxel spacing (pixdim) is {spacing} mm.", "Correct the header: each spacing must be positive."
        )
