"""The planes people see: the right way round, at one scale, with the organs in their colours."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import ORGANS, organ_by_key
from PediatricAbdomenSegLib.engine.reporting.overlay import PLANES, cut_planes, draw_plane
from PediatricAbdomenSegLib.engine.reporting.preview import compose_preview

LIVER, SPLEEN, VERTEBRAE = (organ_by_key(key) for key in ("liver", "spleen", "vertebrae"))
SHAPE = (20, 60, 80)
LPS = np.diag([-2.0, -2.0, 5.0, 1.0])


def a_case(affine=LPS):
    """In LPS order: liver on the right, high; spleen on the left; vertebrae behind. The body fills the image."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[8:18, 10:40, 8:30] = LIVER.label
    labels[8:14, 20:30, 60:70] = SPLEEN.label
    labels[:, 45:55, 35:45] = VERTEBRAE.label
    array = np.full(SHAPE, 40, np.int16)
    geometry = Geometry(SHAPE, affine)
    return Volume(array, geometry, "CT"), LabelMap(labels, geometry)


def turned_upside_down(volume, label_map):
    """The same patient with the rows, columns and slices stored the other way."""
    affine = volume.geometry.affine @ np.diag([-1.0, -1.0, -1.0, 1.0])
    affine[:3, 3] = volume.geometry.to_ras(np.array(SHAPE) - 1)
    geometry = Geometry(SHAPE, affine)
    flip = (slice(None, None, -1),) * 3
    return Volume(volume.array[flip], geometry, "CT"), LabelMap(label_map.array[flip], geometry)


def centre(labels, organ):
    """(row, column) of an organ's centre as shares of the picture."""
    rows, columns = np.nonzero(labels == organ.label)
    return rows.mean() / labels.shape[0], columns.mean() / labels.shape[1]


@pytest.mark.parametrize("stored", ["as scanned", "turned"])
def test_planes_are_shown_as_radiologists_read_them(stored):
    case = a_case() if stored == "as scanned" else turned_upside_down(*a_case())
    planes = cut_planes(case[0], [case[1]])
    axial, coronal = planes.labels["axial"][0], planes.labels["coronal"][0]
    assert centre(axial, LIVER)[1] < 0.5 < centre(axial, SPLEEN)[1]  # the patient's right on the left
    assert centre(axial, LIVER)[0] < centre(axial, VERTEBRAE)[0]  # anterior on top
    assert centre(coronal, LIVER)[0] < 0.5  # head on top
    sagittal = cut_planes(*case[:1], [case[1]], focus=VERTEBRAE.label).labels["sagittal"][0]
    assert centre(sagittal, VERTEBRAE)[1] > 0.5  # anterior on the left


def test_pixels_are_square_whatever_the_voxels_are():
    volume, label_map = a_case()
    planes = cut_planes(volume, [label_map])
    assert planes.size_mm("axial") == (120.0, 160.0) and planes.size_mm("coronal") == (100.0, 160.0)
    assert draw_plane(planes, "axial", ORGANS, 2.0).size == (320, 240)
    assert draw_plane(planes, "coronal", ORGANS, 2.0).size == (320, 200)


def test_an_organ_is_outlined_in_its_colour_and_the_ct_stays_visible_inside():
    volume, label_map = a_case()
    picture = np.asarray(draw_plane(cut_planes(volume, [label_map]), "axial", ORGANS, 2.0)).astype(int)
    near = np.abs(picture - np.array(LIVER.color)).sum(axis=2) < 40
    rows, columns = np.nonzero(near)
    assert (rows.min(), rows.max()) == pytest.approx((40, 159), abs=3)  # 10 and 40 voxels of 2 mm at 2 px a mm
    assert (columns.min(), columns.max()) == pytest.approx((32, 119), abs=3)
    assert not near[100, 75]


def test_a_ct_without_labels_is_shown_in_grey():
    volume, label_map = a_case()
    empty = LabelMap(np.zeros_like(label_map.array), label_map.geometry)
    planes = cut_planes(volume, [empty])
    for name in PLANES:
        assert np.ptp(np.asarray(draw_plane(planes, name, ORGANS, 1.0)).astype(int), axis=2).max() == 0


def test_a_focus_decides_the_planes():
    volume, label_map = a_case()
    label_map.array[2, 3:6, 74:77] = 20
    planes = cut_planes(volume, [label_map], focus=20)
    assert all((planes.labels[name][0] == 20).any() for name in PLANES)


def test_a_focus_that_is_not_there_falls_back_to_all_organs():
    volume, label_map = a_case()
    planes = cut_planes(volume, [label_map], focus=20)
    assert (planes.labels["axial"][0] == LIVER.label).any()


def test_the_picture_is_cropped_to_the_body():
    volume, label_map = a_case()
    volume.array[:] = -1000
    volume.array[:, 20:40, 30:60] = 40
    height_mm, width_mm = cut_planes(volume, [label_map]).size_mm("axial")
    assert (height_mm, width_mm) == (2 * (20 + 8), 2 * (30 + 8))  # a margin of 8 mm on each side


def test_a_volume_of_air_is_shown_whole():
    volume, label_map = a_case()
    volume.array[:] = -1000
    assert cut_planes(volume, [label_map]).size_mm("axial") == (120.0, 160.0)


def test_the_preview_carries_the_notice_in_every_plane():
    volume, label_map = a_case()
    plain = np.asarray(compose_preview(volume, label_map, ORGANS, "Model 1"))
    marked = np.asarray(compose_preview(volume, label_map, ORGANS, "Model 1", "NOT FOR CLINICAL USE"))
    changed = np.flatnonzero((plain != marked).any(axis=(0, 2)))
    assert plain.shape == marked.shape
    assert np.count_nonzero(np.diff(changed) > 20) >= 2  # three separate places across the picture


@pytest.mark.parametrize("spacing_z", [0.2, 40.0])
def test_very_flat_and_very_tall_volumes_still_fit(spacing_z):
    volume, label_map = a_case(np.diag([-2.0, -2.0, spacing_z, 1.0]))
    picture = compose_preview(volume, label_map, ORGANS, "Model 1", "NOTICE", {"liver": 1.0})
    assert picture.width == 1600 and picture.height < 1200
