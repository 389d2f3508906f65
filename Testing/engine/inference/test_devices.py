from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.errors import ResourceError, UsageError
from PediatricAbdomenSegLib.engine.inference import devices
from PediatricAbdomenSegLib.engine.inference.devices import arithmetic, choose_device, try_devices, why_unusable


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


def refuse(*_):
    raise RuntimeError("CUDA driver error: system not yet initialized\nand more")


@pytest.fixture
def a_gpu_whose_driver_does_not_start(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for name in ("mem_get_info", "get_device_name"):
        monkeypatch.setattr(torch.cuda, name, refuse)
    monkeypatch.setattr(torch, "ones", lambda *shape, device, **options: refuse())
    monkeypatch.setattr(devices, "_speed", lambda name: 1.0)


def test_a_gpu_whose_driver_does_not_start_is_listed_as_unusable_beside_the_processor(
    a_gpu_whose_driver_does_not_start,
):
    found = {device.name: device.problem for device in try_devices()}
    assert found == {"cpu": None, "cuda:0": "CUDA driver error: system not yet initialized"}
    assert choose_device("auto").name == "cpu"


def test_a_driver_that_cannot_even_count_gpus_leaves_the_processor(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", refuse)
    assert choose_device("auto").name == "cpu"


def test_a_gpu_that_fails_only_under_load_is_listed_with_its_problem(a_gpu_whose_driver_does_not_start, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda name: (1e9, 2e9))
    monkeypatch.setattr(devices, "why_unusable", lambda name: None)
    monkeypatch.setattr(devices, "_speed", lambda name: 1.0 if name == "cpu" else refuse())
    found = {device.name: device.problem for device in try_devices()}
    assert found == {"cpu": None, "cuda:0": "CUDA driver error: system not yet initialized"}
