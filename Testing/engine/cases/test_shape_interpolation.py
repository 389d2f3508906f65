"""Shapes between two contours."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.shape_interpolation import between


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (2.0, 0.5), (0.5, 2.0)], ids=str)
def test_half_way_between_two_discs_lies_the_disc_of_mean_radius_in_millimetres(spacing_mm):
    y, x = (np.arange(-20, 20, step) for step in spacing_mm)
    radius_mm = np.hypot(*np.meshgrid(y, x, indexing="ij"))
    found = between(radius_mm < 6, radius_mm < 14, 0.5, spacing_mm)
    assert found[radius_mm < 10 - 1.1].all()
    assert not found[radius_mm > 10 + 1.1].any()


def test_a_shape_and_nothing_have_nothing_between_them():
    shape = np.ones((4, 5), bool)
    assert not between(shape, ~shape, 0.5, (1.0, 1.0)).any()
