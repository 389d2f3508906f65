"""What a rater sees of a case is what the file holds, whatever kind it is, and nothing of its names."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import pytest

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.cases.dicom_seg import write_dicom_seg
from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map, write_label_map, write_volume
from PediatricAbdomenSegLib.engine.cases.read_case import read_case
from PediatricAbdomenSegLib.engine.cases.roi_mask import RoiMask
from PediatricAbdomenSegLib.engine.cases.rtstruct_writer import write_rtstruct
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.ratings.case_contents import read_case_contours, read_case_image
from PediatricAbdomenSegLib.engine.worker.rating_case_job import prepare_rating_case
from PediatricAbdomenSegLib.engine.writer_mark import new_mark

SHAPE = (6, 40, 48)
LIVER, SPLEEN = organ_by_key("liver"), organ_by_key("spleen")
ORGANS = ("spleen", "liver")
MRML = """<MRML>
<Volume id="vtkMRMLScalarVolumeNode1" references="storage:vtkMRMLVolumeArchetypeStorageNode1;{transform}"/>
<VolumeArchetypeStorage id="vtkMRMLVolumeArchetypeStorageNode1" fileName="Data/Model%20A.nrrd"/>
<Segmentation id="vtkMRMLSegmentationNode1" references="storage:vtkMRMLSegmentationStorageNode1;"/>
<SegmentationStorage id="vtkMRMLSegmentationStorageNode1" fileName="Data/labels.nrrd"/>
</MRML>"""


@pytest.fixture
def a_ct(tmp_path):
    return read_case(write_series(tmp_path / "ct", shape=SHAPE))


@pytest.fixture
def masks():
    """Liver and spleen that overlap, and no flip or turn of which is the same."""
    liver, spleen = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    liver[1:5, 4:20, 6:30] = True
    spleen[2:4, 15:25, 20:40] = True
    return {"liver": liver, "spleen": spleen}


def labels_of(masks):
    return np.where(masks["spleen"], SPLEEN.label, masks["liver"] * LIVER.label).astype(np.uint8)


def shown(contours, organ):
    return np.any([layer.array == organ.label for layer in contours.layers], axis=0)


@pytest.mark.parametrize("kind", ["rtstruct", "dicom_seg"])
def test_organs_that_overlap_keep_all_their_voxels(kind, a_ct, masks, tmp_path):
    rois = [RoiMask(organ_by_key(key), mask) for key, mask in masks.items()]
    write = {"rtstruct": write_rtstruct, "dicom_seg": write_dicom_seg}[kind]
    write(a_ct.references, rois, tmp_path / "contours.dcm")
    contours = read_case_contours(tmp_path / "contours.dcm", kind, a_ct, ORGANS)
    assert (contours.organs, contours.unassigned, len(contours.layers)) == (ORGANS, 0, 2)
    lift = 0 if kind == "rtstruct" else _first_slice(contours.layers[0], a_ct)
    for organ in (LIVER, SPLEEN):
        seen = shown(contours, organ)
        whole = np.zeros(SHAPE, bool)
        whole[lift : lift + len(seen)] = seen
        np.testing.assert_array_equal(whole, masks[organ.key])


def _first_slice(layer, image):
    """A DICOM SEG holds only slices with a segment: where its grid begins in the CT."""
    index = image.geometry.to_index(layer.geometry.to_ras(np.zeros(3)))
    assert index[1:] == pytest.approx((0, 0), abs=1e-3)
    return round(float(index[0]))


def test_only_the_organs_asked_for_are_shown(a_ct, masks, tmp_path):
    write_label_map(LabelMap(labels_of(masks), a_ct.geometry), tmp_path / "labels.nii.gz")
    contours = read_case_contours(tmp_path / "labels.nii.gz", "label_map", a_ct, ["liver"])
    assert contours.organs == ("liver",)
    assert set(np.unique(contours.layers[0].array)) == {0, LIVER.label}


@pytest.fixture
def a_scene(a_ct, masks, tmp_path):
    """A scene as Slicer saves it, in one file or with its files beside it."""

    def make(suffix=".mrb", transform=""):
        folder = tmp_path / "scene"
        (folder / "Data").mkdir(parents=True)
        write_volume(a_ct, folder / "Data" / "Model A.nrrd")
        write_label_map(LabelMap(labels_of(masks), a_ct.geometry), folder / "Data" / "labels.nrrd")
        (folder / "scene.mrml").write_text(MRML.format(transform=transform))
        if suffix == ".mrml":
            return folder / "scene.mrml"
        with zipfile.ZipFile(tmp_path / "scene.mrb", "w") as archive:
            for path in folder.rglob("*"):
                archive.write(path, path.relative_to(tmp_path))
        return tmp_path / "scene.mrb"

    return make


@pytest.mark.parametrize("suffix", [".mrb", ".mrml"])
def test_a_scene_gives_its_ct_and_its_segmentation(suffix, a_scene, a_ct, masks):
    path = a_scene(suffix)
    image = read_case_image(path, "scene")
    contours = read_case_contours(path, "scene", image, ORGANS)
    np.testing.assert_array_equal(image.array, a_ct.array)
    np.testing.assert_array_equal(contours.layers[0].array, labels_of(masks))


def test_a_scene_whose_ct_was_moved_is_refused(a_scene):
    path = a_scene(transform="transform:vtkMRMLLinearTransformNode1;")
    with pytest.raises(InputError, match="under a transform"):
        read_case_image(path, "scene")


def test_a_damaged_scene_is_refused(tmp_path):
    (tmp_path / "scene.mrb").write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_case_image(tmp_path / "scene.mrb", "scene")


def test_of_a_scene_only_the_file_asked_for_is_unpacked_and_none_stays(a_scene, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    left = new_mark().split("-")
    (temporary / f"pedseg-scene-{left[0]}-{ended.pid}-{left[2]}-x").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    path, unpacked = a_scene(), []
    extract = zipfile.ZipFile.extract
    monkeypatch.setattr(zipfile.ZipFile, "extract", lambda *a: unpacked.append(a[1]) or extract(*a))
    read_case_image(path, "scene")
    assert unpacked == ["scene/Data/Model A.nrrd"]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["../../secret.nrrd", "/etc/secret.nrrd", "Data/gone.nrrd"])
def test_a_scene_in_one_file_refers_to_no_file_outside_of_it(name, a_scene, tmp_path):
    path = a_scene()
    with zipfile.ZipFile(path, "a") as archive:
        text = archive.read("scene/scene.mrml").decode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("scene/scene.mrml", text.replace("Data/Model%20A.nrrd", name))
    with pytest.raises(InputError, match="does not hold the file of its CT"):
        read_case_image(path, "scene")


def test_an_encrypted_scene_is_refused(a_scene):
    path = a_scene()
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = content.find(signature)
        while start >= 0:
            content[start + flags] |= 1
            start = content.find(signature, start + 4)
    path.write_bytes(content)
    with pytest.raises(InputError, match="encrypted"):
        read_case_image(path, "scene")


def test_prepared_files_have_names_that_say_nothing(a_ct, masks, tmp_path):
    path = tmp_path / "model-a.nii.gz"
    write_label_map(LabelMap(labels_of(masks), a_ct.geometry), path)
    result = prepare_rating_case(tmp_path / "ct", "dicom_series", "", path, "label_map", ORGANS, tmp_path / "out")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["contours-1.nrrd", "image.nrrd"]
    assert "model-a" not in json.dumps(result)
    assert result == {"image": "image.nrrd", "layers": ["contours-1.nrrd"], "organs": list(ORGANS), "unassigned": 0}
    np.testing.assert_array_equal(read_label_map(tmp_path / "out" / "contours-1.nrrd").array, labels_of(masks))
