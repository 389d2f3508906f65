from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelling_token import CancellingToken
from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.inference.preprocessing import LEAST_MARGIN_MM, MARGIN_MM, choose_part, prepare
from PediatricAbdomenSegLib.engine.inference.tiles import tile_count
from PediatricAbdomenSegLib.engine.models.nnunet_folder import NetworkPlan, read_network_plan
from toy_bundle import MODEL_SPACING_MM, make_child, make_plans, write_bundle


@pytest.fixture
def make_plan(tmp_path):
    """Build a plan of the toy network."""
    import torch

    def build(dimensions: int = 3, spacing_mm=MODEL_SPACING_MM, transpose=(0, 1, 2)) -> NetworkPlan:
        plans = make_plans(dimensions, spacing_mm, transpose)
        write_bundle(tmp_path, plans, {"0": {"placeholder": torch.zeros(1)}})
        return read_network_plan(tmp_path, next(iter(plans["configurations"])))

    return build


@pytest.mark.parametrize(
    ("dimensions", "spacing_mm", "transpose"),
    [
        (3, MODEL_SPACING_MM, (0, 1, 2)),
        (3, (4.0, 5.0, 6.0), (2, 0, 1)),
        (3, (20.0, 4.0, 4.0), (0, 1, 2)),
        (2, (4.0, 4.0), (0, 1, 2)),
    ],
)
def test_the_whole_field_is_preprocessed_as_stock_does_it(make_plan, tmp_path, dimensions, spacing_mm, transpose):
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    plan = make_plan(dimensions, spacing_mm, transpose)
    volume, _ = make_child()
    volume.array[:3] = 0  # nnU-Net crops to the non-zero box first
    plans = PlansManager(str(tmp_path / "plans.json"))
    stock, _, _ = DefaultPreprocessor(verbose=False).run_case_npy(
        volume.array[None].astype(np.float32),
        None,
        {"spacing": list(volume.geometry.spacing_mm)},
        plans,
        plans.get_configuration(plan.configuration),
        {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}, "file_ending": ".nii.gz"},
    )
    case = prepare(volume, plan, whole_field=True)
    np.testing.assert_allclose(case.image, stock[0], atol=2e-5)


def test_the_crop_lies_on_the_whole_fields_grid(make_plan):
    plan = make_plan(spacing_mm=(4.0, 2.3, 2.3))
    volume, _ = make_child()
    whole, crop = prepare(volume, plan, whole_field=True), prepare(volume, plan)
    part = tuple(slice(axis.start, axis.stop) for axis in crop.axes)
    assert crop.image.size < whole.image.size
    np.testing.assert_allclose(crop.image, whole.image[part], atol=2e-5)


def test_the_table_is_cropped_away(make_plan):
    case = prepare(make_child()[0], make_plan(spacing_mm=(4.0, 2.0, 2.0)))
    low, high = case.axes[1].source_range()
    assert (high - low) * 3.0 < 160  # body 120 mm, margins, no room for a table 25 mm below


def test_a_field_without_a_body_is_used_whole(make_plan):
    volume, _ = make_child()
    case = prepare(replace(volume, array=np.full_like(volume.array, -1000)), make_plan())
    assert [axis.source_range() for axis in case.axes] == [(0, size) for size in volume.array.shape]


def test_intensities_are_confined_to_the_models_window_first(make_plan):
    volume, _ = make_child()
    windowed = replace(volume, array=np.clip(volume.array, 0, 350))
    ours = prepare(volume, make_plan(), window_hu=(0.0, 350.0), whole_field=True)
    np.testing.assert_array_equal(ours.image, prepare(windowed, make_plan(), whole_field=True).image)
    assert prepare(volume, make_plan(), window_hu=(0.0, 350.0)).image.size < ours.image.size, "the crop saw the air"


def test_labels_return_to_the_place_they_came_from(make_plan):
    volume, _ = make_child()
    plan = make_plan(transpose=(1, 2, 0), spacing_mm=(4.0, 4.0, 4.0))
    case = prepare(volume, plan)
    ranges = [axis.source_range() for axis in case.axes]
    labels = np.zeros([high - low for low, high in ranges], np.uint8)
    inside = tuple(low - start for (low, _), (start, _) in zip(case.body, ranges, strict=True))
    labels[inside] = 7
    placed = case.to_volume_grid(labels)
    y, x, z = (low for low, _ in case.body)
    assert placed.shape == volume.array.shape
    assert np.argwhere(placed == 7).tolist() == [[z, y, x]]


def test_no_label_lies_beside_the_body(make_plan):
    volume, _ = make_child()
    case = prepare(volume, make_plan(spacing_mm=(4.0, 2.0, 2.0)))
    everywhere = np.full([high - low for low, high in (axis.source_range() for axis in case.axes)], 7, np.uint8)
    placed = np.argwhere(case.to_volume_grid(everywhere) == 7)
    for axis, (low, high) in enumerate(case.body):
        assert (placed[:, axis].min(), placed[:, axis].max() + 1) == (low, high)
    assert any(high - low < size for (low, high), size in zip(case.body, volume.array.shape, strict=True))


@given(
    size=st.integers(1, 300),
    tile=st.sampled_from([1, 16, 64]),
    spacing_mm=st.floats(0.5, 6),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_every_part_holds_the_body_with_its_least_margin_in_as_few_tiles_as_that_needs(size, tile, spacing_mm, ends):
    inside = (min(ends) * size, max(ends) * size)
    start, stop = choose_part(inside, size, tile, spacing_mm)
    least = LEAST_MARGIN_MM / spacing_mm
    assert 0 <= start < stop <= size or size == 0
    assert start <= max(0, inside[0] - least)
    assert stop >= min(size, inside[1] + least)
    assert stop - start >= min(tile, size)
    if tile > 1:
        needed = min(size, np.ceil(inside[1] + least) - np.floor(inside[0] - least))
        assert tile_count(stop - start, tile) <= tile_count(int(max(needed, 1)), tile)


def test_a_part_that_overshoots_its_tile_by_a_few_voxels_is_trimmed_to_it():
    wide = 2 * MARGIN_MM / 1.0
    assert choose_part((50, 50 + 64 - wide + 4), 200, 64, 1.0) == (37, 101)


def test_a_part_shorter_than_the_tile_grows_into_real_voxels():
    assert choose_part((5, 15), 200, 64, 2.0) == (0, 64)
    assert choose_part((90, 110), 200, 64, 3.0) == (68, 132)


def test_two_slices_are_prepared(make_plan):
    volume, _ = make_child(shape=(2, 40, 40), spacing_mm=(5.0, 4.0, 4.0))
    case = prepare(volume, make_plan())
    assert case.image.shape[0] == 2
    assert case.axes[0].source_range() == (0, 2)


@pytest.mark.parametrize("whole_field", [False, True])
def test_preparing_is_given_up_at_whatever_look_the_token_is_cancelled(make_plan, whole_field):
    volume, plan = make_child()[0], make_plan()
    patient = CancellingToken(at=0)
    prepare(volume, plan, whole_field=whole_field, check=patient.raise_if_cancelled)
    assert patient.looks > volume.array.shape[0], "each slice is an occasion"
    for at in (1, patient.looks // 2, patient.looks):
        token = CancellingToken(at)
        with pytest.raises(Cancelled):
            prepare(volume, plan, whole_field=whole_field, check=token.raise_if_cancelled)
        assert token.looks == at
