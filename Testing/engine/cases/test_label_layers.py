"""Segments that overlap are read from the layers in which Slicer saves them, with the models their tags name."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map, write_label_map
from PediatricAbdomenSegLib.engine.cases.label_layers import read_label_layers, write_label_layers
from PediatricAbdomenSegLib.engine.cases.roi_mask import ModelProvenance
from PediatricAbdomenSegLib.engine.cases.seg_nrrd import write_seg_nrrd
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import HEPATOBLASTOMA, organ_by_key

SHAPE = (4, 6, 8)
LIVER, SPLEEN = organ_by_key("liver"), organ_by_key("spleen")
TAGS = {"Model": "toy", "ModelVersion": "1.2", "ModelSHA256": "ab", "ModelStatus": "demonstration"}


def _boxes() -> dict[int, np.ndarray]:
    """A tumour inside the liver, and a spleen beside it."""
    masks = {label: np.zeros(SHAPE, bool) for label in (LIVER.label, HEPATOBLASTOMA.label, SPLEEN.label)}
    masks[LIVER.label][1:3, 1:5, 1:5] = True
    masks[HEPATOBLASTOMA.label][1:3, 2:4, 2:4] = True
    masks[SPLEEN.label][1:3, 1:5, 6:8] = True
    return masks


@pytest.fixture
def a_layered_file(tmp_path):
    """As Slicer saves overlapping segments: label values start at 1 in each layer."""
    masks = _boxes()
    layers = np.zeros((*SHAPE, 2), np.uint8)
    layers[masks[LIVER.label], 0], layers[masks[SPLEEN.label], 0], layers[masks[HEPATOBLASTOMA.label], 1] = 1, 2, 1
    image = sitk.GetImageFromArray(layers, isVector=True)
    image.SetSpacing((1.0, 1.5, 2.0))
    tags = "".join(f"{key}:{value}|" for key, value in TAGS.items())
    for index, (name, value, layer) in enumerate(
        (("Liver", 1, 0), ("Spleen", 2, 0), ("Hepatoblastoma", 1, 1)),
    ):
        image.SetMetaData(f"Segment{index}_Name", name)
        image.SetMetaData(f"Segment{index}_LabelValue", str(value))
        image.SetMetaData(f"Segment{index}_Layer", str(layer))
        image.SetMetaData(f"Segment{index}_Tags", tags if name == "Hepatoblastoma" else "")
    path = tmp_path / "overlapping.seg.nrrd"
    sitk.WriteImage(image, str(path), True)
    header, voxels = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(header.replace(b"kinds: vector", b"kinds: list") + b"\n\n" + voxels)  # what Slicer writes
    return path


def test_overlapping_segments_keep_all_their_voxels(a_layered_file):
    first, second = read_label_layers(a_layered_file)
    for label, mask in _boxes().items():
        layer = second if label == HEPATOBLASTOMA.label else first
        assert np.array_equal(layer.label_map.array == label, mask)
    assert first.label_map.geometry.spacing_mm == (2.0, 1.5, 1.0)


def test_the_models_of_segments_are_those_of_their_tags(a_layered_file):
    model = ModelProvenance("toy", "1.2", "ab", "demonstration")
    assert read_label_layers(a_layered_file)[1].models == {HEPATOBLASTOMA.label: model}


def test_a_file_of_this_software_is_one_layer_with_its_model(tmp_path):
    labels = np.where(_boxes()[LIVER.label], np.uint8(LIVER.label), np.uint8(0))
    label_map = LabelMap(labels, Geometry(SHAPE, np.diag([-1.0, -1.5, 2.0, 1.0])))
    write_seg_nrrd(label_map, tmp_path / "a.seg.nrrd", [LIVER], TAGS)
    (layer,) = read_label_layers(tmp_path / "a.seg.nrrd")
    assert np.array_equal(layer.label_map.array, labels)
    assert layer.models[LIVER.label].status == "demonstration"


def test_a_plain_label_map_is_one_layer_of_unknown_origin(tmp_path):
    label_map = LabelMap(_boxes()[LIVER.label].astype(np.uint8), Geometry(SHAPE, np.eye(4)))
    write_label_map(label_map, tmp_path / "a.nii.gz")
    (layer,) = read_label_layers(tmp_path / "a.nii.gz")
    assert layer.models == {}


def test_a_label_map_of_one_slice_is_read(tmp_path):
    write_label_map(LabelMap(np.ones((1, 6, 8), np.uint8), Geometry((1, 6, 8), np.eye(4))), tmp_path / "a.nrrd")
    (layer,) = read_label_layers(tmp_path / "a.nrrd")
    assert layer.label_map.array.shape == (1, 6, 8)


def test_overlapping_segments_are_no_single_label_map(a_layered_file):
    with pytest.raises(InputError, match="2 layers"):
        read_label_map(a_layered_file)


def test_colours_are_no_layers(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((*SHAPE, 3), np.uint8), isVector=True), str(tmp_path / "rgb.nrrd"))
    with pytest.raises(InputError, match="3 components"):
        read_label_layers(tmp_path / "rgb.nrrd")


def test_a_label_beyond_the_organ_table_is_refused(tmp_path):
    write_label_map(LabelMap(np.full(SHAPE, 21, np.uint8), Geometry(SHAPE, np.eye(4))), tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match=r"a\.nii\.gz holds the label 21"):
        read_label_layers(tmp_path / "a.nii.gz")


def test_layers_that_are_written_come_back_and_name_nothing_but_organs(tmp_path):
    masks = _boxes()
    first, second = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    first[masks[LIVER.label]], first[masks[SPLEEN.label]] = LIVER.label, SPLEEN.label
    second[masks[HEPATOBLASTOMA.label]] = HEPATOBLASTOMA.label
    grid = Geometry(SHAPE, np.diag([2.0, 1.5, 1.0, 1.0]))
    for layers in ([first], [first, second]):
        write_label_layers([LabelMap(each, grid) for each in layers], tmp_path / "neutral.seg.nrrd")
        back = read_label_layers(tmp_path / "neutral.seg.nrrd")
        assert [each.models for each in back] == [{}] * len(layers)
        for given, layer in zip(layers, back, strict=True):
            np.testing.assert_array_equal(layer.label_map.array, given)
            np.testing.assert_allclose(layer.label_map.geometry.affine, grid.affine)
