"""What an RTSTRUCT says beside its contours, and what is refused; on contours see test_rtstruct_exactness."""

from __future__ import annotations

import subprocess
import warnings
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pydicom
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases import rtstruct_writer
from PediatricAbdomenSegLib.engine.cases.ct_header import missing_reference
from PediatricAbdomenSegLib.engine.cases.image_file import write_volume
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.roi_mask import ModelProvenance, RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_header import new_structure_set
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.series_references import read_references
from PediatricAbdomenSegLib.engine.errors import Cancelled, InputError, ResourceError, UsageError
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES, HEPATOBLASTOMA, organ_by_key
from rtstruct_judges import our_rasteriser, placed_contours, wrong_voxels

SHAPE = (7, 40, 48)
DEMONSTRATION = ModelProvenance("multi-organ", "1.2.0", "ab" * 32, "demonstration")
RESEARCH = ModelProvenance("hepatoblastoma-ct", "0.9", "cd" * 32, "research")


def _ring() -> np.ndarray:
    """A tube with an island in its hole, one slice of it with a notch."""
    y, x = np.indices(SHAPE[1:])
    distance = (y - 20) ** 2 + (x - 24) ** 2
    mask = np.zeros(SHAPE, bool)
    mask[1:6] = (distance < 15**2) & ~(distance < 8**2) | (distance < 9)
    mask[3, 18:22, 30:36] = False
    return mask


def _voxel() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[3, 5, 6] = True
    return mask


def _masks() -> list[RoiMask]:
    return [
        RoiMask(organ_by_key("liver"), _ring(), model=DEMONSTRATION),
        RoiMask(organ_by_key("kidney_left"), _voxel(), model=DEMONSTRATION),
        RoiMask(organ_by_key("spleen"), np.zeros(SHAPE, bool), model=DEMONSTRATION),
        RoiMask(HEPATOBLASTOMA, _voxel(), model=RESEARCH),
    ]


@pytest.fixture
def a_ct(tmp_path):
    return read_case(write_series(tmp_path / "ct", shape=SHAPE))


@pytest.fixture
def a_structure_set(a_ct, tmp_path):
    write_rtstruct(a_ct.references, _masks(), tmp_path / "rtstruct.dcm", software_version="9.8.7")
    return pydicom.dcmread(tmp_path / "rtstruct.dcm")


def test_patient_and_study_are_the_cts_in_its_character_set(a_structure_set, tmp_path):
    ct = pydicom.dcmread(tmp_path / "ct" / "slice0.dcm")
    assert str(a_structure_set.PatientName) == "Иванов^Пётр"
    for keyword in (
        *("SpecificCharacterSet", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "StudyInstanceUID"),
        *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription"),
        *("FrameOfReferenceUID", "PositionReferenceIndicator"),
    ):
        assert a_structure_set[keyword].value == ct[keyword].value, keyword


def test_every_write_is_an_object_and_a_series_of_its_own(a_ct, tmp_path):
    uids = []
    for name in ("a.dcm", "b.dcm"):
        write_rtstruct(a_ct.references, _masks(), tmp_path / name)
        dataset = pydicom.dcmread(tmp_path / name)
        uids += [dataset.SOPInstanceUID, dataset.SeriesInstanceUID]
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert len({*uids, a_ct.references.series_instance_uid}) == 5


def test_the_structure_set_refers_to_every_image_of_the_series(a_structure_set, a_ct):
    frame = a_structure_set.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert frame.FrameOfReferenceUID == a_ct.references.frame_of_reference_uid
    assert series.SeriesInstanceUID == a_ct.references.series_instance_uid
    referenced = [item.ReferencedSOPInstanceUID for item in series.ContourImageSequence]
    assert referenced == [one.sop_instance_uid for one in a_ct.references.slices]


def test_a_demonstration_model_shows_in_label_and_description(a_structure_set):
    assert a_structure_set.StructureSetLabel.startswith("DEMO")
    assert len(a_structure_set.StructureSetLabel) <= 16
    assert "DEMO" in a_structure_set.SeriesDescription
    assert "not for clinical use" in a_structure_set.StructureSetDescription
    assert a_structure_set.ApprovalStatus == "UNAPPROVED"


