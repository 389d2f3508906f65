"""What an export writes, decided without widgets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key

GEOMETRY = Geometry((2, 3, 4), np.eye(4))


@pytest.fixture
def plan(slicer_host):
    """The module under test, imported in the stand-in because its words are translatable."""
    from PediatricAbdomenSegLib.panel import export_plan

    return export_plan


def a_mask(key, *voxels):
    labels = np.zeros(GEOMETRY.shape, np.uint8)
    for voxel in voxels:
        labels[voxel] = 1
    return SimpleNamespace(organ=organ_by_key(key), labels=labels, label_value=1, mask=labels == 1, edited=False)


def test_organs_that_overlap_lie_in_different_label_maps(plan):
    masks = [a_mask("liver", (0, 0, 0), (0, 0, 1)), a_mask("spleen", (0, 1, 0)), a_mask("heart", (0, 0, 1))]
    first, second = plan.label_layers(masks, GEOMETRY)
    assert sorted(set(first.array.ravel())) == [0, 1, 6]
    assert sorted(set(second.array.ravel())) == [0, 7]


def test_only_asked_for_organs_with_voxels_are_exported_in_table_order(plan):
    masks = [a_mask("liver", (0, 0, 0)), a_mask("spleen", (0, 1, 0)), a_mask("heart")]
    found = plan.organs_to_export(masks, ["liver", "spleen", "heart"])
    assert [mask.organ.key for mask in found] == ["spleen", "liver"]
    with pytest.raises(InputError, match="None of the chosen organs"):
        plan.organs_to_export(masks, ["heart"])


@pytest.mark.parametrize(
    ("name", "stem"),
    [("CT segmentation 2", "CT_segmentation_2"), ("../a:b", "a_b"), ("Müller", "Müller"), ("?", "segmentation")],
)
def test_a_nodes_name_becomes_a_file_name(plan, name, stem):
    assert plan.safe_stem(name) == stem


def test_a_choice_without_folder_or_files_is_refused(plan, tmp_path):
    def choice(folder, **ticked):
        values = {"label_map_suffix": "", "seg_nrrd": False, "rtstruct": False, "name_style": "tg263", **ticked}
        return plan.ExportChoice(folder, "x", **values)

    with pytest.raises(UsageError, match="No folder"):
        plan.checked_choice(choice(Path(""), rtstruct=True))
    with pytest.raises(UsageError, match="Nothing is ticked"):
        plan.checked_choice(choice(tmp_path))
    assert [path.name for path in choice(tmp_path, rtstruct=True, label_map_suffix=".nrrd").paths()] == [
        "x_labels.nrrd",
        "x_rtstruct.dcm",
    ]


def test_names_follow_the_style(plan):
    organ = organ_by_key("kidney_left")
    assert [plan.named([organ], style)[0].display_name for style in plan.NAME_STYLES] == [
        "Kidney_L",
        "Left kidney",
        "Kidney_L",
    ]
