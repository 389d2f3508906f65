"""Raters of a blinded study get copies that differ in the contours and in nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_seg import write_dicom_seg
from PediatricAbdomenSegLib.engine.cases.image_file import itk_image, write_itk_image
from PediatricAbdomenSegLib.engine.cases.label_layers import read_label_layers, write_label_layers
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.ratings.case_contents import CaseContours
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.neutral_copy import write_neutral_copy

LIVER, SPLEEN = organ_by_key("liver"), organ_by_key("spleen")
SHAPE = (6, 40, 48)


@pytest.fixture
def a_ct(tmp_path):
    return read_case(write_series(tmp_path / "ct", shape=SHAPE))


@pytest.fixture
def labels():
    array = np.zeros(SHAPE, np.uint8)
    array[1:5, 4:20, 6:30] = LIVER.label
    array[2:4, 22:30, 31:40] = SPLEEN.label
    return array


@pytest.fixture
def contour_files(a_ct, labels, tmp_path):
    """The same contours as model, clinic, Slicer and archive would give them: source to file."""
    image = itk_image(labels, a_ct.geometry)
    write_itk_image(sitk.DICOMOrient(image, "RAI"), tmp_path / "turned.nii.gz")
    write_itk_image(image[5:42, 3:32, 1:5], tmp_path / "cropped.nrrd")
    single = [LabelMap(labels * (labels == organ.label), a_ct.geometry) for organ in (LIVER, SPLEEN)]
    write_label_layers(single, tmp_path / "layers.seg.nrrd")
    rois = [RoiMask(organ, labels == organ.label) for organ in (LIVER, SPLEEN)]
    write_rtstruct(a_ct.references, rois, tmp_path / "rtstruct.dcm")
    write_dicom_seg(a_ct.references, rois, tmp_path / "seg.dcm")
    names = ("turned.nii.gz", "cropped.nrrd", "layers.seg.nrrd", "rtstruct.dcm", "seg.dcm")
    return {name.split(".")[0]: tmp_path / name for name in names}


def test_the_same_contours_make_the_same_file_whatever_kind_of_file_they_came_in(
    contour_files, a_plan, files, tmp_path
):
    case = {"pseudonym": "C01", "ct": "../ct", "segmentations": {key: str(path) for key, path in contour_files.items()}}
    plan = a_plan(
        sources={key: f"Source {key}" for key in contour_files},
        bundles={},
        organs={"required": ["liver", "spleen"]},
        cases=[case],
    )
    create_study(tmp_path / "study", plan)
    copies = list((tmp_path / "study" / "contours").iterdir())
    assert len(copies) == len(contour_files)
    assert len({copy.read_bytes() for copy in copies}) == 1
    assert len({copy.stat().st_mtime_ns for copy in copies}) == 1


def test_organs_that_overlap_keep_their_voxels_in_layers_that_do_not_follow_the_files_order(a_ct, labels, tmp_path):
    spleen = np.zeros(SHAPE, np.uint8)
    spleen[2:4, 10:25, 20:40] = SPLEEN.label
    liver = labels * (labels == LIVER.label)
    layers = [LabelMap(each, a_ct.geometry) for each in (liver, spleen)]
    for order in (1, -1):
        copy = tmp_path / f"{order}.seg.nrrd"
        write_neutral_copy(CaseContours(tuple(layers[::order]), ("liver", "spleen")), a_ct.geometry, copy)
        first, second = read_label_layers(copy)
        np.testing.assert_array_equal(first.label_map.array, spleen)
        np.testing.assert_array_equal(second.label_map.array, liver)
    assert (tmp_path / "1.seg.nrrd").read_bytes() == (tmp_path / "-1.seg.nrrd").read_bytes()


def test_contours_of_another_place_in_the_patient_are_refused(a_ct, labels, tmp_path):
    affine = a_ct.geometry.affine.copy()
    affine[2, 3] += 500
    elsewhere = LabelMap(labels, type(a_ct.geometry)(SHAPE, affine))
    copy = tmp_path / "copy.seg.nrrd"
    with pytest.raises(InputError, match="No voxel of liver, spleen lies on the images"):
        write_neutral_copy(CaseContours((elsewhere,), ("liver", "spleen")), a_ct.geometry, copy)
    assert not copy.exists()
