"""Tests of the boxes of labels, compared with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from PediatricAbdomenSegLib.engine.cases.label_boxes import bounding_boxes, labels_present


@pytest.fixture
def scattered_labels() -> np.ndarray:
    rng = np.random.default_rng(3)
    labels = np.zeros((9, 14, 11), np.uint8)
    for label in (1, 2, 7, 255):
        labels[tuple(rng.integers(0, size, 12) for size in labels.shape)] = label
    return labels


def test_boxes_are_those_of_scipy(scattered_labels):
    expected = {i + 1: box for i, box in enumerate(ndimage.find_objects(scattered_labels)) if box is not None}
    assert bounding_boxes(scattered_labels) == expected


def test_an_image_of_background_has_no_boxes():
    assert bounding_boxes(np.zeros((3, 4, 5), np.uint8)) == {}


def test_labels_of_several_maps_are_those_of_any(scattered_labels):
    other = np.full((1, 2, 2), 9, np.uint8)
    assert labels_present([scattered_labels, other]) == {*np.unique(scattered_labels).tolist(), 9}
    assert labels_present([]) == set() == labels_present([np.zeros((0, 4, 5), np.uint8)])
