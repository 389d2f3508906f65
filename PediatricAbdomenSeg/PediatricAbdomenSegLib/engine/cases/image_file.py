"""CT volumes and label maps in NIfTI, NRRD and MetaImage files, by SimpleITK."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, ResourceError, UsageError
from ..geometry import LPS_TO_RAS, Geometry
from ..system_memory import CLOSE_OR_CROP
from ..wording import counted
from .atomic_file import replaced_when_complete
from .image_header import itk_reason, read_checked_information
from .nifti_header import non_finite_voxels
from .seg_nrrd_labels import relabelled
from .volume import LabelMap, ScalarMap, Volume

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_WRITABLE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
_INT16 = np.iinfo(np.int16)
_NIFTI_DATA_OFFSET = 352  # header of NIfTI-1 and four bytes of extension flags, as ITK writes it
_PROBE_BYTES = 1 << 20  # more than the rest of a block that the file may still have to itself
_OUT_OF_MEMORY = "Failed to allocate memory"  # in itk::MemoryAllocationError, which SimpleITK passes on as text only
_FASTEST_COMPRESSION = 1  # label maps shrink hundredfold at any level; higher ones only cost seconds


def is_image_file(path: Path) -> bool:
    """Whether the name of a file ends like an image format that `read_image` takes."""
    return Path(path).name.lower().endswith(IMAGE_SUFFIXES)


def read_image(path: Path) -> Volume:
    """Read a CT in Hounsfield units; floats are rounded, values beyond int16 clipped.

    Raises:
        InputError: no such file, not an image, not three-dimensional, absurd size, bad spacing, NaN or infinite
            voxels, or one value everywhere.
        ResourceError: memory does not suffice.
    """
    path = Path(path)
    array, geometry, _ = read_array(path)
    if np.issubdtype(array.dtype, np.floating):
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        if path.name.lower().endswith((".nii", ".nii.gz")):
            bad = max(bad, non_finite_voxels(path))
        if bad:
            raise InputError(
                f"{path}: NaN or infinite in {counted(bad, 'voxel')}.", "Replace them, for example by -1024 HU (air)."
            )
        array = np.rint(array)
    if array.min() == array.max():
        raise InputError(f"{path}: all voxels are {array.flat[0]}.", "Export the file again: it has no image content.")
    hounsfield = np.clip(array, _INT16.min, _INT16.max).astype(np.int16)
    return Volume(hounsfield, geometry, source=path.name)


def read_label_map(path: Path) -> LabelMap:
    """Read a label map with whole numbers from 0 to 255 as uint8.

    A segmentation saved by Slicer (``.seg.nrrd``) gets the label values of the organ table, see `relabelled`.

    Raises:
        InputError: as `read_image`, values that are not whole numbers from 0 to 255, a segment that is no organ, or
            segments that overlap; see `read_segment_layers` for these.
    """
    array, geometry, fields = read_array(Path(path), is_label_map=True)
    if array.ndim > 3:
        raise InputError(
            f"{path} has {array.shape[3]} layers of labels, which overlap.",
            "Export its segments as one label map; only contours and DICOM SEG can overlap.",
        )
    return LabelMap(relabelled(as_labels(array, path), fields, Path(path)), geometry)


def as_labels(array: np.ndarray, path: Path) -> np.ndarray:
    """The array as uint8; raises `InputError` unless it holds whole numbers from 0 to 255."""
    lowest, highest = array.min(), array.max()
    if not (np.isfinite([lowest, highest]).all() and lowest >= 0 and highest <= 255):
        raise InputError(
            f"{path}: labels run from {lowest} to {highest}; 0 to 255 are possible.", "Give a label map, not an image."
        )
    labels = array.astype(np.uint8)
    if np.issubdtype(array.dtype, np.floating) and not np.array_equal(labels, array):
        raise InputError(
            f"{path}: some labels are not whole numbers.",
            "Give a label map; resample label maps with nearest neighbour.",
        )
    return labels


def write_label_map(label_map: LabelMap, path: Path) -> None:
    """Write a label map as ``.nii.gz``, ``.nii``, ``.nrrd`` or ``.mha``, all or nothing, compressed if the format can.

    Raises:
        UsageError: another suffix.
        ResourceError: the file cannot be written.
    """
    write_itk_image(itk_image(label_map.array.astype(np.uint8, copy=False), label_map.geometry), Path(path))


def write_volume(volume: Volume, path: Path, compress: bool = False) -> None:
    """Write a CT volume as int16; formats, errors and atomicity as in `write_label_map`.

    Args:
        volume: the CT.
        path: where to; ``.nii.gz`` is always compressed.
        compress: smaller but slower.
    """
    write_itk_image(itk_image(volume.array.astype(np.int16, copy=False), volume.geometry), Path(path), compress)


def read_scalar_map(path: Path) -> ScalarMap:
    """Read numbers on a grid as float32. Raises as `read_image`, but any number may be a voxel's."""
    array, geometry, _ = read_array(Path(path))
    return ScalarMap(array.astype(np.float32, copy=False), geometry)


