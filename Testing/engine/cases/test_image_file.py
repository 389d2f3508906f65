"""Image files are read in patient space, refused when they cannot be used, and written completely or not at all."""

from __future__ import annotations

import gzip
import os
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from PediatricAbdomenSegLib.engine.cases.image_file import read_image, read_label_map, write_label_map, write_volume
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume
from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


@pytest.fixture
def an_oblique_geometry():
    cosine, sine = np.cos(0.4), np.sin(0.4)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-cosine, 0, sine], [0, -1, 0], [sine, 0, cosine]]) * [0.8, 1.2, 2.5]
    affine[:3, 3] = 12, -34, 56
    return Geometry((4, 5, 6), affine)


@pytest.fixture
def a_volume(an_oblique_geometry):
    rng = np.random.default_rng(0)
    return Volume(rng.integers(-1000, 1500, an_oblique_geometry.shape).astype(np.int16), an_oblique_geometry, "CT")


def _write(path, array, spacing=(1.0, 1.0, 1.0)):
    image = sitk.GetImageFromArray(array, isVector=False)
    image.SetSpacing([*spacing, *[1.0] * (image.GetDimension() - 3)][: image.GetDimension()])
    sitk.WriteImage(image, str(path))
    return path


def _patch_nifti(path, offset, layout, *values):
    """A copy of a .nii file with bytes of its header replaced."""
    content = bytearray(path.read_bytes())
    struct.pack_into(layout, content, offset, *values)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_volume_comes_back_in_its_place(tmp_path, a_volume, suffix):
    path = tmp_path / f"ct{suffix}"
    write_volume(a_volume, path)
    back = read_image(path)
    assert np.array_equal(back.array, a_volume.array)
    assert back.array.dtype == np.int16
    assert back.geometry.is_close_to(a_volume.geometry)
    assert back.source == path.name


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_label_map_comes_back_in_its_place(tmp_path, an_oblique_geometry, suffix):
    labels = np.arange(120, dtype=np.uint8).reshape(an_oblique_geometry.shape)
    write_label_map(LabelMap(labels, an_oblique_geometry), tmp_path / f"labels{suffix}")
    back = read_label_map(tmp_path / f"labels{suffix}")
    assert np.array_equal(back.array, labels)
    assert back.geometry.is_close_to(an_oblique_geometry)
    assert [path.name for path in tmp_path.iterdir()] == [f"labels{suffix}"]


def test_fractions_are_rounded_and_large_values_clipped(tmp_path):
    array = np.full((2, 2, 2), 10.6)
    array[0, 0] = -0.4, 1e6
    back = read_image(_write(tmp_path / "ct.nii.gz", array)).array
    assert back[0, 0].tolist() == [0, 32767]
    assert back[1, 1, 1] == 11


