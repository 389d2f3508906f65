"""Enhanced CT: the frames of one file are the slices of a volume."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from ct_series_builder import ORIENTATIONS, hounsfield_pattern, write_series
from enhanced_ct_builder import write_enhanced
from itk_series import read_file_with_itk
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_choice import list_series
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.organs import organ_by_key


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_frames_are_the_slices_of_the_classic_series(tmp_path, orientation):
    classic = read_series(write_series(tmp_path / "classic", orientation=orientation))
    volume = read_series(write_enhanced(tmp_path / "enhanced" / "ct.dcm", orientation=orientation))
    assert np.array_equal(volume.array, classic.array)
    assert volume.geometry.is_close_to(classic.geometry, 1e-4)


def test_simpleitk_reads_the_same_volume(tmp_path):
    folder = write_enhanced(tmp_path / "ct" / "ct.dcm", orientation=ORIENTATIONS["oblique"])
    volume = read_series(folder)
    array, affine = read_file_with_itk(folder / "ct.dcm")
    assert np.array_equal(volume.array, array)
    assert np.allclose(volume.geometry.affine, affine, atol=1e-4)


def test_frames_in_any_order_are_sorted_where_simpleitk_keeps_them_mixed(tmp_path):
    folder = write_enhanced(tmp_path / "ct" / "ct.dcm", order=(3, 0, 4, 1, 2))
    volume = read_series(folder)
    assert np.array_equal(volume.array, hounsfield_pattern((5, 40, 48)))
    assert [one.frame_number for one in volume.references.slices] == [2, 4, 5, 1, 3]
    assert not np.array_equal(read_file_with_itk(folder / "ct.dcm")[0], volume.array)


def test_references_name_instance_and_frame(tmp_path):
    folder = write_enhanced(tmp_path / "ct" / "ct.dcm")
    header = pydicom.dcmread(folder / "ct.dcm")
    references = read_references(folder)
    assert references == read_series(folder).references
    assert {one.sop_instance_uid for one in references.slices} == {header.SOPInstanceUID}
    assert [one.frame_number for one in references.slices] == [1, 2, 3, 4, 5]


def test_contours_name_instance_and_frame(tmp_path):
    folder = write_enhanced(tmp_path / "ct" / "ct.dcm", order=(3, 0, 4, 1, 2))
    references = read_references(folder)
    mask = np.zeros((5, 40, 48), bool)
    mask[1:4, 10:20, 10:30] = True
    write_rtstruct(references, [RoiMask(organ_by_key("liver"), mask)], tmp_path / "rt.dcm")
    contours = pydicom.dcmread(tmp_path / "rt.dcm").ROIContourSequence[0].ContourSequence
    images = [contour.ContourImageSequence[0] for contour in contours]
    assert {image.ReferencedSOPInstanceUID for image in images} == {references.slices[0].sop_instance_uid}
    assert [image.ReferencedFrameNumber for image in images] == [4, 5, 1]


def test_each_frame_may_have_its_own_rescale(tmp_path):
    def change(index, frame):
        item = pydicom.Dataset()
        item.RescaleSlope, item.RescaleIntercept = 2, -1000 - index
        frame.PixelValueTransformationSequence = [item]

    volume = read_series(write_enhanced(tmp_path / "ct" / "ct.dcm", change=change))
    stored = hounsfield_pattern((5, 40, 48)).astype(int) + 1024
    assert np.array_equal(volume.array, 2 * stored - 1000 - np.arange(5)[:, None, None])


def test_a_series_split_into_several_multi_frame_files_is_one_volume(tmp_path):
    folder = write_enhanced(tmp_path / "ct" / "a.dcm", shape=(6, 40, 48), order=(0, 1, 2, 3, 4, 5))
    whole = read_series(folder)
    both = pydicom.dcmread(folder / "a.dcm")
    frames, pixels = list(both.PerFrameFunctionalGroupsSequence), both.PixelData
    for name, kept, instance in (("a.dcm", slice(0, 4), "1.2.3.1"), ("b.dcm", slice(4, 6), "1.2.3.2")):
        both.SOPInstanceUID = both.file_meta.MediaStorageSOPInstanceUID = instance
        both.PerFrameFunctionalGroupsSequence = frames[kept]
        both.NumberOfFrames = len(frames[kept])
        both.PixelData = pixels[kept.start * 40 * 48 * 2 : kept.stop * 40 * 48 * 2]
        both.save_as(folder / name)
    volume = read_series(folder)
    assert np.array_equal(volume.array, whole.array)
    assert [one.sop_instance_uid for one in volume.references.slices] == ["1.2.3.1"] * 4 + ["1.2.3.2"] * 2


def test_a_list_of_series_counts_frames(tmp_path):
    (summary,) = list_series(write_enhanced(tmp_path / "ct" / "ct.dcm"))
    assert (summary.images, summary.rows, summary.columns) == (5, 40, 48)


def test_a_frame_without_position_is_named(tmp_path):
    def change(index, frame):
        if index == 3:
            del frame.PlanePositionSequence

    with pytest.raises(InputError, match=r"ct\.dcm frame 4: Image Position \(Patient\) \(0020,0032\) is missing"):
        read_series(write_enhanced(tmp_path / "ct" / "ct.dcm", change=change))


def test_fewer_functional_groups_than_frames_are_an_error(tmp_path):
    folder = write_enhanced(tmp_path / "ct" / "ct.dcm")
    dataset = pydicom.dcmread(folder / "ct.dcm")
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:4]
    dataset.save_as(folder / "ct.dcm")
    with pytest.raises(InputError, match="Number of Frames.* is 5.*has 4 items"):
        read_series(folder)
