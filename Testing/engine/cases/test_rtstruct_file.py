"""What an RTSTRUCT says is taken as it is, noted where it is odd and refused where it would make a wrong contour."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import InputError, ResourceError, UsageError
from rtstruct_builder import on_slice, square, write_structure_set


@pytest.fixture
def a_ct(tmp_path):
    return read_references(write_series(tmp_path / "ct"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"1\\2\\x\\4\\5\\6\\7\\8\\9 ", "are not numbers"),
        (b"1\\2\\3\\4\\5\\6\\7\\8 ", "hold 8 numbers, no triplets"),
        (b"1\\2\\nan\\4\\5\\6\\7\\8\\9 ", "hold a coordinate beyond all bounds"),
        (b"1\\2\\1e30\\4\\5\\6\\7\\8\\9 ", "hold a coordinate beyond all bounds"),
        (b"1,5\\2\\3\\4\\5\\6\\7\\8\\9 ", "are not numbers"),
        (b"\xff\xfe\\2\\3", "are not numbers"),
    ],
)
def test_coordinates_that_are_none_are_refused_by_roi_and_tag(a_ct, tmp_path, raw, reason):
    path = tmp_path / "rt.dcm"
    outline = [(10.0, 11.0), (12.0, 13.0), (14.0, 15.0)]
    write_structure_set(path, a_ct, [("Liver", [on_slice(a_ct, 3, outline)])])
    contour = pydicom.dcmread(path).ROIContourSequence[0].ContourSequence[0]
    old = contour.get_item("ContourData").value
    path.write_bytes(path.read_bytes().replace(old, raw.ljust(len(old))))
    with pytest.raises(InputError, match=r"rt\.dcm: ROI 1 \(Liver\), contour 1: Contour Data \(3006,0050\) " + reason):
        read_rtstruct(path, a_ct)


def test_rois_not_asked_for_may_be_damaged(a_ct, tmp_path):
    good, bad = on_slice(a_ct, 3, square(5, 5, 9, 9)), on_slice(a_ct, 3, square(5, 5, 9, 9))
    rois = [("Bad", [bad]), ("Liver", [good])]

    def damage(dataset):
        dataset.ROIContourSequence[0].ContourSequence[0].ContourData = [1.0, 2.0]

    write_structure_set(tmp_path / "rt.dcm", a_ct, rois, damage)
    with pytest.raises(InputError, match=r"ROI 1 \(Bad\)"):
        read_rtstruct(tmp_path / "rt.dcm", a_ct)
    (roi,) = read_rtstruct(tmp_path / "rt.dcm", a_ct, names=["Liver"]).rois
    assert roi.mask.sum() == 25


def test_an_roi_that_is_not_there_is_a_usage_error(a_ct, tmp_path):
    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", [])])
    with pytest.raises(UsageError, match="no ROI Spleen"):
        read_rtstruct(tmp_path / "rt.dcm", a_ct, names=["Spleen"])


def test_equal_names_are_both_read_and_said(a_ct, tmp_path):
    drawn = [on_slice(a_ct, 3, square(5, 5, 9, 9))]
    write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", drawn), ("Liver", drawn)])
    contents = read_rtstruct(tmp_path / "rt.dcm", a_ct)
    assert [roi.mask.sum() for roi in contents.rois] == [25, 25]
    assert "Several ROIs have the same name: Liver." in contents.warnings


def test_equal_numbers_are_told_apart_by_their_order(a_ct, tmp_path):
    def renumber(dataset):
        for sequence, keyword in (
            (dataset.StructureSetROISequence, "ROINumber"),
            (dataset.ROIContourSequence, "ReferencedROINumber"),
            (dataset.RTROIObservationsSequence, "ReferencedROINumber"),
        ):
            setattr(sequence[1], keyword, 1)

    rois = [(name, [on_slice(a_ct, 3, square(5, 5, right, 9))]) for name, right in (("Liver", 9), ("Spleen", 10))]
    write_structure_set(tmp_path / "rt.dcm", a_ct, rois, renumber)
    contents = read_rtstruct(tmp_path / "rt.dcm", a_ct)
    assert [(roi.name, roi.mask.sum()) for roi in contents.rois] == [("Liver", 25), ("Spleen", 30)]


def test_equal_numbers_in_another_order_are_refused(a_ct, tmp_path):
    def renumber(dataset):
        dataset.StructureSetROISequence[1].ROINumber = 1

    rois = [(name, [on_slice(a_ct, 3, square(5, 5, 9, 9))]) for name in ("Liver", "Spleen")]
    write_structure_set(tmp_path / "rt.dcm", a_ct, rois, renumber)
    with pytest.raises(InputError, match="occur twice"):
        read_rtstruct(tmp_path / "rt.dcm", a_ct)


def test_items_of_rois_that_do_not_exist_are_left_out_and_said(a_ct, tmp_path):
    def orphan(dataset):
        dataset.ROIContourSequence[1].ReferencedROINumber = 77

    rois = [(name, [on_slice(a_ct, 3, square(5, 5, 9, 9))]) for name in ("Liver", "Spleen")]
    write_structure_set(tmp_path / "rt.dcm", a_ct, rois, orphan)
    contents = read_rtstruct(tmp_path / "rt.dcm", a_ct)
    assert [roi.mask.sum() for roi in contents.rois] == [25, 0]
    assert any("(77)" in warning for warning in contents.warnings)


def test_a_file_without_preamble_and_meta_header_is_read(a_ct, tmp_path):
    path = write_structure_set(tmp_path / "rt.dcm", a_ct, [("Liver", [on_slice(a_ct, 3, square(5, 5, 9, 9))])])
    dataset = pydicom.dcmread(path)
    bare = Dataset()
    bare.update(dataset)
    pydicom.dcmwrite(path, bare, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert path.read_bytes()[128:132] != b"DICM"
    assert read_rtstruct(path, a_ct).rois[0].mask.sum() == 25


def test_other_objects_and_files_are_refused(a_ct, tmp_path):
    with pytest.raises(InputError, match="is no RTSTRUCT"):
        read_rtstruct(a_ct.slices[0].path, a_ct)
    (tmp_path / "note.txt").write_text("not DICOM, but long enough to be taken for something that it is not " * 9)
    with pytest.raises(InputError):
        read_rtstruct(tmp_path / "note.txt", a_ct)
    with pytest.raises(ResourceError, match="cannot be read"):
        read_rtstruct(tmp_path / "missing.dcm", a_ct)