def test_a_research_model_is_no_demonstration(a_ct, tmp_path):
    write_rtstruct(a_ct.references, _masks()[3:], tmp_path / "rt.dcm")
    dataset = pydicom.dcmread(tmp_path / "rt.dcm")
    assert "DEMO" not in dataset.StructureSetLabel
    assert "Research use only" in dataset.StructureSetDescription


def test_each_roi_says_what_made_it(a_structure_set):
    rois = a_structure_set.StructureSetROISequence
    assert [roi.ROIName for roi in rois] == ["Liver", "Kidney_L", "GTV_Hepatobl"]
    assert [roi.ROINumber for roi in rois] == [1, 2, 3]
    assert {roi.ROIGenerationAlgorithm for roi in rois} == {"AUTOMATIC"}
    assert rois[0].ROIGenerationDescription == "multi-organ 1.2.0 (demonstration)"
    assert rois[2].ROIGenerationDescription == "hepatoblastoma-ct 0.9 (research)"


def test_observations_carry_type_code_and_side(a_structure_set):
    liver, kidney, tumour = a_structure_set.RTROIObservationsSequence
    assert [item.RTROIInterpretedType for item in (liver, kidney, tumour)] == ["ORGAN", "ORGAN", "GTV"]
    code = kidney.RTROIIdentificationCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("64033007", "SCT")
    assert code.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    (equivalent,) = code.EquivalentCodeSequence
    assert (equivalent.CodeValue, equivalent.CodingSchemeDesignator) == ("7205", "FMA")
    assert "EquivalentCodeSequence" not in tumour.RTROIIdentificationCodeSequence[0]
    assert all(len(item.ROIObservationLabel) <= 16 for item in (liver, kidney, tumour))


def test_equipment_names_software_and_both_bundles_with_their_hashes(a_structure_set):
    assert a_structure_set.SoftwareVersions == "9.8.7"
    first, second = a_structure_set.ContributingEquipmentSequence
    assert DEMONSTRATION.sha256 in first.ContributionDescription
    assert RESEARCH.sha256 in second.ContributionDescription


def test_all_twenty_structures_fit_in_one_file(a_ct, tmp_path):
    masks = [RoiMask(organ, _voxel()) for organ in ALL_STRUCTURES]
    for style in ("tg263", "display", "short"):
        summary = write_rtstruct(a_ct.references, masks, tmp_path / "rt.dcm", name_style=style)
        assert len(set(summary.roi_names)) == 20
        assert max(len(name) for name in summary.roi_names) <= 64


def test_the_same_organ_of_two_models_gets_two_names(a_ct, tmp_path):
    liver = organ_by_key("liver")
    masks = [RoiMask(liver, _ring(), model=DEMONSTRATION), RoiMask(liver, _voxel(), model=RESEARCH)]
    assert write_rtstruct(a_ct.references, masks, tmp_path / "rt.dcm").roi_names == ("Liver", "Liver_2")


def test_structures_of_one_label_map_share_its_array(a_ct, tmp_path):
    labels = np.where(_ring(), 6, 0).astype(np.uint8)
    labels[_voxel()] = 4
    masks = [
        RoiMask(organ_by_key(key), labels, label_value=organ_by_key(key).label) for key in ("liver", "kidney_left")
    ]
    assert write_rtstruct(a_ct.references, masks, tmp_path / "rt.dcm").roi_names == ("Liver", "Kidney_L")
    found = our_rasteriser(placed_contours(tmp_path / "rt.dcm", tmp_path / "ct"), SHAPE)
    assert wrong_voxels(found, {"Liver": _ring(), "Kidney_L": _voxel()}) == {}


def test_empty_masks_are_left_out_and_reported(a_ct, tmp_path):
    assert write_rtstruct(a_ct.references, _masks(), tmp_path / "rt.dcm").left_out == ("spleen",)


def test_only_empty_masks_are_an_error(a_ct, tmp_path):
    with pytest.raises(InputError, match="empty"):
        write_rtstruct(a_ct.references, _masks()[2:3], tmp_path / "rt.dcm")


def test_a_mask_of_another_shape_names_both(a_ct, tmp_path):
    wrong = RoiMask(organ_by_key("liver"), np.ones((7, 40, 47), bool))
    with pytest.raises(InputError, match=r"\(7, 40, 47\).*\(7, 40, 48\)"):
        write_rtstruct(a_ct.references, [wrong], tmp_path / "rt.dcm")