def write_scalar_map(scalar_map: ScalarMap, path: Path) -> None:
    """Write numbers on a grid as float32; formats, errors and atomicity as in `write_label_map`."""
    write_itk_image(itk_image(scalar_map.array.astype(np.float32, copy=False), scalar_map.geometry), Path(path))


def itk_image(array: np.ndarray, geometry: Geometry) -> sitk.Image:
    """SimpleITK image of a ``(z, y, x)`` array; the affine must be free of shear."""
    lps = LPS_TO_RAS @ geometry.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image


def write_itk_image(image: sitk.Image, path: Path, compress: bool = True) -> None:
    """Write a SimpleITK image all or nothing; see `write_label_map`."""
    if not path.name.lower().endswith(_WRITABLE_SUFFIXES):
        raise UsageError(f"{path.name} has no known image suffix.", f"Use one of {', '.join(_WRITABLE_SUFFIXES)}.")
    with replaced_when_complete(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), compress, _FASTEST_COMPRESSION if compress else -1)
        except RuntimeError as error:
            _require_space(temporary)
            raise OSError(errno.EIO, itk_reason(error)) from error
        _require_complete_nifti(image, temporary)


def _require_space(path: Path) -> None:
    """Append a little to a file that ITK could not write: where the disk is full the system itself says so now."""
    with path.open("ab") as file:
        file.write(bytes(_PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())


def _require_complete_nifti(image: sitk.Image, path: Path) -> None:
    """ITK's NIfTI writer only prints to stderr when the disk is full, so compare the sizes."""
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return
    expected = _NIFTI_DATA_OFFSET + image.GetNumberOfPixels() * image.GetSizeOfPixelComponent()
    if path.suffix == ".nii":
        written = path.stat().st_size
    else:
        with path.open("rb") as file:  # a gzip file ends with the uncompressed size modulo 2³² (RFC 1952)
            file.seek(-min(4, path.stat().st_size), os.SEEK_END)
            written = int.from_bytes(file.read(), "little")
        expected %= 2**32
    if written != expected:
        raise OSError(errno.ENOSPC, "the file was written incompletely")


def read_array(path: Path, is_label_map: bool = False) -> tuple[np.ndarray, Geometry, dict[str, str]]:
    """Voxels ``(z, y, x)``, or ``(z, y, x, layer)`` of a label map that has several, grid and the header's free fields.

    Raises as `read_image` where the file cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file.", "Check the path.")
    if not is_image_file(path):
        raise InputError(
            f"{path} is not an image file this software reads.", f"Give a file ending in {', '.join(IMAGE_SUFFIXES)}."
        )
    reader = read_checked_information(path, is_label_map)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        if _OUT_OF_MEMORY in str(error):
            raise ResourceError(
                f"The memory of this machine is not enough to read {path}: {reader.GetSize()[:3]} voxels.",
                CLOSE_OR_CROP,
            ) from error
        raise InputError(
            f"{path} cannot be read: {itk_reason(error)}.", "The file is truncated or damaged: copy or export it again."
        ) from error
    lps = np.eye(4)
    lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    lps[:3, 3] = image.GetOrigin()
    array = sitk.GetArrayFromImage(image)
    fields = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
    return array, Geometry(array.shape[:3], LPS_TO_RAS @ lps), fields
