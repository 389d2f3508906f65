"""Tests of the display of a segmentation."""

from __future__ import annotations

import pytest
import slicer

from PediatricAbdomenSegLib.engine.errors import UsageError
from PediatricAbdomenSegLib.engine.organs import ORGANS, organs_of_type
from PediatricAbdomenSegLib.scene.display import (
    apply_preset,
    is_segment_visible,
    set_fill_opacity,
    set_segment_visible,
    show_3d,
)


def visible(segmentation) -> list[str]:
    return [organ.key for organ in ORGANS if is_segment_visible(segmentation, organ.key)]


def test_a_new_result_shows_outlines_with_a_faint_fill_and_nothing_in_3d(segmentation):
    display = segmentation.GetDisplayNode()
    assert display.GetVisibility2DOutline() and display.GetVisibility2DFill()
    assert display.GetOpacity2DFill() == 0.3
    assert not display.GetVisibility3D()
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    assert len(visible(segmentation)) == 19


@pytest.mark.parametrize("preset", ["type1", "type2"])
def test_a_preset_shows_organs_of_its_type_only(segmentation, preset):
    apply_preset(segmentation, preset)
    assert visible(segmentation) == [organ.key for organ in organs_of_type(preset)]


def test_pairs_are_organs_with_two_sides(segmentation):
    apply_preset(segmentation, "pairs")
    assert visible(segmentation) == [organ.key for organ in ORGANS if organ.key.endswith(("_left", "_right"))]


def test_only_the_selected_organ_is_shown_and_all_come_back(segmentation):
    apply_preset(segmentation, "selected", "liver")
    assert visible(segmentation) == ["liver"]
    apply_preset(segmentation, "all")
    assert len(visible(segmentation)) == 19


def test_a_preset_is_one_change_of_the_display_node(segmentation):
    events = []
    segmentation.GetDisplayNode().AddObserver("ModifiedEvent", lambda *_: events.append(1))
    apply_preset(segmentation, "type1")
    assert len(events) == 1


@pytest.mark.parametrize(("preset", "selected"), [("everything", None), ("selected", None)])
def test_an_impossible_preset_is_refused_and_changes_nothing(segmentation, preset, selected):
    with pytest.raises(UsageError):
        apply_preset(segmentation, preset, selected)
    assert len(visible(segmentation)) == 19


def test_a_structure_of_the_users_own_is_in_all_but_in_no_type(segmentation):
    segmentation.GetSegmentation().AddEmptySegment("Segment_1", "PTV")
    apply_preset(segmentation, "type1")
    assert not is_segment_visible(segmentation, "Segment_1")
    apply_preset(segmentation, "all")
    assert is_segment_visible(segmentation, "Segment_1")


def test_one_organ_can_be_hidden(segmentation):
    set_segment_visible(segmentation, "liver", False)
    assert "liver" not in visible(segmentation) and len(visible(segmentation)) == 18


@pytest.mark.parametrize(("wanted", "expected"), [(0.5, 0.5), (-1, 0.0), (2, 1.0)])
def test_fill_opacity_stays_between_none_and_full(segmentation, wanted, expected):
    set_fill_opacity(segmentation, wanted)
    assert segmentation.GetDisplayNode().GetOpacity2DFill() == expected


def test_surfaces_come_on_request_and_go_again(segmentation):
    show_3d(segmentation, True)
    surface = segmentation.GetSegmentation().GetSegment("liver").GetRepresentation("Closed surface")
    assert surface.GetNumberOfPoints() > 0
    assert segmentation.GetDisplayNode().GetVisibility3D()
    show_3d(segmentation, False)
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    assert not segmentation.GetDisplayNode().GetVisibility3D()


def test_a_segmentation_without_segments_cannot_be_shown_in_3d(scene):
    node = slicer.vtkMRMLSegmentationNode()
    scene.AddNode(node)
    with pytest.raises(UsageError, match="no segment"):
        show_3d(node, True)
