from __future__ import annotations

import pytest
import torch

from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.inference.devices import DeviceChoice
from PediatricAbdomenSegLib.engine.inference.fallback import run_where_memory_suffices

A_GPU = DeviceChoice("cuda:0", ("cuda:1 cannot be used: driver too old",))


class Machine:
    """Runs where memory suffices and remembers what was asked of it."""

    def __init__(self, *suffices: tuple[str, str], error: Exception | None = None) -> None:
        self.suffices, self.error = suffices, error or torch.OutOfMemoryError("CUDA out of memory")
        self.tried, self.released = [], []

    def attempt(self, device: str, keep_on: str) -> str:
        self.tried.append((device, keep_on))
        if (device, keep_on) not in self.suffices:
            raise self.error
        return "labels"


def test_a_gpu_with_enough_memory_keeps_everything():
    machine = Machine(("cuda:0", "cuda:0"))
    result, device = run_where_memory_suffices(A_GPU, machine.attempt, machine.released.append)
    assert (result, device) == ("labels", A_GPU)
    assert machine.released == []


def test_a_small_gpu_hands_the_logits_to_the_computer_and_says_so():
    machine = Machine(("cuda:0", "cpu"))
    _, device = run_where_memory_suffices(A_GPU, machine.attempt, machine.released.append)
    assert device.name == "cuda:0"
    assert "memory of cuda:0 did not suffice" in device.notes[-1]
    assert machine.released == ["cuda:0"]


@pytest.mark.parametrize("name", ["cuda:0", "mps"])
def test_the_processor_takes_over_at_last(name):
    machine = Machine(("cpu", "cpu"), error=RuntimeError("MPS backend out of memory"))
    _, device = run_where_memory_suffices(DeviceChoice(name), machine.attempt, machine.released.append)
    assert device.name == "cpu"
    assert len(device.notes) == len(machine.tried) - 1
    assert machine.tried[-1] == ("cpu", "cpu")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")]
)
def test_a_computer_without_enough_memory_is_a_resource_error(error):
    with pytest.raises(ResourceError, match="memory of this computer"):
        run_where_memory_suffices(DeviceChoice("cpu"), Machine(error=error).attempt, lambda name: None)


def test_any_other_error_is_not_taken_for_lack_of_memory():
    machine = Machine(error=RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        run_where_memory_suffices(A_GPU, machine.attempt, machine.released.append)
    assert len(machine.tried) == 1


def test_low_memory_keeps_the_logits_in_the_computer_from_the_start():
    machine = Machine(("cuda:0", "cpu"))
    run_where_memory_suffices(A_GPU, machine.attempt, machine.released.append, spare=True)
    assert machine.tried == [("cuda:0", "cpu")]
    assert machine.released == []
