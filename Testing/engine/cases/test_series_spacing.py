"""Distances between slices: small differences are rounding, others are refused, or filled when asked to."""

from __future__ import annotations

import numpy as np
import pytest

from ct_series_builder import hounsfield_pattern, write_series
from PediatricAbdomenSegLib.engine.cases.dicom_series import read_series
from PediatricAbdomenSegLib.engine.cases.series_spacing import even_grid
from PediatricAbdomenSegLib.engine.errors import InputError, UsageError


def without(*missing):
    """A change that drops slices."""
    return lambda index, dataset: index not in missing


def at_heights(heights_mm):
    """A change that places the slices along z."""

    def change(index, dataset):
        dataset.ImagePositionPatient[2] = heights_mm[index]

    return change


def test_a_gap_names_its_neighbours_and_the_way_out(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(8, 16, 16), change=without(3))
    with pytest.raises(InputError, match=r"gap of 4\.00 mm between slice2\.dcm and slice4\.dcm") as error:
        read_series(folder)
    assert "--fill-gaps" in error.value.hint


def test_a_gap_among_three_slices_is_a_gap(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(4, 16, 16), change=without(2))
    with pytest.raises(InputError, match=r"gap of 4\.00 mm"):
        read_series(folder)


def test_mixed_spacing_is_named(tmp_path):
    heights = [0, 2, 4, 6, 8, 10.6, 13.2, 15.8]
    with pytest.raises(InputError, match=r"Mixed slice spacing: 2\.60 mm between slice\d\.dcm"):
        read_series(write_series(tmp_path / "ct", shape=(8, 16, 16), change=at_heights(heights)))


def test_distances_that_creep_away_from_an_even_grid_are_refused():
    heights = np.r_[0, np.cumsum([2.0] * 60 + [2.09] * 60)]
    with pytest.raises(InputError, match="Mixed slice spacing"):
        even_grid(heights, [str(index) for index in range(121)])


def test_positions_rounded_to_a_hundredth_are_no_mixed_spacing(tmp_path):
    heights = [round(0.333 * index, 2) for index in range(9)]
    volume = read_series(write_series(tmp_path / "ct", shape=(9, 8, 8), change=at_heights(heights)))
    assert volume.geometry.spacing_mm[0] == pytest.approx(0.333, abs=2e-3)
    assert volume.notes == ()


def test_distances_within_five_per_cent_are_even_and_beyond_are_not():
    names = [str(index) for index in range(5)]
    assert even_grid(np.array([0, 5, 10.2, 15, 20.0]), names).indices is None
    with pytest.raises(InputError, match=r"Mixed slice spacing: (5\.30|4\.70) mm"):
        even_grid(np.array([0, 5, 10.3, 15, 20.0]), names)


def test_missing_slices_are_interpolated_when_asked_to(tmp_path):
    whole = hounsfield_pattern((9, 16, 18))
    folder = write_series(tmp_path / "ct", shape=whole.shape, change=without(3, 4, 6))
    volume = read_series(folder, gaps="fill")
    assert np.array_equal(volume.array, whole)  # the pattern is linear along z, so interpolation gives it back
    assert volume.references.grid_indices == (0, 1, 2, 5, 7, 8)
    assert len(volume.references.slices) == 6
    assert "3 interpolated" in volume.notes[0]


def test_images_on_a_filled_grid_keep_their_values_and_places(tmp_path):
    noise = np.random.default_rng(1).integers(-1000, 1000, (8, 16, 18), dtype=np.int16)
    folder = write_series(tmp_path / "ct", hounsfield=noise, change=without(5))
    volume = read_series(folder, gaps="fill")
    for reference, index in zip(volume.references.slices, volume.references.grid_indices, strict=True):
        assert np.array_equal(volume.array[index], noise[index])
        assert np.allclose(volume.geometry.to_ras((index, 0, 0)) * (-1, -1, 1), reference.position_mm, atol=1e-4)


def test_an_image_a_rounding_beside_its_slice_is_taken_as_it_is(tmp_path):
    noise = np.random.default_rng(2).integers(-1000, 1000, (8, 16, 18), dtype=np.int16)
    heights = [0, 2, 4.04, 6, 8, 9.97, 12, 14]
    folder = write_series(
        tmp_path / "ct", hounsfield=noise, change=lambda i, one: at_heights(heights)(i, one) or i != 3
    )
    volume = read_series(folder, gaps="fill")
    assert np.array_equal(np.delete(volume.array, 3, 0), np.delete(noise, 3, 0))


def test_two_spacings_become_the_coarsest_grid_all_images_lie_on(tmp_path):
    heights = [0, 2, 4, 6, 11, 16, 21]
    values = (np.array(heights)[:, None, None] * 10 + np.arange(16)[None, :, None] + np.zeros((1, 1, 18))).astype(
        np.int16
    )
    folder = write_series(tmp_path / "ct", hounsfield=values, change=at_heights(heights))
    volume = read_series(folder, gaps="fill")
    assert volume.array.shape[0] == 22
    assert volume.geometry.spacing_mm[0] == pytest.approx(1.0)
    assert volume.references.grid_indices == tuple(heights)
    assert volume.array[:, 0, 0].tolist() == [10 * height for height in range(22)]
    with pytest.raises(InputError, match="Mixed slice spacing"):
        read_series(folder)


def test_images_beside_every_even_grid_are_resampled_and_that_is_said(tmp_path):
    heights = [0, 2, 4, 6.77, 9.54, 12.31]
    values = np.repeat((np.array(heights) * 100).astype(np.int16)[:, None, None], 8, 1).repeat(8, 2)
    volume = read_series(write_series(tmp_path / "ct", hounsfield=values, change=at_heights(heights)), gaps="fill")
    places = volume.geometry.to_ras(np.c_[np.arange(7), np.zeros((7, 2))])[:, 2]
    assert np.allclose(volume.array[:, 0, 0], np.clip(100 * places, 0, 1231), atol=1)
    assert "lie up to" in volume.notes[0]
    assert len(set(volume.references.grid_indices)) == 6


def test_an_even_series_is_not_changed_by_asking_to_fill(an_axial_series):
    volume = read_series(an_axial_series, gaps="fill")
    assert np.array_equal(volume.array, read_series(an_axial_series).array)
    assert (volume.references.grid_indices, volume.notes) == (None, ())


def test_anatomy_is_not_invented_over_a_wide_gap(tmp_path):
    folder = write_series(tmp_path / "ct", shape=(40, 8, 8), change=lambda index, dataset: not 10 <= index < 30)
    with pytest.raises(InputError, match=r"42\.00 mm between slice9\.dcm and slice30\.dcm are too far"):
        read_series(folder, gaps="fill")


def test_gaps_of_up_to_25_mm_are_filled():
    names = ["a", "b", "c", "d"]
    assert even_grid(np.array([0.0, 5.0, 30.0, 35.0]), names, "fill").slices == 8
    with pytest.raises(InputError, match=r"30\.00 mm between b and c are too far to interpolate \(at most 25 mm\)"):
        even_grid(np.array([0.0, 5.0, 35.0, 40.0]), names, "fill")


def test_a_grid_of_countless_slices_is_refused():
    heights = np.r_[np.arange(100) * 5.0, 495.0 + 0.02]
    with pytest.raises(InputError, match="so unevenly"):
        even_grid(heights, [str(index) for index in range(101)], "fill")


def test_an_unknown_treatment_of_gaps_is_a_wrong_call():
    with pytest.raises(UsageError, match="ignore"):
        even_grid(np.arange(3.0), ["a", "b", "c"], "ignore")