@pytest.mark.parametrize("name", ["ct.nrrd", "ct.nii", "ct.nii.gz"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_numbers_are_counted(tmp_path, value, name):
    array = np.zeros((2, 3, 4))
    array[0, 0, :2] = value, 5
    with pytest.raises(InputError, match=f"{re.escape(name)}: NaN or infinite in 1 voxel"):
        read_image(_write(tmp_path / name, array))


def test_a_constant_volume_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"all voxels are -1000"):
        read_image(_write(tmp_path / "ct.mha", np.full((2, 3, 4), -1000, np.int16)))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"ct{suffix}"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"0 bytes"):
        read_image(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_text_file_under_an_images_name_is_refused(tmp_path, suffix):
    path = tmp_path / f"ct{suffix}"
    path.write_text("not an image " * 40)
    with pytest.raises(InputError, match=f"ct{suffix}"):
        read_image(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_refused(tmp_path, suffix):
    rng = np.random.default_rng(0)
    path = _write(tmp_path / f"ct{suffix}", rng.integers(0, 99, (8, 40, 40)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InputError, match=f"ct{suffix}"):
        read_image(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"ct\.nii is not a file"):
        read_image(tmp_path / "ct.nii")


def test_an_unknown_suffix_names_the_known_ones(tmp_path):
    (tmp_path / "ct.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"\.nii\.gz"):
        read_image(tmp_path / "ct.png")


def test_a_fourth_axis_of_one_is_dropped(tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(1, 2, 3, 4)
    path = _write(tmp_path / "ct.nii.gz", array)
    assert np.array_equal(read_image(path).array, array[0])


def test_a_time_series_is_refused_with_its_size(tmp_path):
    path = _write(tmp_path / "ct.nii.gz", np.zeros((3, 2, 4, 5), np.int16))
    with pytest.raises(InputError, match=r"4 dimensions, size \(5, 4, 2, 3\)"):
        read_image(path)


def test_a_picture_is_refused(tmp_path):
    path = _write(tmp_path / "ct.nrrd", np.zeros((8, 9), np.int16))
    with pytest.raises(InputError, match="2 dimensions"):
        read_image(path)


def test_a_single_slice_is_refused(tmp_path):
    path = _write(tmp_path / "ct.nrrd", np.arange(72, dtype=np.int16).reshape(1, 8, 9))
    with pytest.raises(InputError, match="single slice"):
        read_image(path)


@pytest.mark.parametrize("spacing", [0.0, -1.5, float("nan"), float("inf")])
def test_a_nifti_spacing_that_is_not_positive_is_named(tmp_path, spacing):
    path = _patch_nifti(_write(tmp_path / "ct.nii", np.zeros((2, 3, 4), np.int16)), 84, "<f", spacing)
    with pytest.raises(InputError, match="spacing"):
        read_image(path)


@pytest.mark.parametrize("spacing", ["0", "nan", "-1"])
def test_an_nrrd_or_mha_spacing_that_is_not_positive_is_refused(tmp_path, spacing):
    array = np.arange(24, dtype=np.int16)
    nrrd = tmp_path / "ct.nrrd"
    header = (
        f"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nspacings: 1 {spacing} 1\nendian: little\nencoding: raw\n\n"
    )
    nrrd.write_bytes(header.encode() + array.tobytes())
    mha = tmp_path / "ct.mha"
    header = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nElementSpacing = 1 {spacing} 1\n"
        "DimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    mha.write_bytes(header.encode() + array.tobytes())
    for path in (nrrd, mha):
        with pytest.raises(InputError, match=path.name.replace(".", r"\.")):
            read_image(path)


def test_an_absurd_size_is_refused_before_memory_is_taken(tmp_path):
    path = _patch_nifti(_write(tmp_path / "ct.nii", np.zeros((2, 3, 4), np.int16)), 42, "<3h", 9000, 9000, 9000)
    with pytest.raises(InputError, match="bytes on disk cannot hold"):
        read_image(path)
    packed = tmp_path / "packed.nii.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputError, match="bytes on disk cannot hold"):
        read_image(packed)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that keeps holes in files")
@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_a_volume_larger_than_the_memory_is_a_resource_error(tmp_path, suffix):
    path = tmp_path / f"huge{suffix}"
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkInt16), str(path))
    if suffix == ".nii":
        _patch_nifti(path, 40, "<4h", 3, 16000, 16000, 16000)
    else:
        path.write_bytes(path.read_bytes().replace(b"4 4 4", b"16000 16000 16000"))
    os.truncate(path, 2 * 16000**3 + path.stat().st_size)  # 8 TB, all of it a hole
    with pytest.raises(ResourceError, match=rf"huge{suffix} \(16000 × 16000 × 16000 voxels\)") as caught:
        read_image(path)
    assert "16384000 MB of memory, but only" in caught.value.message and caught.value.hint


@pytest.mark.parametrize(("value", "range_"), [(300, "0 to 300"), (-1, "-1 to 0")])
def test_labels_beyond_a_byte_are_refused(tmp_path, value, range_):
    array = np.zeros((2, 3, 4), np.int16)
    array[0, 0, 0] = value
    with pytest.raises(InputError, match=range_):
        read_label_map(_write(tmp_path / "labels.nii.gz", array))


def test_labels_with_fractions_are_refused(tmp_path):
    array = np.zeros((2, 3, 4), np.float32)
    array[0, 0, 0] = 1.5
    with pytest.raises(InputError, match="not whole numbers"):
        read_label_map(_write(tmp_path / "labels.nii.gz", array))


def test_an_unknown_suffix_is_not_written(tmp_path, a_volume):
    with pytest.raises(UsageError, match=r"\.nii\.gz"):
        write_volume(a_volume, tmp_path / "ct.xyz")


def test_missing_folders_are_made(tmp_path, a_volume):
    write_volume(a_volume, tmp_path / "new" / "folder" / "ct.nii.gz")
    assert (tmp_path / "new" / "folder" / "ct.nii.gz").is_file()


def test_a_folder_that_cannot_be_made_is_a_resource_error(tmp_path, a_volume):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_volume(a_volume, tmp_path / "file" / "ct.nii.gz")


_FILL_THE_DISK = """
import resource, sys
import numpy as np
from pathlib import Path
from PediatricAbdomenSegLib.engine.cases.image_file import write_label_map
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.geometry import Geometry
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
labels = np.random.default_rng(0).integers(0, 200, (20, 50, 50)).astype(np.uint8)
try:
    write_label_map(LabelMap(labels, Geometry(labels.shape, np.eye(4))), Path(sys.argv[1]))
except ResourceError:
    sys.exit(55)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes by a POSIX call")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_cannot_grow_is_an_error_and_leaves_nothing(tmp_path, repository, suffix):
    path = tmp_path / f"labels{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", _FILL_THE_DISK, str(path)], cwd=repository / "PediatricAbdomenSeg", capture_output=True
    )
    assert done.returncode == 55, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["example_ct.nii.gz", "example_mr_sm.nii.gz", "example_seg_dicom.nii.gz", "example_seg_fast_force_split.nii.gz"],
)
def test_public_images_are_read(shared_data, name):
    path = shared_data / "totalsegmentator_examples" / name
    read = read_label_map if "seg" in name else read_image
    assert read(path).array.max() > 40


def test_an_nrrd_of_absurd_size_is_refused(tmp_path):
    path = tmp_path / "ct.nrrd"
    path.write_bytes(
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 9000 9000 9000\nendian: little\nencoding: gzip\n\nxx"
    )
    with pytest.raises(InputError, match="bytes on disk cannot hold"):
        read_image(path)


def test_a_gzip_file_in_several_members_is_read(tmp_path):
    array = np.arange(240, dtype=np.int16).reshape(4, 6, 10)
    content = _write(tmp_path / "ct.nii", array).read_bytes()
    path = tmp_path / "members.nii.gz"
    path.write_bytes(gzip.compress(content[:500]) + gzip.compress(content[500:]))
    assert np.array_equal(read_image(path).array, array)
