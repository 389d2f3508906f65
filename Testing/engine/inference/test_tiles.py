from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.inference.tiles import (
    gaussian_weights,
    longest_axis_for,
    padding_to,
    tile_count,
    tile_starts,
)


@pytest.mark.parametrize("size", [64, 65, 96, 97, 110, 190, 301])
def test_tiles_start_where_stock_starts_them(size):
    from nnunetv2.inference.sliding_window_prediction import compute_steps_for_sliding_window

    assert list(tile_starts(size, 64)) == compute_steps_for_sliding_window((size,), (64,), 0.5)[0]


def test_an_axis_shorter_than_the_tile_has_one_tile():
    assert tile_starts(10, 64) == (0,)
    assert tile_count(10, 64) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("tile", [64, 15])
def test_one_voxel_more_than_the_longest_axis_needs_one_tile_more(count, tile):
    longest = longest_axis_for(count, tile)
    assert tile_count(longest, tile) == count
    assert tile_count(longest + 1, tile) == count + 1


@pytest.mark.parametrize("tile", [(16, 24, 20), (32, 48)])
def test_weights_are_stocks_gaussian(tile):
    import torch
    from nnunetv2.inference.sliding_window_prediction import compute_gaussian

    stock = compute_gaussian(tile, value_scaling_factor=10, device=torch.device("cpu")).float().numpy()
    np.testing.assert_array_equal(gaussian_weights(tile), stock)


def test_the_odd_padding_voxel_goes_above():
    assert padding_to((3, 96, 61), (8, 96, 64)) == ((2, 3), (0, 0), (1, 2))
