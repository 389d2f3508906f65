from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import ResourceError, UsageError
from PediatricAbdomenSegLib.engine.inference.devices import arithmetic, choose_device, why_unusable


def two_gpus(wanted: str) -> list[str]:
    return ["cuda:1", "cuda:0"] if wanted in ("auto", "cuda") else [wanted]


def the_first_is_too_old(name: str) -> str | None:
    return "no kernel image is available" if name == "cuda:1" else None


def all_are_broken(name: str) -> str | None:
    return "driver too old"


def test_auto_takes_the_first_gpu_that_works_and_names_the_one_that_does_not():
    choice = choose_device("auto", two_gpus, the_first_is_too_old)
    assert choice.name == "cuda:0"
    assert choice.notes == ("cuda:1 cannot be used: no kernel image is available",)


def test_auto_falls_back_to_the_processor_and_says_why():
    choice = choose_device("auto", two_gpus, all_are_broken)
    assert choice.name == "cpu"
    assert len(choice.notes) == 2


def test_auto_without_any_gpu_is_the_processor_and_needs_no_note():
    choice = choose_device("auto", lambda wanted: [], all_are_broken)
    assert (choice.name, choice.notes) == ("cpu", ())


@pytest.mark.parametrize("name", ["cuda:0", "mps", "cuda"])
def test_a_gpu_asked_for_by_name_is_not_replaced_silently(name):
    with pytest.raises(ResourceError, match="driver too old"):
        choose_device(name, two_gpus, all_are_broken)


def test_cuda_without_any_gpu_is_an_error():
    with pytest.raises(ResourceError, match="cuda cannot be used"):
        choose_device("cuda", lambda wanted: [], all_are_broken)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "", "cpu:0"])
def test_an_unknown_name_is_a_usage_error(name):
    with pytest.raises(UsageError, match="There is no device"):
        choose_device(name)


def test_a_gpu_with_an_impossible_number_is_unusable():
    assert why_unusable("cuda:999") is not None


def test_the_processor_runs_the_trial_convolution():
    assert why_unusable("cpu") is None


def test_exact_runs_compute_in_float32_everywhere():
    assert {arithmetic(device, exact=True) for device in ("cpu", "cuda:0", "mps")} == {"float32"}


def test_gpus_compute_as_they_were_trained():
    assert arithmetic("cuda:0", exact=False) == "float16"
    assert arithmetic("mps", exact=False) == "float32"
