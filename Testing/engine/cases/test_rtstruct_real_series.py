"""RTSTRUCTs on series of real scanners come back to the voxel from every reader, new ones and appended ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

import rtstruct_judges as judges
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_append import append_to_rtstruct
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES, organ_by_key
from rtstruct_cases import structures


@pytest.fixture
def all_readers(tmp_path, external_tool, monkeypatch):
    """What each reader makes of an RTSTRUCT, by its name."""
    plastimatch = external_tool("plastimatch")

    def read(rtstruct: Path, ct: Path, shape: tuple[int, int, int]) -> dict[str, judges.Masks]:
        contours = judges.placed_contours(rtstruct, ct)
        folder = tmp_path / f"{rtstruct.stem} masks"
        return {
            "even-odd": judges.our_rasteriser(contours, shape),
            "SlicerRT's keyholes": judges.after_slicerrt_keyholes(contours, shape),
            "matplotlib": judges.matplotlib_paths(contours, shape),
            "plastimatch": judges.plastimatch(plastimatch, rtstruct, ct, folder / "or"),
            "plastimatch xor": judges.plastimatch(plastimatch, rtstruct, ct, folder / "xor", "--xor-contours"),
            "dcmrtstruct2nii": judges.dcmrtstruct2nii(rtstruct, ct, monkeypatch),
            "rt-utils": judges.rt_utils(rtstruct, ct, monkeypatch),
        }

    return read


def _labels_on(ct: Path, label_map: Path) -> np.ndarray:
    """Label values ``(z, y, x)`` on the grid of the CT, by ITK alone."""
    labels = sitk.ReadImage(str(label_map))
    image = sitk.Resample(labels, judges.itk_image(ct), sitk.Transform(), sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(image)


def _assert_exact(readers: dict[str, judges.Masks], masks: judges.Masks, but: tuple[str, ...] = ()) -> None:
    assert {name: judges.wrong_voxels(found, masks) for name, found in readers.items() if name not in but} == {
        name: {} for name in readers if name not in but
    }


def _written(ct: Path, masks, path: Path) -> judges.Masks:
    rois = [RoiMask(organ, mask) for organ, mask in zip(ALL_STRUCTURES, masks, strict=False)]
    return dict(zip(write_rtstruct(read_references(ct), rois, path).roi_names, masks, strict=False))


@pytest.fixture
def a_compressed_abdomen(shared_data, tmp_path) -> Path:
    """Twenty JPEG 2000 slices; whoever published them took most UIDs out."""
    folder = tmp_path / "ct"
    folder.mkdir()
    study, series = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
    for path in (shared_data / "totalsegmentator_examples" / "example_ct_dicom").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
        dataset.save_as(folder / path.name)
    return folder


def test_twenty_organs_on_a_compressed_abdomen(a_compressed_abdomen, shared_data, tmp_path, all_readers):
    labels = _labels_on(a_compressed_abdomen, shared_data / "totalsegmentator_examples" / "example_seg_dicom.nii.gz")
    largest = sorted(np.unique(labels)[1:], key=lambda value: -np.count_nonzero(labels == value))[:20]
    masks = _written(a_compressed_abdomen, [labels == value for value in largest], tmp_path / "rt.dcm")
    assert len(masks) == 20
    _assert_exact(all_readers(tmp_path / "rt.dcm", a_compressed_abdomen, labels.shape), masks)


def test_three_slices_with_liver_heart_and_spine(shared_data, tmp_path, all_readers):
    ct = shared_data / "dcmqi_liver3" / "ct-3slice"
    labels = [
        _labels_on(ct, shared_data / "dcmqi_liver3" / f"{name}_seg.nrrd") > 0 for name in ("liver", "heart", "spine")
    ]
    masks = _written(ct, labels, tmp_path / "rt.dcm")
    _assert_exact(all_readers(tmp_path / "rt.dcm", ct, labels[0].shape), masks)


@pytest.mark.parametrize("series", ["oriented_data", "one_slice_data"])
def test_oblique_slices_with_pixels_that_are_not_square(shared_data, tmp_path, all_readers, series):
    ct = tmp_path / "ct"
    shutil.copytree(shared_data / "rt_utils_phantom" / series, ct, ignore=shutil.ignore_patterns("*.txt"))
    shape = (len(list(ct.iterdir())), 50, 100)
    masks = _written(ct, list(structures(shape).values()), tmp_path / "rt.dcm")
    _assert_exact(all_readers(tmp_path / "rt.dcm", ct, shape), masks, but=("rt-utils",))  # takes rows for columns


def test_an_organ_appended_to_a_physical_phantoms_structure_set(shared_data, tmp_path, all_readers):
    ct = tmp_path / "ct"
    shutil.copytree(
        shared_data / "rt_utils_phantom" / "mock_data", ct, ignore=lambda _, names: {n for n in names if "rt" in n}
    )
    existing = shared_data / "rt_utils_phantom" / "mock_data" / "rt.dcm"
    shape = (2, 512, 512)
    liver = structures(shape)["five holes"]
    append_to_rtstruct(read_references(ct), [RoiMask(organ_by_key("liver"), liver)], tmp_path / "ours.dcm", existing)
    before, after = all_readers(existing, ct, shape), all_readers(tmp_path / "ours.dcm", ct, shape)
    _assert_exact(after, {"Liver": liver})
    for name, masks in before.items():
        assert judges.wrong_voxels(after[name], masks) == {}, name
