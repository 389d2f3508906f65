"""A recipe small enough for seconds, and toy children instead of phantoms."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.cases.volume import LabelMap, Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.organs import organ_by_key
from PediatricAbdomenSegLib.engine.phantom.spec import Phantom, PhantomSpec
from PediatricAbdomenSegLib.engine.training.recipes import NetworkSize, Recipe, Schedule

SHAPE = (20, 24, 28)
SPACING_MM = (6.0, 6.0, 6.0)


@pytest.fixture
def a_small_recipe() -> Recipe:
    """Two organs, eight channels, one epoch of two iterations."""
    return Recipe(
        name="toy",
        title="Toy",
        target="two organs",
        dataset_id=799,
        organ_keys=("liver", "spleen"),
        merged_into={"hepatoblastoma": "liver"},
        single_piece_organs=("spleen",),
        tumour_share=0.5,
        nephrectomy_share=0.5,
        cases=3,
        first_seed=7,
        network=NetworkSize(SPACING_MM, patch_limit=(16, 16, 16), base_features=4, max_features=8),
        schedule=Schedule(epochs=1, iterations_per_epoch=2, validation_iterations=1),
    )


def render_toy_child(spec: PhantomSpec) -> Phantom:
    """Liver on the right with a tumour inside, spleen on the left; rows and columns run as in a prone series."""
    random = np.random.default_rng(spec.seed)
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:14, 6:16, 4:12] = organ_by_key("liver").label
    labels[6:9, 8:11, 6:9] = organ_by_key("hepatoblastoma").label
    labels[6:12, 10:16, 18:24] = organ_by_key("spleen").label
    image = random.normal(0, 20, SHAPE) + 3.0 * labels * 10 - 500 * (labels == 0)
    # Canonical order is (z, y, x) to superior, posterior, left; a prone series shows rows and columns reversed.
    towards_ras = np.diag([SPACING_MM[2], SPACING_MM[1], SPACING_MM[0], 1.0])
    geometry = Geometry(SHAPE, towards_ras)
    prone = np.s_[:, ::-1, ::-1]
    volume = Volume(np.ascontiguousarray(image[prone].astype(np.int16)), geometry, "CT")
    return Phantom(spec, volume, LabelMap(np.ascontiguousarray(labels[prone]), geometry), "toy")


@pytest.fixture
def a_toy_child():
    """The renderer of toy children, to be used instead of the phantom's."""
    return render_toy_child
