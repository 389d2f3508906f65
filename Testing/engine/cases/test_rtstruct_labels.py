"""ROIs of a structure set as one label map."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.contour_region import RoiRegion
from PediatricAbdomenSegLib.engine.cases.rtstruct_labels import rtstruct_labels
from PediatricAbdomenSegLib.engine.cases.rtstruct_reader import RtStructContents, RtStructRoi
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key

SHAPE = (2, 3, 6)
GEOMETRY = Geometry(SHAPE, np.eye(4))
LIVER, SPLEEN = organ_by_key("liver"), organ_by_key("spleen")


def roi(name, organ, columns):
    """An ROI over some columns of the first slice's middle row."""
    first, last = columns
    region = RoiRegion(SHAPE, (0, 1, first), np.ones((1, 1, last - first + 1), bool))
    return RtStructRoi(1, name, organ, (), "ORGAN", "MANUAL", None, region)


def contents(*rois):
    return RtStructContents("plan", SHAPE, rois)


@pytest.mark.parametrize("turn", [1, -1])
def test_where_organs_overlap_the_one_of_higher_priority_has_the_voxel(turn):
    rois = [roi("Milz", SPLEEN, (2, 5)), roi("Leber", LIVER, (0, 3))][::turn]
    labels = rtstruct_labels(contents(*rois), GEOMETRY)
    assert labels.label_map.array[0, 1].tolist() == [LIVER.label] * 2 + [SPLEEN.label] * 4
    assert np.count_nonzero(labels.label_map.array) == 6
    assert labels.overlapping_voxels == 2
    assert [(key, one.name) for key, one in labels.organs.items()] == [("spleen", "Milz"), ("liver", "Leber")]


def test_an_roi_that_is_no_organ_is_left_out_until_a_person_says_what_it_is():
    unknown = roi("ROI-7", None, (4, 5))
    both = contents(roi("Liver", LIVER, (0, 1)), unknown)
    labels = rtstruct_labels(both, GEOMETRY)
    assert labels.left_out == (unknown,)
    assert labels.label_map.array[0, 1].tolist() == [LIVER.label] * 2 + [0] * 4
    assigned = rtstruct_labels(both, GEOMETRY, {"ROI-7": SPLEEN})
    assert assigned.left_out == ()
    assert assigned.label_map.array[0, 1].tolist() == [LIVER.label] * 2 + [0] * 2 + [SPLEEN.label] * 2


def test_two_rois_of_one_organ_and_a_name_that_is_not_there_are_refused():
    two = contents(roi("Liver", LIVER, (0, 1)), roi("Leber", LIVER, (2, 3)))
    with pytest.raises(InputError, match='"Liver" and "Leber" are both Liver'):
        rtstruct_labels(two, GEOMETRY)
    with pytest.raises(UsageError, match="no ROI Niere"):
        rtstruct_labels(two, GEOMETRY, {"Niere": SPLEEN})
