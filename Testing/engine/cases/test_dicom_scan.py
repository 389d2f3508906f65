"""Files as hospital archives, media and de-identification leave them are found and read; broken ones are named."""

from __future__ import annotations

import os
import stat
import struct

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement

from ct_series_builder import hounsfield_pattern, write_series
from itk_series import read_with_itk
from PediatricAbdomenSegLib.engine.cases.dicom_file import is_dicom_file
from PediatricAbdomenSegLib.engine.cases.dicom_scan import scan_folder
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError

PATTERN = hounsfield_pattern((5, 40, 48))


def rewrite(folder, change):
    """Replace the bytes of every file by ``change(path, data set)``."""
    for path in sorted(folder.iterdir()):
        path.write_bytes(change(path, pydicom.dcmread(path)))
    return folder


def without_prefix(implicit_vr):
    """A data set without preamble, prefix and file meta information."""

    def change(path, dataset):
        buffer = pydicom.filebase.DicomBytesIO()
        del dataset.file_meta
        dataset.preamble = None
        pydicom.dcmwrite(buffer, dataset, implicit_vr=implicit_vr, little_endian=True, enforce_file_format=False)
        content = buffer.getvalue()
        assert content[128:132] != b"DICM"
        return content

    return change


@pytest.mark.parametrize("names", ["IM{:04d}".format, "{:03d}.IMA".format, "{:03d}.ima".format, "1.2.3.{}".format])
def test_files_in_subfolders_are_found_whatever_their_suffix(tmp_path, names):
    write_series(tmp_path / "study" / "deep", names=names)
    assert np.array_equal(read_series(tmp_path).array, PATTERN)


@pytest.mark.parametrize("implicit_vr", [True, False])
def test_files_without_preamble_and_prefix_are_read(an_axial_series, implicit_vr):
    rewrite(an_axial_series, without_prefix(implicit_vr))
    assert np.array_equal(read_series(an_axial_series).array, PATTERN)
    assert np.array_equal(read_case(sorted(an_axial_series.iterdir())[0]).array, PATTERN)


def test_a_preamble_without_file_meta_information_is_read(an_axial_series):
    change = without_prefix(True)
    rewrite(an_axial_series, lambda path, dataset: bytes(128) + b"DICM" + change(path, dataset))
    assert np.array_equal(read_series(an_axial_series).array, PATTERN)


def test_texts_and_pictures_are_no_dicom(tmp_path):
    for name, content in {
        "empty": b"",
        "short": b"\x08\x00",
        "text": b"Dear colleague, " * 20,
        "zeros": bytes(1000),
        "png": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "long first value": struct.pack("<HHI", 8, 5, 1 << 20) + bytes(200),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert not is_dicom_file(tmp_path / name), name
    assert scan_folder(tmp_path) == ()


def test_nothing_is_written_beside_files_on_read_only_media(an_axial_series):
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in an_axial_series.iterdir()}
    for path in an_axial_series.iterdir():
        path.chmod(stat.S_IRUSR)
    an_axial_series.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        folder_time = an_axial_series.stat().st_mtime_ns
        assert np.array_equal(read_series(an_axial_series).array, PATTERN)
        assert an_axial_series.stat().st_mtime_ns == folder_time
    finally:
        an_axial_series.chmod(stat.S_IRWXU)
    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in an_axial_series.iterdir()}


def sparse_header(index, dataset):
    del dataset.StudyID, dataset.PatientAge, dataset.PatientBirthDate, dataset.SliceThickness
    dataset.PatientPosition = ""


def private_tags(index, dataset):
    block = dataset.private_block(0x0021, "SCANNER VENDOR", create=True)
    block.add_new(0x10, "UN", bytes(range(256)) * 40)
    block.add_new(0x11, "SQ", [pydicom.Dataset()])
    dataset.add_new((0x0009, 0x1001), "OB", b"\x07" * 32)


def names_in_many_scripts(index, dataset):
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87", "ISO 2022 IR 149"][: 1 + index % 3]
    dataset.PatientName = "Yamada^Tarou"
    dataset.SeriesDescription = "Abdomen"


def utf_8(index, dataset):
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.SeriesDescription = "王^小东", "Bauch nativ – Schädel · 腹部"


def an_unknown_character_set(index, dataset):
    dataset.SpecificCharacterSet = "ISO_IR 999"
    dataset.PatientName = "Doe^Jane"


def another_thickness(index, dataset):
    dataset.SliceThickness = 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "change",
    [sparse_header, private_tags, names_in_many_scripts, utf_8, an_unknown_character_set, another_thickness],
)
def test_headers_of_real_archives_give_the_volume_simpleitk_gives(tmp_path, change):
    folder = write_series(tmp_path / "ct", change=change)
    volume = read_series(folder)
    assert np.array_equal(volume.array, PATTERN)
    array, affine = read_with_itk(folder)
    assert np.array_equal(volume.array, array)
    assert np.allclose(volume.geometry.affine, affine, atol=1e-4)


def wrong_vr(index, dataset):
    for keyword, vr in (("PixelSpacing", "LO"), ("ImagePositionPatient", "LO"), ("RescaleIntercept", "SH")):
        element = dataset[keyword]
        value = element.value
        text = [str(each) for each in value] if element.VM > 1 else str(value)
        dataset[keyword] = DataElement(element.tag, vr, text)


@pytest.mark.filterwarnings("ignore")
def test_numbers_under_a_wrong_vr_are_read_where_simpleitk_gives_up(tmp_path):
    folder = write_series(tmp_path / "ct", change=wrong_vr)
    assert np.array_equal(read_series(folder).array, PATTERN)
    with pytest.raises(RuntimeError):
        read_with_itk(folder)


@pytest.mark.parametrize("name", ["slice9.dcm", "slice9.IMA"])
@pytest.mark.parametrize(("content", "words"), [(b"", r"is empty"), (bytes(5000), r"is no DICOM file")])
def test_a_file_that_only_its_name_calls_dicom_is_named(an_axial_series, name, content, words):
    (an_axial_series / name).write_bytes(content)
    with pytest.raises(InputError, match=f"slice9.*{words}"):
        read_series(an_axial_series)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_links_to_nowhere_and_pipes_are_passed_by(an_axial_series):
    (an_axial_series / "gone").symlink_to(an_axial_series / "nowhere")
    os.mkfifo(an_axial_series / "pipe")
    assert len(scan_folder(an_axial_series)) == 5


def test_looking_through_a_folder_stops_when_the_progress_callback_raises(an_axial_series):
    calls = []

    def stop(event):
        calls.append(event)
        raise Cancelled()

    with pytest.raises(Cancelled):
        scan_folder(an_axial_series, stop)
    assert len(calls) == 1
