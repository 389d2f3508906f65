"""nnU-Net's intensity normalisation, computed for a part of the field with the whole field's statistics."""

from __future__ import annotations

import numpy as np

from ..errors import ModelError
from ..models.nnunet_folder import ChannelNormalization

_LEAST_SCALE = 1e-8  # as in nnunetv2's default_normalization_schemes: a constant image must not divide by zero


def normalise(field: np.ndarray, part: tuple[slice, slice, slice], channel: ChannelNormalization) -> np.ndarray:
    """Normalised intensities of ``field[part]``, float32, a copy.

    Args:
        field: intensities of the whole field, any dtype; some schemes take their statistics from it.
        part: what is wanted.
        channel: the scheme with its constants.

    Raises:
        ModelError: CTNormalization without intensity properties, or an unknown scheme.
    """
    image = np.array(field[part], np.float32)
    if channel.scheme == "CTNormalization":
        if channel.intensities is None:
            raise ModelError("plans.json: CTNormalization has no intensity properties.", "Choose another model.")
        known = channel.intensities
        np.clip(image, known.percentile_00_5, known.percentile_99_5, out=image)
        return _shifted(image, known.mean, known.std)
    if channel.scheme == "ZScoreNormalization":
        if not channel.use_mask:
            return _shifted(image, float(field.mean()), float(field.std()))
        inside = _nonzero_region(field)
        values = field[inside]
        return np.where(inside[part], _shifted(image, float(values.mean()), float(values.std())), np.float32(0))
    if channel.scheme == "RescaleTo01Normalization":
        return _shifted(image, float(field.min()), float(field.max()) - float(field.min()))
    if channel.scheme == "NoNormalization":
        return image
    raise ModelError(
        f"plans.json: the normalisation scheme {channel.scheme} is not supported.", "Choose another model."
    )


def _shifted(image: np.ndarray, shift: float, scale: float) -> np.ndarray:
    image -= np.float32(shift)
    image /= np.float32(max(scale, _LEAST_SCALE))
    return image


def _nonzero_region(field: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_fill_holes

    return binary_fill_holes(field != 0)
