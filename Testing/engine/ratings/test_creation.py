from __future__ import annotations

import json
import re

import numpy as np
import pytest
from pydicom import dcmread

from label_map_builder import number_in, write_contours
from PediatricAbdomenSegLib.engine.cases.dicom_seg import write_dicom_seg
from PediatricAbdomenSegLib.engine.cases.label_layers import read_label_layers
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.roi_mask import ModelProvenance, RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.checksums import sha256_of_file
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.ratings.assignment_files import KEY_NAME, assign, read_key, with_sources
from PediatricAbdomenSegLib.engine.ratings.creation import create_study
from PediatricAbdomenSegLib.engine.ratings.plan import read_plan
from PediatricAbdomenSegLib.engine.ratings.study import STUDY_NAME, read_study


@pytest.fixture
def cases(a_plan, files):
    """The cases of the plan as JSON values, the first one changed."""

    def make(**changes):
        a_plan()
        values = json.loads((files / "plan.json").read_text("utf-8"))["cases"]
        values[0].update(changes)
        return values

    return make


def test_a_blinded_study_holds_the_contours_under_names_that_say_nothing(tmp_path, a_plan, files):
    folder = tmp_path / "study"
    study = create_study(folder, a_plan())
    key = read_key(folder)
    assert read_study(folder).sources == ()
    assert with_sources(read_study(folder), key) == study and len(study.sources) == 2
    assert [(each.case, each.source) for each in key.contours] == [
        (case, source) for case in ("C01", "C02") for source in ("model-a", "manual")
    ]
    for contour, number in zip(key.contours, (2, 3, 4, 5), strict=True):
        copy = folder / contour.segmentation.path
        assert re.fullmatch(r"[0-9a-f]{12}\.seg\.nrrd", copy.name) and copy.parent.name == "contours"
        assert number_in(copy) == number
    assert key.contours[1].original_sha256 == sha256_of_file(files / "child1" / "manual.nii.gz")
    assert study.cases[0].image.path == "../clinic/child1/ct"


def test_an_open_study_points_to_the_contours_where_they_are(tmp_path, a_plan):
    folder = tmp_path / "study"
    create_study(folder, a_plan(blinded=False))
    contour = read_key(folder).contours[1]
    assert contour.segmentation.path == "../clinic/child1/manual.nii.gz"
    assert contour.original_sha256 == contour.segmentation.sha256
    assert not (folder / "contours").exists()


def test_the_bundle_of_a_result_folder_is_found(tmp_path, a_plan, files):
    (files / "child1" / "result.json").write_text(json.dumps({"model": {"sha256": "cd" * 32}}))
    create_study(tmp_path / "study", a_plan(bundles={}))
    key = read_key(tmp_path / "study")
    assert [each.bundle_sha256 for each in key.contours] == ["cd" * 32, "cd" * 32, "", ""]


def test_an_rtstruct_is_known_by_its_uid(tmp_path, a_plan, files, cases):
    dataset = dcmread(files / "child1" / "ct" / "slice0.dcm")
    for element in (dataset, dataset.file_meta):
        name = "SOPClassUID" if element is dataset else "MediaStorageSOPClassUID"
        setattr(element, name, "1.2.840.10008.5.1.4.1.1.481.3")
    dataset.save_as(files / "rtstruct.dcm")
    values = cases(segmentations={"model-a": "rtstruct.dcm"})
    create_study(tmp_path / "study", a_plan(cases=values, blinded=False))
    segmentation = read_key(tmp_path / "study").contours[0].segmentation
    assert (segmentation.kind, segmentation.sop_instance_uid) == ("rtstruct", dataset.SOPInstanceUID)


def test_a_slicer_scene_can_be_case_and_contours(tmp_path, a_plan, files, cases):
    (files / "case.mrb").write_bytes(b"scene")
    values = cases(ct="case.mrb", segmentations={"manual": "case.mrb"})
    study = create_study(tmp_path / "study", a_plan(cases=values, blinded=False))
    assert study.cases[0].image.kind == "scene"
    assert read_key(tmp_path / "study").contours[0].segmentation.kind == "scene"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"pseudonym": "Johanna"}, "pseudonym"),
        ({"pseudonym": "case-mueller-1"}, "pseudonym"),
        ({"tumour_type": "renal, 481511"}, "tumour_type"),
        ({"age_group": "born 07.03.2019"}, "age_group"),
    ],
)
def test_a_patients_name_id_or_birth_date_in_the_plan_is_refused_without_being_repeated(
    tmp_path, a_plan, cases, changes, named
):
    with pytest.raises(InputError) as caught:
        create_study(tmp_path / "study", a_plan(cases=cases(**changes)))
    assert named in caught.value.message and "Case 1" in caught.value.message
    for secret in ("johanna", "mueller", "481511", "2019"):
        assert secret not in str(caught.value).lower()
    assert not (tmp_path / "study").exists()


