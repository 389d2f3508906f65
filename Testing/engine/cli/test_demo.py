"""What ``pedseg demo`` compares with the truth."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap
from PediatricAbdomenSegLib.engine.cli.demo import organ_rows
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key

GEOMETRY = Geometry((10, 30, 30), np.diag([-10.0, -10.0, 10.0, 1.0]))  # a voxel is 1 ml


def labelled(**boxes) -> LabelMap:
    array = np.zeros(GEOMETRY.shape, np.uint8)
    for key, box in boxes.items():
        array[box] = organ_by_key(key).label
    return LabelMap(array, GEOMETRY)


def test_a_tumour_inside_the_liver_counts_as_liver_for_the_organ_model():
    truth = labelled(liver=np.s_[2:8, 5:15, 5:15], hepatoblastoma=np.s_[3:5, 7:9, 7:9])
    organs = labelled(liver=np.s_[2:8, 5:15, 5:15])
    tumour = labelled(hepatoblastoma=np.s_[3:5, 7:9, 7:11])
    records = [
        {"organs": [{"key": "liver", "volume_ml": 600.0, "flags": []}]},
        {"organs": [{"key": "hepatoblastoma", "volume_ml": 16.0, "flags": ["touches_border"]}]},
    ]
    liver, mass = organ_rows(records, [organs, tumour], truth)
    assert (liver.truth_ml, liver.dsc) == (pytest.approx(600.0), 1.0)
    assert (mass.truth_ml, mass.dsc) == (pytest.approx(8.0), pytest.approx(2 * 8 / 24))


def test_agreement_is_not_defined_where_both_are_empty():
    records = [{"organs": [{"key": "spleen", "volume_ml": 0.0, "flags": []}]}]
    (row,) = organ_rows(records, [labelled()], labelled())
    assert row.dsc is None