def test_an_image_file_has_nothing_to_refer_to(a_ct, tmp_path):
    write_volume(a_ct, tmp_path / "ct.nii.gz")
    with pytest.raises(InputError, match="not a DICOM series"):
        write_rtstruct(read_case(tmp_path / "ct.nii.gz").references, _masks(), tmp_path / "rt.dcm")


def test_an_unknown_name_style_names_the_choices(a_ct, tmp_path):
    with pytest.raises(UsageError, match="tg263, display or short"):
        write_rtstruct(a_ct.references, _masks(), tmp_path / "rt.dcm", name_style="long")


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_a_ct_without_uids_is_refused_by_name(tmp_path, keyword):
    def change(index, dataset):
        setattr(dataset, keyword, "")

    volume = read_case(write_series(tmp_path / "ct", shape=SHAPE, change=change))
    assert missing_reference(volume.references) is not None
    with pytest.raises(InputError, match=r"\(0020,000[DE]\) is missing"):
        write_rtstruct(volume.references, _masks(), tmp_path / "rt.dcm")


def test_optional_attributes_of_the_ct_may_be_missing(tmp_path, external_tool):
    def change(index, dataset):
        for keyword in (
            *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "SeriesNumber"),
            *("PatientAge", "SpecificCharacterSet", "FrameOfReferenceUID", "PositionReferenceIndicator", "PatientSex"),
        ):
            delattr(dataset, keyword)
        dataset.PatientName = ""

    volume = read_case(write_series(tmp_path / "ct", shape=SHAPE, change=change))
    frames = set()
    for _ in range(2):
        write_rtstruct(volume.references, _masks(), tmp_path / "rt.dcm")
        frames.add(pydicom.dcmread(tmp_path / "rt.dcm").FrameOfReferenceUID)
    assert len(frames) == 1
    done = subprocess.run([external_tool("dciodvfy"), "-new", str(tmp_path / "rt.dcm")], capture_output=True)
    assert b"Error" not in done.stderr