def test_a_path_with_the_patients_name_is_refused(tmp_path, a_plan, files, cases):
    (files / "child1").rename(files / "Mueller_Johanna")
    moved = {"ct": "Mueller_Johanna/ct", "segmentations": {"manual": "Mueller_Johanna/manual.nii.gz"}}
    with pytest.raises(InputError, match="field ct"):
        create_study(tmp_path / "study", a_plan(cases=cases(**moved)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ct": "nowhere"}, "Case 1 of the plan, ct: There is no file"),
        ({"ct": "child1"}, None),
        ({"ct": "plan.json"}, "plan.json is no CT"),
        ({"segmentations": {"manual": "child1/nothing.nii.gz"}}, "Case 1 of the plan, manual: There is no file"),
        ({"segmentations": {"manual": "plan.json"}}, "plan.json holds no contours"),
        ({"segmentations": {"manual": "child1/ct/slice0.dcm"}}, "slice0.dcm holds no contours"),
        ({"segmentations": {"model-b": "child1/a.nii.gz"}}, "model-b"),
        ({"segmentations": {}}, "no segmentation"),
        ({"pseudonym": "c02"}, "twice"),
        ({"series": "1.2.3"}, "1.2.3"),
        ({"sexe": "F"}, "sexe"),
        ({"contrast": "yes"}, "contrast"),
        ({"absent_organs": ["nose"]}, "nose"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_before_anything_is_written(
    tmp_path, a_plan, cases, changes, named
):
    folder = tmp_path / "study"
    if named is None:  # a CT in a subfolder is found
        assert create_study(folder, a_plan(cases=cases(**changes))).cases[0].image.path == "../clinic/child1"
        return
    with pytest.raises(InputError) as caught:
        create_study(folder, a_plan(cases=cases(**changes)))
    assert named in str(caught.value)
    assert not folder.exists()


@pytest.mark.parametrize("kind", ["rtstruct", "dicom_seg"])
def test_no_file_of_a_blinded_study_says_whose_the_contours_are_or_of_whom(kind, tmp_path, a_plan, files, cases):
    volume = read_case(files / "child1" / "ct")
    mask = np.zeros(volume.array.shape, bool)
    mask[:, 1:3, 1:3] = True
    rois = [RoiMask(organ_by_key("liver"), mask, model=ModelProvenance("Alphanet", "1", "ab", "research"))]
    write = {"rtstruct": write_rtstruct, "dicom_seg": write_dicom_seg}[kind]
    write(volume.references, rois, files / "contours.dcm")
    written = (files / "contours.dcm").read_bytes()
    assert b"Johanna" in written and b"Alphanet" in written
    create_study(tmp_path / "study", a_plan(cases=cases(segmentations={"model-a": "contours.dcm"})), seed="1")
    assign(tmp_path / "study")
    (copy,) = (each.segmentation for each in read_key(tmp_path / "study").contours if each.case == "C01")
    (layer,) = read_label_layers(tmp_path / "study" / copy.path)
    np.testing.assert_array_equal(layer.label_map.array == organ_by_key("liver").label, mask)
    for path in (each for each in (tmp_path / "study").rglob("*") if each.is_file()):
        secrets = (b"model-a", b"Model A", b"manual", b"Manual") if path.name != KEY_NAME else ()
        for secret in (*secrets, b"Johanna", b"ller", b"481511", b"20190307", b"Alphanet", b"PediatricAbdomenSeg"):
            assert secret not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (lambda path: write_contours(path, organ="heart"), "C01, manual: .* none of the study's organs"),
        (lambda path: path.write_bytes(b"no label map"), "C01, manual: .*labels.nii.gz"),
    ],
)
def test_contours_that_a_rater_could_not_see_leave_no_study_behind(tmp_path, a_plan, files, cases, write, named):
    write(files / "labels.nii.gz")
    values = [cases()[1], cases(segmentations={"manual": "labels.nii.gz"})[0]]
    with pytest.raises(InputError, match=named):
        create_study(tmp_path / "study", a_plan(cases=values))
    assert not (tmp_path / "study").exists()


def test_a_plan_that_contradicts_itself_is_refused_before_a_ct_is_read(tmp_path, a_plan, cases):
    begun = []
    with pytest.raises(InputError, match='"raters" has one person'):
        create_study(tmp_path / "study", a_plan(raters=["RO-1", "ro 1"], cases=cases()), on_case=begun.append)
    assert begun == []


def test_a_plan_saved_by_windows_own_editor_is_read(files, a_plan):
    plan = a_plan()
    path = files / "plan.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_plan(path) == plan


def test_a_rater_with_the_name_of_a_patient_is_told_before_anything_is_scored(tmp_path, a_plan):
    with pytest.raises(InputError, match="field raters"):
        create_study(tmp_path / "study", a_plan(raters=["RO-1", "Dr. Müller"]))


def test_a_study_is_not_overwritten(a_study, a_plan):
    before = (a_study / STUDY_NAME).read_bytes()
    with pytest.raises(UsageError, match="holds a study already"):
        create_study(a_study, a_plan())
    assert (a_study / STUDY_NAME).read_bytes() == before
