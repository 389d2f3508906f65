"""ROIs added to the structure set of another system, or put in place of single ones, leave all else as it is."""

from __future__ import annotations

import subprocess

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.roi_mask import ModelProvenance, RoiMask
from PediatricAbdomenSegLib.engine.cases.roi_names import organ_of_roi_name
from PediatricAbdomenSegLib.engine.cases.rtstruct_append import append_to_rtstruct
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import read_rtstruct
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import unique_names, write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES, organ_by_key

SHAPE = (5, 40, 48)
DEMONSTRATION = ModelProvenance("multi-organ", "1.2.0", "ab" * 32, "demonstration")
CLINICAL = ModelProvenance("liver", "3.1", "cd" * 32, "clinical")


def _mask(*rows: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[1:4, slice(*rows), 10:30] = True
    mask[2, rows[0] + 3, 15:18] = False
    return mask


def _roi(key, mask, model=DEMONSTRATION):
    return RoiMask(organ_by_key(key), mask, model=model)


@pytest.fixture
def references(tmp_path):
    return read_references(write_series(tmp_path / "ct", shape=SHAPE))


def _their_structure_set(references, path, change=lambda dataset: None, syntax=ImplicitVRLittleEndian):
    """An approved structure set of a planning system, with ROIs 3 "Leber" and 7 "Plan Ü"."""
    write_rtstruct(references, [_roi("liver", _mask(5, 20)), _roi("heart", _mask(22, 30))], path)
    dataset = pydicom.dcmread(path)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName = "Mustermann^Jürgen"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Planner Inc.", "Planner"
    dataset.StructureSetLabel, dataset.StructureSetDescription = "CT 12.5.24", "Dr. Größe"
    dataset.ApprovalStatus, dataset.ReviewDate, dataset.ReviewTime = "APPROVED", "20240512", "101010"
    dataset.ReviewerName = "Doe^Jane"
    dataset.private_block(0x3287, "Planner", create=True).add_new(1, "OB", b"\x01\x02\x03\x04")
    del dataset.ContributingEquipmentSequence
    for place, (number, name) in enumerate(((3, "Leber"), (7, "Plan Ü"))):
        dataset.StructureSetROISequence[place].ROINumber = number
        dataset.StructureSetROISequence[place].ROIName = name
        dataset.StructureSetROISequence[place].ROIGenerationAlgorithm = "MANUAL"
        dataset.ROIContourSequence[place].ReferencedROINumber = number
        dataset.RTROIObservationsSequence[place].ReferencedROINumber = number
        dataset.RTROIObservationsSequence[place].ObservationNumber = number
        for contour in dataset.ROIContourSequence[place].ContourSequence:
            contour.ContourData = [str(value) for value in contour.ContourData]
    change(dataset)
    dataset.file_meta.TransferSyntaxUID = syntax
    list(dataset.iterall())  # decodes, so that big endian can be written
    pydicom.dcmwrite(path, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return path


def _as_text(dataset, keyword, number):
    """What a dump shows of the item of a sequence that belongs to an ROI."""
    for item in dataset[keyword].value:
        if item.get("ROINumber", item.get("ReferencedROINumber")) == number:
            return str(item)
    raise AssertionError(f"no ROI {number}")


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_appended_rois_come_beside_the_others_which_stay_as_they_are(references, tmp_path, syntax):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm", syntax=syntax)
    summary = append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    before, after = pydicom.dcmread(existing), pydicom.dcmread(tmp_path / "ours.dcm")
    assert summary.roi_names == ("Spleen",)
    assert summary.notes == ("2 of the existing ROIs are kept: Leber, Plan Ü.",)
    assert [(roi.ROINumber, roi.ROIName) for roi in after.StructureSetROISequence] == [
        *((3, "Leber"), (7, "Plan Ü"), (8, "Spleen"))
    ]
    for keyword in ("StructureSetROISequence", "ROIContourSequence", "RTROIObservationsSequence"):
        for number in (3, 7):
            assert _as_text(after, keyword, number) == _as_text(before, keyword, number)
    for keyword in ("PatientName", "StudyInstanceUID", "FrameOfReferenceUID", "ReferencedFrameOfReferenceSequence"):
        assert after[keyword].value == before[keyword].value, keyword
    assert after[0x3287, 0x1001].value == b"\x01\x02\x03\x04"
    assert after.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian


def _contour_bytes(path) -> bytes:
    return pydicom.dcmread(path).ROIContourSequence[0].ContourSequence[0].get_item("ContourData").value


def test_contours_of_others_are_the_same_bytes(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    usual = _contour_bytes(existing)
    first, rest = usual.split(b"\\", 1)
    odd = b"\\".join([b"+1e1".ljust(len(first)), rest])
    existing.write_bytes(existing.read_bytes().replace(usual, odd))
    append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    assert _contour_bytes(tmp_path / "ours.dcm") == odd


def test_the_new_instance_is_unapproved_names_its_predecessor_and_whose_equipment_made_that(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    before, after = pydicom.dcmread(existing), pydicom.dcmread(tmp_path / "ours.dcm")
    assert after.SOPInstanceUID == after.file_meta.MediaStorageSOPInstanceUID != before.SOPInstanceUID
    assert after.SeriesInstanceUID != before.SeriesInstanceUID
    assert after.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == before.SOPInstanceUID
    assert after.ApprovalStatus == "UNAPPROVED"
    assert "ReviewerName" not in after
    theirs, ours = after.ContributingEquipmentSequence
    assert theirs.Manufacturer == "Planner Inc."
    assert DEMONSTRATION.sha256 in ours.ContributionDescription
    assert after.Manufacturer == "PediatricAbdomenSeg"


def test_a_demonstration_model_marks_the_whole_structure_set(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    dataset = pydicom.dcmread(tmp_path / "ours.dcm")
    assert dataset.StructureSetLabel.startswith("DEMO")
    assert "not for clinical use" in dataset.StructureSetDescription
    assert dataset.StructureSetDescription.endswith("Dr. Größe")


def test_the_mark_of_a_demonstration_stays_when_another_model_adds_to_it(references, tmp_path):
    write_rtstruct(references, [_roi("liver", _mask(5, 20))], tmp_path / "demo.dcm")
    append_to_rtstruct(
        references, [_roi("spleen", _mask(8, 15), CLINICAL)], tmp_path / "ours.dcm", tmp_path / "demo.dcm"
    )
    dataset = pydicom.dcmread(tmp_path / "ours.dcm")
    assert dataset.StructureSetLabel.startswith("DEMO") and dataset.SeriesDescription.startswith("DEMO")
    assert dataset.StructureSetLabel != pydicom.dcmread(tmp_path / "demo.dcm").StructureSetLabel


def test_the_label_of_others_goes_on_and_differs(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    append_to_rtstruct(references, [_roi("spleen", _mask(8, 15), CLINICAL)], tmp_path / "ours.dcm", existing)
    label = pydicom.dcmread(tmp_path / "ours.dcm").StructureSetLabel
    assert label.startswith("CT 12.5.2") and len(label) == 16


def test_a_replaced_roi_keeps_number_and_name_but_not_its_contours(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    masks = [_roi("spleen", _mask(8, 15)), _roi("liver", _mask(6, 12))]
    summary = append_to_rtstruct(references, masks, tmp_path / "ours.dcm", existing, replaced=["Leber"])
    assert summary.roi_names == ("Spleen", "Leber")
    assert summary.notes == ("1 of the existing ROIs is kept: Plan Ü.",)
    contents = read_rtstruct(tmp_path / "ours.dcm", references)
    assert {roi.name: roi.number for roi in contents.rois} == {"Leber": 3, "Plan Ü": 7, "Spleen": 8}
    masks = {roi.name: roi.mask for roi in contents.rois}
    assert np.array_equal(masks["Leber"], _mask(6, 12))
    assert np.array_equal(masks["Plan Ü"], _mask(22, 30))
    dataset = pydicom.dcmread(tmp_path / "ours.dcm")
    assert dataset.StructureSetROISequence[0].ROIGenerationAlgorithm == "AUTOMATIC"
    assert len(dataset.ROIContourSequence) == len(dataset.RTROIObservationsSequence) == 3
    numbers = [item.ObservationNumber for item in dataset.RTROIObservationsSequence]
    assert len(set(numbers)) == 3


def test_a_replaced_roi_keeps_its_name_as_it_was_written(references, tmp_path):
    def change(dataset):
        dataset.StructureSetROISequence[0].ROIName = " Leber"

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", change)
    append_to_rtstruct(references, [_roi("liver", _mask(6, 12))], tmp_path / "ours.dcm", existing, replaced=["Leber"])
    names = [
        pydicom.dcmread(path).StructureSetROISequence[0].get_item("ROIName").value
        for path in (existing, tmp_path / "ours.dcm")
    ]
    assert names[0] == names[1] == b" Leber"


def test_names_that_are_taken_are_counted_on_whatever_their_case(references, tmp_path):
    def change(dataset):
        dataset.StructureSetROISequence[0].ROIName = "SPLEEN"

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", change)
    summary = append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    assert summary.roi_names == ("Spleen_2",)


@pytest.mark.parametrize("style", ["tg263", "display", "short"])
def test_a_name_that_is_counted_on_keeps_its_organ_and_side(style):
    taken = []
    for _ in range(9):
        name_of = unique_names(style, taken)
        for organ in ALL_STRUCTURES:
            name = name_of(organ)
            assert organ_of_roi_name(name) == organ and len(name) <= (64 if style == "display" else 16)
            taken.append(name)
    assert len({name.casefold() for name in taken}) == 9 * len(ALL_STRUCTURES)


def test_two_rois_of_one_organ_cannot_both_be_replaced(references, tmp_path):
    def second_liver(dataset):
        dataset.StructureSetROISequence[1].ROIName = "Liver"

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", second_liver)
    with pytest.raises(UsageError, match="Leber and Liver are of the same organ"):
        append_to_rtstruct(
            references, [_roi("liver", _mask(6, 12))], tmp_path / "ours.dcm", existing, replaced=["Leber", "Liver"]
        )


@pytest.mark.parametrize(
    ("name", "message"), [("Milz", "no ROIs named Milz"), ("Plan Ü", "Which organ replaces the ROI Plan Ü")]
)
def test_a_roi_that_cannot_be_replaced_is_a_usage_error(references, tmp_path, name, message):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    with pytest.raises(UsageError, match=message):
        append_to_rtstruct(references, [_roi("liver", _mask(6, 12))], tmp_path / "x.dcm", existing, replaced=[name])
    assert not (tmp_path / "x.dcm").exists()


def test_nothing_to_replace_an_roi_with_is_an_error(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    with pytest.raises(InputError, match="replace Leber"):
        append_to_rtstruct(references, [_roi("spleen", _mask(6, 12))], tmp_path / "x.dcm", existing, replaced=["Leber"])


def test_another_patient_is_refused_without_saying_who(references, tmp_path):
    def change(dataset):
        dataset.PatientID = "Z-99"

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", change)
    with pytest.raises(InputError, match=r"another patient.*\(0010,0020\)") as raised:
        append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "x.dcm", existing)
    assert "Z-99" not in str(raised.value) and "P-1" not in str(raised.value)


def test_another_frame_of_reference_is_refused(references, tmp_path):
    other = read_references(write_series(tmp_path / "other", shape=SHAPE))
    existing = _their_structure_set(other, tmp_path / "theirs.dcm")
    with pytest.raises(InputError, match="frame of reference"):
        append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "x.dcm", existing)


def test_another_series_in_the_same_frame_is_referred_to_beside_the_first(references, tmp_path):
    def change(dataset):
        series = (
            dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
        )
        series.SeriesInstanceUID = generate_uid()
        for image in series.ContourImageSequence:
            image.ReferencedSOPInstanceUID = generate_uid()

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", change)
    summary = append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    frame = pydicom.dcmread(tmp_path / "ours.dcm").ReferencedFrameOfReferenceSequence[0]
    series = [one for study in frame.RTReferencedStudySequence for one in study.RTReferencedSeriesSequence]
    assert [len(one.ContourImageSequence) for one in series] == [5, 5]
    assert series[1].SeriesInstanceUID == references.series_instance_uid
    assert "did not refer" in summary.notes[-1]


def test_images_that_the_structure_set_left_out_are_added_to_those_it_refers_to(references, tmp_path):
    def change(dataset):
        study = dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
        del study.RTReferencedSeriesSequence[0].ContourImageSequence[1]

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", change)
    summary = append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    frame = pydicom.dcmread(tmp_path / "ours.dcm").ReferencedFrameOfReferenceSequence[0]
    ((series,),) = (study.RTReferencedSeriesSequence for study in frame.RTReferencedStudySequence)
    images = [image.ReferencedSOPInstanceUID for image in series.ContourImageSequence]
    assert sorted(images) == sorted(one.sop_instance_uid for one in references.slices)
    assert summary.notes[-1].endswith("1 image added.")


def test_a_structure_set_without_rois_takes_its_first(references, tmp_path):
    def change(dataset):
        dataset.StructureSetROISequence = []
        del dataset.ROIContourSequence, dataset.RTROIObservationsSequence

    existing = _their_structure_set(references, tmp_path / "theirs.dcm", change)
    summary = append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "ours.dcm", existing)
    assert summary.notes[0] == "0 of the existing ROIs are kept: none."
    (roi,) = read_rtstruct(tmp_path / "ours.dcm", references).rois
    assert (roi.number, roi.name, roi.color) == (1, "Spleen", organ_by_key("spleen").color)
    assert np.array_equal(roi.mask, _mask(8, 15))


def test_the_existing_file_may_be_the_one_that_is_written(references, tmp_path):
    existing = _their_structure_set(references, tmp_path / "theirs.dcm")
    append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], existing, existing)
    assert len(pydicom.dcmread(existing).StructureSetROISequence) == 3


def test_something_else_than_a_structure_set_is_refused(references, tmp_path):
    with pytest.raises(InputError, match="no RTSTRUCT"):
        append_to_rtstruct(references, [_roi("spleen", _mask(8, 15))], tmp_path / "x.dcm", references.slices[0].path)


def test_a_real_structure_set_becomes_a_valid_one_with_one_roi_more(shared_data, tmp_path, external_tool):
    folder = shared_data / "rt_utils_phantom" / "mock_data"
    references = read_references(folder)
    mask = np.zeros((2, 512, 512), bool)
    mask[:, 100:200, 100:220] = True
    mask[:, 150:160, 150:160] = False
    append_to_rtstruct(references, [_roi("liver", mask)], tmp_path / "ours.dcm", folder / "rt.dcm")
    dataset = pydicom.dcmread(tmp_path / "ours.dcm")
    assert [roi.ROIName for roi in dataset.StructureSetROISequence] == ["ROI-1", "Liver"]
    done = subprocess.run([external_tool("dciodvfy"), "-new", str(tmp_path / "ours.dcm")], capture_output=True)
    assert b"RTStructureSet" in done.stderr
    assert b"Error" not in done.stderr
