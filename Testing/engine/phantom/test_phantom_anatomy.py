"""What a phantom promises: anatomy of a child, known truth, the same child in every position."""

from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.geometry import canonical_reorientation
from PediatricAbdomenSegLib.engine.organs import HEPATOBLASTOMA, ORGANS, organ_by_key
from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
from PediatricAbdomenSegLib.engine.phantom.spec import POSITIONS, Phantom, PhantomSpec

COARSE_MM = (5.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def a_phantom() -> Phantom:
    return make_phantom(PhantomSpec(age_years=4, seed=1, spacing_mm=COARSE_MM))


def volume_ml(phantom: Phantom, key: str) -> float:
    voxels = int((phantom.labels.array == organ_by_key(key).label).sum())
    return voxels * phantom.labels.geometry.voxel_volume_ml


def centroid_ras_mm(phantom: Phantom, key: str) -> np.ndarray:
    inside = np.argwhere(phantom.labels.array == organ_by_key(key).label)
    return phantom.labels.geometry.to_ras(inside.mean(axis=0))


@pytest.mark.parametrize("age_years", [0, 2.5, 8, 17])
def test_all_nineteen_organs_exist_with_a_volume_plausible_for_the_age(age_years):
    phantom = make_phantom(PhantomSpec(age_years=age_years, seed=11, spacing_mm=(4, 2, 2)))
    for organ in ORGANS:
        low, high = organ.volume_range_ml(age_years)
        assert low <= volume_ml(phantom, organ.key) <= high, organ.key


def test_left_organs_lie_left_of_their_right_partners(a_phantom):
    for organ in ORGANS:
        if organ.partner and organ.key.endswith("_left"):
            assert centroid_ras_mm(a_phantom, organ.key)[0] < centroid_ras_mm(a_phantom, organ.partner)[0]
    assert centroid_ras_mm(a_phantom, "spleen")[0] < centroid_ras_mm(a_phantom, "liver")[0]


def test_the_same_specification_gives_the_same_voxels(a_phantom):
    again = make_phantom(a_phantom.spec)
    assert np.array_equal(again.volume.array, a_phantom.volume.array)
    assert np.array_equal(again.labels.array, a_phantom.labels.array)


def test_two_seeds_give_two_children(a_phantom):
    other = make_phantom(PhantomSpec(age_years=4, seed=2, spacing_mm=COARSE_MM))
    liver = organ_by_key("liver").label
    assert not np.array_equal(other.labels.array == liver, a_phantom.labels.array == liver)


@pytest.mark.parametrize("position", [p for p in POSITIONS if p != "HFS"])
def test_a_position_turns_the_image_but_not_the_child(a_phantom, position):
    turned = make_phantom(PhantomSpec(age_years=4, seed=1, spacing_mm=COARSE_MM, position=position))
    assert not np.allclose(turned.volume.geometry.affine, a_phantom.volume.geometry.affine)
    canonical = canonical_reorientation(turned.labels.geometry.affine).apply(turned.labels.array)
    upright = canonical_reorientation(a_phantom.labels.geometry.affine).apply(a_phantom.labels.array)
    assert np.array_equal(canonical, upright)


def test_a_removed_kidney_is_empty_and_the_other_stays(a_phantom):
    operated = make_phantom(PhantomSpec(age_years=4, seed=1, spacing_mm=COARSE_MM, nephrectomy="left"))
    assert volume_ml(operated, "kidney_left") == 0
    assert volume_ml(operated, "kidney_right") == volume_ml(a_phantom, "kidney_right") > 20


@pytest.mark.parametrize("tumour_ml", [20, 120])
def test_a_tumour_has_the_volume_asked_for_and_replaces_liver(a_phantom, tumour_ml):
    ill = make_phantom(PhantomSpec(age_years=4, seed=1, spacing_mm=(3, 1.5, 1.5), tumour_ml=tumour_ml))
    assert volume_ml(ill, HEPATOBLASTOMA.key) == pytest.approx(tumour_ml, rel=0.03)
    assert volume_ml(ill, "liver") < volume_ml(a_phantom, "liver")


def test_a_phantom_without_tumour_has_no_tumour_label(a_phantom):
    assert not (a_phantom.labels.array == HEPATOBLASTOMA.label).any()


def test_hounsfield_values_follow_the_tissue(a_phantom):
    def mean_hu(key: str) -> float:
        return float(a_phantom.volume.array[a_phantom.labels.array == organ_by_key(key).label].mean())

    assert mean_hu("lung_left") < -600
    assert 80 < mean_hu("liver") < 140
    assert mean_hu("kidney_left") > mean_hu("liver")
    assert mean_hu("vertebrae") > 150
    assert a_phantom.volume.array[:, 0, 0].max() <= -900


def test_intravenous_contrast_brightens_vessels_but_moves_nothing(a_phantom):
    plain = make_phantom(PhantomSpec(age_years=4, seed=1, spacing_mm=COARSE_MM, contrast=False))
    assert np.array_equal(plain.labels.array, a_phantom.labels.array)
    aorta = a_phantom.labels.array == organ_by_key("abdominal_aorta").label
    assert a_phantom.volume.array[aorta].mean() > plain.volume.array[aorta].mean() + 60


def test_a_single_slice_keeps_the_slice_distance_asked_for():
    phantom = make_phantom(PhantomSpec(seed=3, slices=1, spacing_mm=(5, 3, 3)))
    assert phantom.volume.array.shape[0] == 1
    assert phantom.volume.geometry.spacing_mm == pytest.approx((5, 3, 3))


def test_slices_and_spacing_are_as_asked():
    phantom = make_phantom(PhantomSpec(seed=3, slices=24, spacing_mm=(3, 2, 2.5)))
    assert phantom.volume.array.shape[0] == 24
    assert phantom.volume.geometry.spacing_mm == pytest.approx((3, 2, 2.5))
