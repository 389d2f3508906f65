from __future__ import annotations

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError
from PediatricAbdomenSegLib.engine.inference.normalisation import normalise
from PediatricAbdomenSegLib.engine.models.nnunet_folder import ChannelNormalization, IntensityProperties

PROPERTIES = IntensityProperties(mean=-80.67, std=312.03, percentile_00_5=-989.0, percentile_99_5=671.0)
WHOLE = (slice(None), slice(None), slice(None))


@pytest.fixture
def a_field() -> np.ndarray:
    field = np.random.default_rng(0).integers(-1024, 1500, (8, 9, 10)).astype(np.int16)
    field[:, :2] = 0
    return field


def stock(scheme: str, field: np.ndarray, masked: bool) -> np.ndarray:
    from nnunetv2.preprocessing.cropping.cropping import create_nonzero_mask
    from nnunetv2.preprocessing.normalization import default_normalization_schemes

    properties = {
        "mean": PROPERTIES.mean,
        "std": PROPERTIES.std,
        "percentile_00_5": PROPERTIES.percentile_00_5,
        "percentile_99_5": PROPERTIES.percentile_99_5,
    }
    outside = np.where(create_nonzero_mask(field[None]), 0, -1)
    return getattr(default_normalization_schemes, scheme)(masked, properties).run(field.astype(np.float32), outside)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "scheme", ["CTNormalization", "ZScoreNormalization", "RescaleTo01Normalization", "NoNormalization"]
)
def test_intensities_are_normalised_as_stock_does_it(a_field, scheme, masked):
    ours = normalise(a_field, WHOLE, ChannelNormalization(scheme, masked, PROPERTIES))
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, stock(scheme, a_field, masked), atol=1e-5)


def test_a_part_is_normalised_with_the_whole_fields_statistics(a_field):
    channel = ChannelNormalization("ZScoreNormalization", True, None)
    part = (slice(2, 5), slice(1, 4), slice(3, 9))
    np.testing.assert_array_equal(normalise(a_field, part, channel), normalise(a_field, WHOLE, channel)[part])


def test_the_volume_is_not_modified(a_field):
    before = a_field.copy()
    normalise(a_field, WHOLE, ChannelNormalization("CTNormalization", False, PROPERTIES))
    np.testing.assert_array_equal(a_field, before)


def test_ct_normalisation_without_its_constants_is_a_model_error(a_field):
    with pytest.raises(ModelError, match="intensity properties"):
        normalise(a_field, WHOLE, ChannelNormalization("CTNormalization", False, None))
