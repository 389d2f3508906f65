"""A segmentation file for Slicer carries names, colours and terminology."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map
from PediatricAbdomenSegLib.engine.cases.seg_nrrd import terminology_entry, write_seg_nrrd
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES, HEPATOBLASTOMA, organ_by_key


@pytest.fixture
def a_label_map():
    labels = np.zeros((4, 6, 8), np.uint8)
    labels[1:3, 2:5, 1:4] = organ_by_key("liver").label
    labels[3, 5, 7] = HEPATOBLASTOMA.label
    return LabelMap(labels, Geometry(labels.shape, np.diag([-1.0, -1.5, 2.0, 1.0])))


def _header(path) -> dict[str, str]:
    lines = path.read_bytes().split(b"\n\n", 1)[0].decode().splitlines()[1:]
    pairs = (line.split(":=", 1) if ":=" in line else line.split(": ", 1) for line in lines if ":" in line[1:])
    return dict(pair for pair in pairs if len(pair) == 2)


def _edit(path, old: str, new: str) -> None:
    header, voxels = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(header.replace(old.encode(), new.encode()) + b"\n\n" + voxels)


def test_the_file_is_a_gzip_nrrd_in_lps(a_label_map, tmp_path):
    path = tmp_path / "segmentation.seg.nrrd"
    write_seg_nrrd(a_label_map, path, ALL_STRUCTURES)
    header = _header(path)
    assert header["space"] == "left-posterior-superior"
    assert header["encoding"] == "gzip"
    voxels = np.frombuffer(gzip.decompress(path.read_bytes().split(b"\n\n", 1)[1]), np.uint8)
    assert np.array_equal(voxels.reshape(4, 6, 8), a_label_map.array)


def test_each_structure_is_a_segment_with_name_colour_value_and_extent(a_label_map, tmp_path):
    path = tmp_path / "s.seg.nrrd"
    liver = organ_by_key("liver")
    write_seg_nrrd(a_label_map, path, [organ_by_key("spleen"), liver])
    header = _header(path)
    assert header["Segment1_ID"] == "liver"
    assert header["Segment1_Name"] == liver.display_name
    assert [round(255 * float(value)) for value in header["Segment1_Color"].split()] == list(liver.color)
    assert header["Segment1_LabelValue"] == str(liver.label)
    assert header["Segment1_Extent"] == "1 3 2 4 1 2"
    assert header["Segment0_Extent"] == "0 -1 0 -1 0 -1"
    assert "Segment2_ID" not in header


def test_terminology_has_the_seven_fields_slicer_expects():
    for organ in ALL_STRUCTURES:
        fields = terminology_entry(organ).split("~")
        assert len(fields) == 7
        assert all(field.count("^") == 2 for index, field in enumerate(fields) if index not in (0, 4))
    assert "~SCT^64033007^Kidney~SCT^7771000^Left~" in terminology_entry(organ_by_key("kidney_left"))


def test_tags_carry_the_model_and_keep_their_separators(a_label_map, tmp_path):
    path = tmp_path / "s.seg.nrrd"
    write_seg_nrrd(a_label_map, path, [organ_by_key("liver")], {"ModelName": "a|b:c", "ModelStatus": "demonstration"})
    tags = dict(tag.split(":", 1) for tag in _header(path)["Segment0_Tags"].split("|") if tag)
    assert tags["ModelName"] == "a/b;c"
    assert tags["ModelStatus"] == "demonstration"
    assert tags["TG263"] == organ_by_key("liver").tg263_name


def test_labels_come_back(a_label_map, tmp_path):
    path = tmp_path / "s.seg.nrrd"
    write_seg_nrrd(a_label_map, path, ALL_STRUCTURES)
    back = read_label_map(path)
    assert np.array_equal(back.array, a_label_map.array)
    assert back.geometry.is_close_to(a_label_map.geometry)


def test_segments_slicer_renumbered_come_back_as_their_organs(a_label_map, tmp_path):
    path = tmp_path / "s.seg.nrrd"
    swapped = np.select([a_label_map.array == 6, a_label_map.array == 20], [20, 6]).astype(np.uint8)
    write_seg_nrrd(LabelMap(swapped, a_label_map.geometry), path, ALL_STRUCTURES)
    _edit(path, "Segment5_LabelValue:=6", "Segment5_LabelValue:=20")
    _edit(path, "Segment19_LabelValue:=20", "Segment19_LabelValue:=6")
    assert np.array_equal(read_label_map(path).array, a_label_map.array)


def test_a_segment_that_is_no_organ_is_named(a_label_map, tmp_path):
    path = tmp_path / "s.seg.nrrd"
    write_seg_nrrd(a_label_map, path, [organ_by_key("liver")])
    for old, new in (("ID:=liver", "ID:=x"), ("OrganKey:liver", "Other:1"), ("Name:=Liver", "Name:=Tail")):
        _edit(path, old, new)
    with pytest.raises(InputError, match='"Tail" is no structure'):
        read_label_map(path)


def test_another_suffix_is_refused(a_label_map, tmp_path):
    with pytest.raises(UsageError, match=r"\.seg\.nrrd"):
        write_seg_nrrd(a_label_map, tmp_path / "s.nrrd", ALL_STRUCTURES)
