"""The body's outline holds lungs and bowel gas, and neither table nor blanket."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.body_outline import BODY, body_outline
from PediatricAbdomenSegLib.engine.cases.volume import Volume
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES

SHAPE = (20, 120, 140)


def _volume(array, spacing_mm=(3.0, 1.5, 1.5)):
    return Volume(array.astype(np.int16), Geometry(array.shape, np.diag([-1.5, -1.5, spacing_mm[0], 1.0])), "CT")


def _ellipse(centre, radii) -> np.ndarray:
    y, x = np.indices(SHAPE[1:])
    return ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 <= 1


@pytest.fixture
def a_child():
    """A trunk with lungs on a table under a thin blanket, in noise."""
    array = np.random.default_rng(0).normal(-1000, 15, SHAPE)
    array[:, _ellipse((55, 70), (35, 50))] = 30
    array[:8, _ellipse((50, 55), (15, 12))] = -850
    array[:, 96:98, 20:120] = 150
    array[:, 10:11, 30:110] = -100
    return array


def test_the_outline_is_the_skin(a_child):
    expected = np.broadcast_to(_ellipse((55, 70), (35, 50)), SHAPE)
    assert (body_outline(_volume(a_child)) != expected).sum() < 0.005 * expected.sum()


def test_table_and_blanket_are_outside_and_lungs_inside(a_child):
    outline = body_outline(_volume(a_child))
    assert not outline[:, 94:].any()
    assert not outline[:, :15].any()
    assert outline[:8, _ellipse((50, 55), (15, 12))].all()


def test_a_body_beyond_the_field_reaches_its_border():
    array = np.full(SHAPE, 20)
    array[:, :10] = -1000
    outline = body_outline(_volume(array))
    assert outline[:, 12:].all()
    assert not outline[:, :8].any()


def test_air_alone_has_no_body():
    with pytest.raises(InputError, match="No body"):
        body_outline(_volume(np.full(SHAPE, -1000)))


def test_the_body_is_no_structure_of_label_maps():
    assert BODY.label == 0
    assert BODY not in ALL_STRUCTURES
    assert BODY.tg263_name not in {organ.tg263_name for organ in ALL_STRUCTURES}
