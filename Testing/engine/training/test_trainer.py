from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.training.recipes import Schedule
from PediatricAbdomenSegLib.engine.training.trainer import (
    faded_weights,
    iterations_within_budget,
    use_layout_preserving_norm,
)

TEN_MINUTES = Schedule(epochs=5, iterations_per_epoch=40, time_budget_minutes=10)


def test_without_a_time_budget_epochs_keep_their_length():
    assert iterations_within_budget(Schedule(5, 40), 3, 40, [0, 100], [90, 200]) == 40


def test_the_first_epoch_of_a_budget_is_as_planned():
    assert iterations_within_budget(TEN_MINUTES, 0, 40, [0.0], []) == 40


def test_the_time_left_is_shared_by_the_epochs_left():
    # 600 s less 200 s leave 100 s for each of four epochs, at 5 s an iteration.
    assert iterations_within_budget(TEN_MINUTES, 1, 40, [0.0, 200.0], [200.0]) == 20


def test_an_overdrawn_budget_still_gives_each_epoch_an_iteration():
    assert iterations_within_budget(TEN_MINUTES, 1, 40, [0.0, 900.0], [900.0]) == 1


def test_class_weights_are_full_at_first_and_gone_at_the_end():
    assert faded_weights([0.5, 8.0], 0.0, 0.6) == [0.5, 8.0]
    assert faded_weights([0.5, 8.0], 0.6, 0.6) == [0.5, 8.0]
    assert faded_weights([0.5, 8.0], 1.0, 0.6) == [1.0, 1.0]
    assert faded_weights([0.5, 8.0], 0.8, 0.6) == pytest.approx([0.5**0.5, 8.0**0.5])
    assert faded_weights([0.5, 8.0], 1.0, 1.0) == [0.5, 8.0]


def test_the_layout_preserving_norm_is_instance_norm():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    stock = torch.nn.Sequential(torch.nn.Conv3d(1, 3, 3), torch.nn.InstanceNorm3d(3, affine=True))
    torch.nn.init.uniform_(stock[1].weight)
    features = torch.randn(2, 1, 6, 7, 8, requires_grad=True)
    expected = stock(features)
    (expected_gradient,) = torch.autograd.grad(expected.square().sum(), features)
    use_layout_preserving_norm(stock)
    actual = stock(features)
    (actual_gradient,) = torch.autograd.grad(actual.square().sum(), features)
    torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(actual_gradient, expected_gradient, rtol=1e-4, atol=1e-4)
