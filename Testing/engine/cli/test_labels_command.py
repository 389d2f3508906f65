"""``pedseg labels merge``: the organs of several models in one label map."""

from __future__ import annotations

import json

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.image_file import read_label_map, write_label_map
from PediatricAbdomenSegLib.engine.cases.label_layers import read_label_layers
from PediatricAbdomenSegLib.engine.cases.roi_mask import ModelProvenance
from PediatricAbdomenSegLib.engine.cases.seg_nrrd import model_tags, write_seg_nrrd
from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import HEPATOBLASTOMA, organ_by_key

DEMONSTRATION = ModelProvenance("vessels", "2", "ab" * 32, "demonstration")
GRID = Geometry((4, 8, 8), np.diag([-1.0, -1.0, 3.0, 1.0]))
LIVER, SPLEEN, AORTA = (organ_by_key(key) for key in ("liver", "spleen", "abdominal_aorta"))


def labels_with(**columns: slice) -> LabelMap:
    """Organs that fill columns of the picture."""
    array = np.zeros(GRID.shape, np.uint8)
    for key, place in columns.items():
        array[:, :, place] = organ_by_key(key).label
    return LabelMap(array, GRID)


@pytest.fixture
def two_results(tmp_path):
    """A liver and a tumour in it; a spleen that claims part of the liver, and an aorta beside."""
    first, second = tmp_path / "first.nii.gz", tmp_path / "second.seg.nrrd"
    write_label_map(labels_with(liver=slice(0, 5), hepatoblastoma=slice(0, 1)), first)
    tags = model_tags(DEMONSTRATION)
    write_seg_nrrd(labels_with(spleen=slice(4, 6), abdominal_aorta=slice(6, 7)), second, (SPLEEN, AORTA), tags)
    return first, second


def test_what_a_model_made_stays_marked(pedseg, two_results, tmp_path):
    pedseg("labels", "merge", *two_results, "--output", tmp_path / "merged.seg.nrrd")
    (layer,) = read_label_layers(tmp_path / "merged.seg.nrrd")
    assert layer.models == {SPLEEN.label: DEMONSTRATION, AORTA.label: DEMONSTRATION}


@pytest.mark.parametrize("name", ["merged.nii.gz", "merged.seg.nrrd"])
def test_organs_of_two_models_come_into_one_label_map_without_the_tumour(pedseg, two_results, tmp_path, name):
    outcome = pedseg("labels", "merge", *two_results, "--output", tmp_path / name, "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out.splitlines()[-1])["result"]
    assert result["organs"] == ["spleen", "liver", "abdominal_aorta"]
    merged = read_label_map(tmp_path / name)
    assert merged.array[0, 0].tolist() == [0, *[LIVER.label] * 3, *[SPLEEN.label] * 2, AORTA.label, 0]
    assert HEPATOBLASTOMA.label not in merged.array


def test_the_order_of_a_bundle_comes_first(pedseg, two_results, a_model, tmp_path):
    manifest = json.loads((a_model / "bundle.json").read_text())
    assert {"liver", "spleen"} <= set(manifest["organs"].values())
    (a_model / "bundle.json").write_text(json.dumps(manifest | {"fusion_priority": ["liver", "spleen"]}))
    pedseg("labels", "merge", *two_results, "--output", tmp_path / "merged.nii.gz", "--model", "toy")
    assert read_label_map(tmp_path / "merged.nii.gz").array[0, 0, 4] == LIVER.label


def test_label_maps_of_different_cts_are_refused_and_no_input_is_overwritten(pedseg, two_results, tmp_path):
    other = Geometry(GRID.shape, np.diag([-2.0, -2.0, 3.0, 1.0]))
    write_label_map(LabelMap(np.zeros(GRID.shape, np.uint8), other), tmp_path / "other.nii.gz")
    outcome = pedseg("labels", "merge", two_results[0], tmp_path / "other.nii.gz", "--output", tmp_path / "m.nii.gz")
    assert outcome.code == 3 and "other.nii.gz" in outcome.err and not (tmp_path / "m.nii.gz").exists()
    before = two_results[0].read_bytes()
    outcome = pedseg("labels", "merge", *two_results, "--output", two_results[0])
    assert outcome.code == 2 and "first.nii.gz" in outcome.err
    assert two_results[0].read_bytes() == before
