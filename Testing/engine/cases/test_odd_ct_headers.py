"""What archives keep in a CT's header must not cost a patient his contours: values of no use are passed over."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_seg import write_dicom_seg
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.organs import organ_by_key

ODD = [
    ("SeriesNumber", "IS", b"A12 "),
    ("SeriesNumber", "IS", b"1\\2 "),
    ("SeriesNumber", "IS", b"2147483647"),
    ("TimezoneOffsetFromUTC", "SH", b"+9999 "),
    ("SliceThickness", "DS", b"thin"),
    ("SliceThickness", "DS", b"-2"),
    ("PatientWeight", "DS", b"12,5"),
    ("PatientBirthDate", "DA", b"01.02.2019"),
    ("StudyTime", "TM", b"9:15"),
    ("PatientID", "UN", b"P-1 "),
    ("SpecificCharacterSet", "CS", b"FOO_1 "),
]


@pytest.fixture(params=ODD, ids=[f"{keyword} {value.decode().strip()}" for keyword, _, value in ODD])
def an_odd_ct(request, tmp_path):
    """References of a CT with one odd value in every header."""
    keyword, vr, value = request.param
    tag = Tag(tag_for_keyword(keyword))

    def change(index, dataset):
        dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)

    return read_references(write_series(tmp_path / "ct", change=change))


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # pydicom's about these very values
@pytest.mark.parametrize("write", [write_rtstruct, write_dicom_seg])
def test_the_export_is_written(an_odd_ct, write, tmp_path):
    mask = np.zeros((5, 40, 48), bool)
    mask[1:4, 5:20, 5:20] = True
    write(an_odd_ct, [RoiMask(organ_by_key("liver"), mask)], tmp_path / "out.dcm")
    dataset = pydicom.dcmread(tmp_path / "out.dcm")
    assert dataset.SeriesNumber in (1000, 1003)
    assert dataset.StudyInstanceUID == an_odd_ct.study_instance_uid
