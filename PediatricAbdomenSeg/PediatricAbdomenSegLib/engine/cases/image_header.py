"""Check what the header of an image file claims before any memory is allocated for it."""

from __future__ import annotations

import math
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from ..system_memory import available_memory_mb, require_memory
from .nifti_header import MAX_DEFLATE_RATIO, check_nifti

_MAX_VOXELS_PER_AXIS = 16384
_NRRD_HEADER_BYTES = 65536
_SEVERAL_IMAGES_HINT = "Give one three-dimensional CT per file."


def read_checked_information(path: Path, is_label_map: bool = False) -> sitk.ImageFileReader:
    """Read an image's header and check its dimension, size and spacing.

    Args:
        is_label_map: a single slice will do, and so will several components a voxel: the layers of a segmentation.

    Returns:
        A reader set to read one three-dimensional image (a trailing fourth axis of length one is dropped).

    Raises:
        InputError: empty, unreadable or truncated file, not three-dimensional, several components a voxel, absurd
            size, spacing that is zero, negative or not finite.
        ResourceError: the voxels do not fit into the free memory.
    """
    size_on_disk = path.stat().st_size
    if size_on_disk == 0:
        raise InputError(f"{path} is empty (0 bytes).", "Copy or export the file again.")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        check_nifti(path)
    if path.suffix.lower() in (".nrrd", ".nhdr"):
        _check_nrrd_spacing(path)
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
    if reader.GetNumberOfComponents() != 1 and not is_label_map:
        raise InputError(
            f"{path} has {reader.GetNumberOfComponents()} components a voxel; one is needed.", _SEVERAL_IMAGES_HINT
        )
    if not all(math.isfinite(length) and length > 0 for length in spacing[:3]):
        raise InputError(
            f"{path}: the voxel spacing is {spacing[:3]} mm.", "Correct the header: each spacing must be positive."
        )
    bytes_per_voxel = sitk.Image([1, 1], reader.GetPixelID()).GetSizeOfPixelComponent() * reader.GetNumberOfComponents()
    _check_size(path, size, bytes_per_voxel, size_on_disk)
    if min(size[:3]) < 2 and not is_label_map:
        raise InputError(f"{path} is a single slice, size {size}.", "Give a volume of at least two slices.")
    # ITK's image and numpy's copy of it exist side by side.
    needed_mb = 2 * bytes_per_voxel * math.prod(size) / 1e6
    what = f"Reading {path} ({' × '.join(map(str, size[:3]))} voxels)"
    require_memory(needed_mb, available_memory_mb(), what)
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
    if not detached and promised > size_on_disk * MAX_DEFLATE_RATIO:
        raise InputError(
            f"{path}: the header promises {promised} bytes ({size} voxels), "
            f"which {size_on_disk} bytes on disk cannot hold.",
            "The file is truncated or its header damaged: copy or export it again.",
        )


def _check_nrrd_spacing(path: Path) -> None:
    """ITK silently replaces a spacing of NaN, which in NRRD means unknown, by 1 mm."""
    with path.open("rb") as file:
        header = file.read(_NRRD_HEADER_BYTES).split(b"\n\n", 1)[0].decode("latin-1").lower()
    for line in header.splitlines():
        if line.startswith(("spacings:", "space directions:")) and "nan" in line:
            raise InputError(f"{path}: the voxel spacing is not known ({line}).", "Give each axis its spacing in mm.")