def test_writing_makes_no_warnings(a_ct, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_rtstruct(a_ct.references, _masks(), tmp_path / "rt.dcm")


def test_a_stopped_writer_leaves_nothing(a_ct, tmp_path):
    def stop(event):
        raise Cancelled()

    with pytest.raises(Cancelled):
        write_rtstruct(a_ct.references, _masks(), tmp_path / "out" / "rt.dcm", on_progress=stop)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_a_resource_error(a_ct, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError):
        write_rtstruct(a_ct.references, _masks(), tmp_path / "file" / "rt.dcm")


def test_a_name_that_its_character_set_does_not_allow_is_copied_byte_by_byte(tmp_path):
    def change(index, dataset):
        del dataset.SpecificCharacterSet
        dataset.add_new("PatientName", "PN", "Müller".encode("latin-1"))

    folder = write_series(tmp_path / "ct", shape=SHAPE, change=change)
    write_rtstruct(read_references(folder), _masks(), tmp_path / "rt.dcm")
    assert pydicom.dcmread(tmp_path / "rt.dcm").get_item("PatientName").value.strip() == "Müller".encode("latin-1")


def test_sequences_of_the_patient_module_are_copied_with_all_they_hold(tmp_path):
    def change(index, dataset):
        issuer = pydicom.Dataset()
        issuer.LocalNamespaceEntityID = "Clinic"
        other = pydicom.Dataset()
        other.PatientID, other.IssuerOfPatientIDQualifiersSequence = "P-2", [issuer]
        dataset.OtherPatientIDsSequence = [other]

    folder = write_series(tmp_path / "ct", shape=SHAPE, change=change)
    write_rtstruct(read_references(folder), _masks(), tmp_path / "rt.dcm")
    copied = pydicom.dcmread(tmp_path / "rt.dcm").OtherPatientIDsSequence[0]
    assert copied.PatientID == "P-2"
    assert copied.IssuerOfPatientIDQualifiersSequence[0].LocalNamespaceEntityID == "Clinic"


def test_times_are_those_of_the_cts_time_zone(tmp_path):
    def change(index, dataset):
        dataset.TimezoneOffsetFromUTC = "+1400"

    references = read_references(write_series(tmp_path / "ct", shape=SHAPE, change=change))
    noon = datetime(2024, 5, 10, 12, tzinfo=timezone.utc)
    dataset = new_structure_set(references, (), "1", noon)
    assert (dataset.StructureSetDate, dataset.StructureSetTime) == ("20240511", "020000")


def test_labels_of_structure_sets_are_short_and_differ(a_ct, tmp_path):
    labels = set()
    for name in ("a.dcm", "b.dcm"):
        write_rtstruct(a_ct.references, _masks(), tmp_path / name)
        labels.add(pydicom.dcmread(tmp_path / name).StructureSetLabel)
    assert len(labels) == 2
    assert all(label.startswith("DEMO") and len(label) <= 16 for label in labels)


def test_a_long_list_of_models_leaves_the_warning_in_the_description(a_ct, tmp_path):
    masks = [
        RoiMask(organ, _voxel(), model=ModelProvenance("x" * 60, f"1.{organ.label}", "ab", "demonstration"))
        for organ in ALL_STRUCTURES
    ]
    write_rtstruct(a_ct.references, masks, tmp_path / "rt.dcm")
    dataset = pydicom.dcmread(tmp_path / "rt.dcm")
    assert "not for clinical use" in dataset.StructureSetDescription
    assert len(dataset.StructureSetDescription) <= 1024
    for roi in dataset.StructureSetROISequence:
        assert roi.ROIGenerationDescription.endswith("(demonstration)")
        assert len(roi.ROIGenerationDescription) <= 64


def test_an_edited_roi_is_semiautomatic_and_says_so(a_ct, tmp_path):
    masks = [RoiMask(organ_by_key("liver"), _ring(), model=DEMONSTRATION, edited=True)]
    write_rtstruct(a_ct.references, masks, tmp_path / "rt.dcm")
    (roi,) = pydicom.dcmread(tmp_path / "rt.dcm").StructureSetROISequence
    assert roi.ROIGenerationAlgorithm == "SEMIAUTOMATIC"
    assert roi.ROIGenerationDescription == "multi-organ 1.2.0 (demonstration), edited"


def test_a_single_slice_is_written(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(1, 40, 48))
    mask = _ring()[3:4]  # a tube around an island: two contours
    masks = [RoiMask(organ_by_key(key), mask) for key in ("liver", "heart")]
    summary = write_rtstruct(read_references(folder), masks, tmp_path / "rt.dcm")
    written = [len(roi.ContourSequence) for roi in pydicom.dcmread(tmp_path / "rt.dcm").ROIContourSequence]
    assert written == [2, 2] and summary.contours == 4


def test_slices_of_a_filled_gap_get_no_contours_and_are_counted(tmp_path):
    folder = write_series(tmp_path / "ct", shape=SHAPE, change=lambda index, dataset: index != 3)
    references = replace(read_references(folder), grid_indices=(0, 1, 2, 4, 5, 6))
    summary = write_rtstruct(references, [RoiMask(organ_by_key("liver"), _ring())], tmp_path / "rt.dcm")
    assert summary.dropped_slices == 1
    assert "no image" in summary.notes[0]
    contours = pydicom.dcmread(tmp_path / "rt.dcm").ROIContourSequence[0].ContourSequence
    planes = {contour.ContourData[2] for contour in contours}
    assert planes == {one.position_mm[2] for one in references.slices[1:5]}


def test_a_mask_that_ends_before_the_last_image_is_refused(tmp_path):
    references = read_references(write_series(tmp_path / "ct", shape=(3, 40, 48)))
    mask = np.ones((4, 40, 48), bool)
    with pytest.raises(InputError, match="Give labels on exactly the grid"):
        write_rtstruct(
            replace(references, grid_indices=(0, 2, 4)), [RoiMask(organ_by_key("liver"), mask)], tmp_path / "rt.dcm"
        )


def test_points_beyond_what_slicerrt_takes_holes_out_of_are_said(a_ct, tmp_path, monkeypatch):
    monkeypatch.setattr(rtstruct_writer, "SLICER_RT_POINTS_PER_ROI", 100)
    monkeypatch.setattr(rtstruct_writer, "SLICER_RT_POINTS", 120)
    summary = write_rtstruct(a_ct.references, _masks(), tmp_path / "rt.dcm")
    assert [note.split()[0] for note in summary.notes] == ["Liver", "The"]
