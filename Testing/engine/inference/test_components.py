"""Tests of pieces of labels, compared with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from PediatricAbdomenSegLib.engine.inference.components import find_pieces


def test_pieces_are_those_of_scipy_with_full_connectivity():
    mask = np.random.default_rng(3).random((9, 14, 11)) < 0.05
    expected, count = ndimage.label(mask, structure=np.ones((3, 3, 3), bool))
    pieces = find_pieces(mask)
    assert len(pieces.voxels) == count
    assert sorted(pieces.voxels) == sorted(np.bincount(expected[mask])[1:])
    pairs = set(zip(expected[mask].tolist(), pieces.numbered[mask].tolist(), strict=True))
    assert len(pairs) == count
    assert not pieces.numbered[~mask].any()


@pytest.mark.parametrize("shape", [(3, 4, 5), (0, 4, 5)])
def test_an_empty_mask_has_no_pieces(shape):
    assert len(find_pieces(np.zeros(shape, bool)).voxels) == 0
