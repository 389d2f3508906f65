"""A toy child and a bundle that was trained on its like."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.volume import Volume
from PediatricAbdomenSegLib.engine.models.store import Bundle
from toy_bundle import MODEL_SPACING_MM, make_child, make_plans, train_weights, write_bundle


@pytest.fixture(scope="session")
def toy_weights(tmp_path_factory) -> dict:
    """Trained weights of the 3-D toy network."""
    return train_weights(tmp_path_factory.mktemp("weights"), make_plans(3, MODEL_SPACING_MM))


@pytest.fixture(scope="session")
def a_toy_bundle(tmp_path_factory, toy_weights) -> Bundle:
    """A 3d_fullres bundle with one fold that allows mirroring along z."""
    return write_bundle(
        tmp_path_factory.mktemp("bundle"), make_plans(3, MODEL_SPACING_MM), {"0": toy_weights}, mirror_axes=(0,)
    )


@pytest.fixture(scope="session")
def a_toy_child() -> tuple[Volume, np.ndarray]:
    """A volume and its true class numbers, which are not the organ table's labels."""
    return make_child()
