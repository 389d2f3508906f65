"""Whatever a header says: an error of ours, or the right volume."""

from __future__ import annotations

import struct
from contextlib import contextmanager

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword

from ct_series_builder import hounsfield_pattern, write_series
from enhanced_ct_builder import write_enhanced
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.series_choice import list_series
from PediatricAbdomenSegLib.engine.errors import PediatricAbdomenSegError

SHAPE = (4, 6, 8)
PATTERN = hounsfield_pattern(SHAPE)
# Attributes whose value decides neither voxels nor places: they may hold anything.
HARMLESS = [
    "PatientAge", "PatientBirthDate", "PatientSex", "PatientPosition", "StudyDate", "StudyInstanceUID", "SeriesNumber",
    "SeriesDescription", "ImageType", "SOPInstanceUID", "AcquisitionNumber", "SliceThickness", "SpecificCharacterSet",
]  # fmt: skip
DECISIVE = [
    "SOPClassUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "ImagePositionPatient", "Rows", "Columns",
    "ImageOrientationPatient", "PixelSpacing", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept",
]  # fmt: skip
EXPLICIT_VRS = [
    "AE",
    "AS",
    "CS",
    "DA",
    "DS",
    "FD",
    "FL",
    "IS",
    "LO",
    "PN",
    "SH",
    "SL",
    "SS",
    "ST",
    "TM",
    "UI",
    "UL",
    "US",
]
FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
texts = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1e400", "nan", "inf", "1\\2", "1\\2\\3", "0\\0\\0\\0\\0\\0", "abc", "1,5", "99999999999"]
    ),
    st.text(max_size=20).map(lambda text: text.replace("\0", "")),
)
values = st.one_of(texts.map(lambda text: text.encode("utf-8")[:60]), st.binary(max_size=12))


@pytest.fixture(scope="module")
def a_tiny_series(tmp_path_factory):
    """Four slices of 6 rows by 8 columns."""
    return write_series(tmp_path_factory.mktemp("tiny") / "ct", shape=SHAPE)


@pytest.fixture(scope="module")
def a_tiny_enhanced(tmp_path_factory):
    """The same as one multi-frame file."""
    return write_enhanced(tmp_path_factory.mktemp("tiny") / "ct" / "all.dcm", shape=SHAPE)


def volume_or_error(folder):
    """The volume, or None after an error of ours; any other error fails the test."""
    try:
        list_series(folder)
        return read_series(folder)
    except PediatricAbdomenSegError as error:
        assert error.message and "Иванов" not in str(error)
        return None


@contextmanager
def replaced(path, content):
    """A file with other content for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def with_raw_value(path, keyword, vr, value):
    """The content of a file with the bytes of one attribute replaced: pydicom would not write most of them."""
    content = path.read_bytes()
    dataset = pydicom.dcmread(path)
    start = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
    elements = {raw.tag: encoded(raw.tag, raw.VR, raw.value) for raw in dataset._dict.values()}
    assert b"".join(elements.values()) == content[start:]
    tag = pydicom.tag.Tag(tag_for_keyword(keyword))
    if value is None:
        elements.pop(tag, None)
    else:
        elements[tag] = encoded(tag, vr, value + b" " * (len(value) % 2))
    return content[:start] + b"".join(elements[tag] for tag in sorted(elements))


def encoded(tag, vr, value):
    """An element in explicit VR little endian."""
    value = value if isinstance(value, bytes) else str(value).encode()  # the character set is decoded on reading
    long_length = vr in ("OB", "OW", "SQ", "UN", "UT")
    form = "<HH2s2xI" if long_length else "<HH2sH"
    return struct.pack(form, tag.group, tag.element, vr.encode(), len(value)) + value


def an_attribute_of(keywords):
    """One of the attributes gets any value of any type in one of the slices; without a value it is missing."""
    return given(
        keyword=st.sampled_from(keywords),
        vr=st.sampled_from(EXPLICIT_VRS),
        value=st.none() | values,
        index=st.integers(0, 3),
    )


@pytest.mark.filterwarnings("ignore")
@FUZZ
@an_attribute_of(HARMLESS)
def test_attributes_that_decide_nothing_never_spoil_the_voxels(a_tiny_series, keyword, vr, value, index):
    path = sorted(a_tiny_series.iterdir())[index]
    with replaced(path, with_raw_value(path, keyword, vr, value)):
        volume = volume_or_error(a_tiny_series)
    assert volume is None or np.array_equal(volume.array, PATTERN)


@pytest.mark.filterwarnings("ignore")
@FUZZ
@an_attribute_of(DECISIVE)
def test_attributes_that_decide_are_refused_or_the_other_slices_are_right(a_tiny_series, keyword, vr, value, index):
    path = sorted(a_tiny_series.iterdir())[index]
    with replaced(path, with_raw_value(path, keyword, vr, value)):
        volume = volume_or_error(a_tiny_series)
    if volume is None:
        return
    corners = {tuple(np.round(one.position_mm, 3)): z for z, one in enumerate(volume.references.slices)}
    for z in set(range(SHAPE[0])) - {index}:
        at = corners[(-20.0, 30.0, -400.0 + 2 * z)]
        assert volume.references.grid_indices is None
        assert np.allclose(volume.geometry.to_ras((at, 0, 0)), (20, -30, -400 + 2 * z), atol=0.12)
        shown = volume.array[at]
        if shown.shape == PATTERN[z].shape:
            assert np.array_equal(shown, PATTERN[z])


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(data=st.data())
def test_a_file_cut_or_overwritten_anywhere_is_refused_or_only_its_own_values_change(a_tiny_series, data):
    path = sorted(a_tiny_series.iterdir())[1]
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(132, len(content) - 1), label="at")
    if data.draw(st.booleans(), label="cut"):
        content = content[:at]
    else:
        noise = data.draw(st.binary(min_size=1, max_size=8), label="noise")
        content[at : at + len(noise)] = noise
    with replaced(path, bytes(content)):
        volume = volume_or_error(a_tiny_series)
    if volume is not None:
        for index, one in enumerate(volume.references.slices):
            if one.path != path:
                assert np.array_equal(volume.array[index], PATTERN[int(one.path.stem[-1])])


@pytest.mark.filterwarnings("ignore")
@settings(FUZZ, max_examples=80)
@given(data=st.data())
def test_a_multi_frame_file_overwritten_anywhere_is_refused_or_read(a_tiny_enhanced, data):
    path = a_tiny_enhanced / "all.dcm"
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(132, len(content) - 1), label="at")
    noise = data.draw(st.binary(min_size=1, max_size=8), label="noise")
    content[at : at + len(noise)] = noise
    with replaced(path, bytes(content)):
        volume = volume_or_error(a_tiny_enhanced)
    assert volume is None or volume.array.size > 0
