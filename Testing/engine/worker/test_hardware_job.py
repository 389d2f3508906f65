"""The worker looks at its own machine."""

from __future__ import annotations

import builtins

import pytest

from PediatricAbdomenSegLib.engine.errors import Cancelled
from PediatricAbdomenSegLib.engine.progress import CancelToken
from PediatricAbdomenSegLib.engine.runtime.hardware import hardware_from_json
from PediatricAbdomenSegLib.engine.worker.hardware_job import describe_hardware


def test_the_processor_of_this_machine_is_tried_and_found_to_compute():
    hardware = hardware_from_json(describe_hardware())
    cpu = hardware.device("cpu")
    assert hardware.torch_problem is None and hardware.missing == ()
    assert cpu.gflops > 0.1
    assert 0 < cpu.free_memory_mb <= cpu.memory_mb


def test_an_interpreter_without_torch_is_described_and_not_a_failure(monkeypatch):
    real_import = builtins.__import__

    def without_torch(name, *arguments):
        if name == "torch":
            raise OSError("libcudart.so.12: cannot open shared object file")
        return real_import(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    hardware = hardware_from_json(describe_hardware())
    assert hardware.devices == ()
    assert hardware.torch_problem == "torch cannot be loaded: libcudart.so.12: cannot open shared object file"


def test_the_look_can_be_cancelled():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        describe_hardware(cancel)
