from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.inference.predictor import Slab
from PediatricAbdomenSegLib.engine.inference.resampling import AxisGrid, model_shape, resample_image, separate_axis
from PediatricAbdomenSegLib.engine.inference.streaming_resample import labels_on_source_grid

GRIDS = {
    "nearly isotropic": ((20, 31, 27), (3, 1.2, 1.1), (2, 1, 1)),
    "thick slices": ((14, 30, 28), (5, 1, 1), (2, 1.3, 1.3)),
    "thick model slices": ((20, 30, 28), (2, 1, 1), (6, 0.8, 0.8)),
    "two coarse axes": ((20, 30, 28), (2, 2, 0.5), (1, 1.1, 1)),
    "coarse along x": ((10, 12, 14), (1, 1, 5), (1, 2, 2)),
    "same slices": ((10, 12, 14), (4, 1, 1), (4, 2, 2)),
    "same grid": ((10, 12, 14), (4, 1, 1), (4, 1, 1)),
    "one slice": ((1, 12, 14), (2, 1, 1), (2, 1.5, 1.5)),
}


def whole_axes(shape, spacing_mm, new_mm, force=None):
    separate = separate_axis(spacing_mm, new_mm, force)
    label_separate = separate_axis(new_mm, spacing_mm, force)
    sizes = zip(shape, model_shape(shape, spacing_mm, new_mm), strict=True)
    axes = [
        AxisGrid(size, new, 0, new, 0 if axis == separate else 3, 0 if axis == label_separate else 1)
        for axis, (size, new) in enumerate(sizes)
    ]
    return axes, separate


@pytest.mark.parametrize("force", [None, True, False])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_an_image_is_resampled_as_stock_does_it(grid, force):
    from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape

    shape, spacing_mm, new_mm = grid
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    axes, separate = whole_axes(shape, spacing_mm, new_mm, force)
    new_shape = [axis.model_size for axis in axes]
    stock = resample_data_or_seg_to_shape(
        image[None], new_shape, spacing_mm, new_mm, order=3, order_z=0, force_separate_z=force
    )[0]
    needed = tuple(axis.image_weights()[1] for axis in axes)
    np.testing.assert_allclose(resample_image(image[needed], axes, separate), stock, atol=1e-5)


def test_a_part_of_the_grid_equals_the_whole_grids_part():
    image = np.random.default_rng(1).normal(size=(40, 60, 50)).astype(np.float32)
    whole = resample_image(image, [AxisGrid(40, 55, 0, 55), AxisGrid(60, 45, 0, 45), AxisGrid(50, 50, 0, 50)])
    axes = [AxisGrid(40, 55, 20, 37), AxisGrid(60, 45, 0, 21), AxisGrid(50, 50, 13, 50)]
    needed = tuple(axis.image_weights()[1] for axis in axes)
    part = resample_image(image[needed], axes)
    inside = np.abs(whole[20:37, :21, 13:] - part)
    assert inside.max() < 0.2  # where the spline overshoots, clipping sees the part's range only
    assert np.mean(inside < 1e-5) > 0.999


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
@pytest.mark.parametrize("slab", [1, 3, 100])
def test_streamed_labels_are_the_argmax_of_stocks_resampled_logits(grid, slab):
    import torch
    from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape

    shape, spacing_mm, new_mm = grid
    axes, _ = whole_axes(shape, spacing_mm, new_mm)
    model = [axis.model_size for axis in axes]
    logits = np.random.default_rng(2).normal(size=(4, *model)).astype(np.float32)
    stock = resample_data_or_seg_to_shape(logits, shape, new_mm, spacing_mm, order=1, order_z=0, force_separate_z=None)
    by_voxel = torch.from_numpy(np.moveaxis(logits, 0, -1).copy())
    slabs = (Slab(start, by_voxel[start : start + slab]) for start in range(0, model[0], slab))
    labels = labels_on_source_grid(slabs, axes)
    assert labels.shape == shape
    assert np.mean(labels == stock.argmax(0)) > 0.9999


def test_source_ranges_of_neighbouring_parts_neither_overlap_nor_leave_a_gap():
    for source, model in ((100, 37), (37, 100), (50, 50)):
        cuts = [0, 5, 6, 20, model]
        ranges = [AxisGrid(source, model, low, high).source_range() for low, high in zip(cuts, cuts[1:], strict=False)]
        if source >= model:
            assert [low for low, _ in ranges] + [source] == [0] + [high for _, high in ranges]
        assert ranges[0][0] == 0
        assert ranges[-1][1] == source


def test_a_ratio_of_exactly_three_is_not_anisotropic():
    assert separate_axis((3.0, 1.0, 1.0), (1.0, 1.0, 1.0)) is None
    assert separate_axis((3.01, 1.0, 1.0), (1.0, 1.0, 1.0)) == 0
