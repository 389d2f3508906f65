"""What a worker runs on, as JSON and in a few words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.runtime.hardware import (
    Device,
    Hardware,
    device_words,
    duration_words,
    hardware_from_json,
    hardware_to_json,
    short_title,
)
from PediatricAbdomenSegLib.engine.runtime.packages import (
    REQUIRED,
    REQUIREMENTS,
    install_command,
    installed_packages,
    missing_packages,
)

PYPROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"

RTX = Device("cuda:0", "NVIDIA GeForce RTX 4090", 25_393.0, 24_000.0, 30_000.0)
BROKEN = Device("cuda:1", "NVIDIA GeForce GTX 690", 2_147.0, None, None, "no kernel image for this GPU")
CPU = Device("cpu", "Intel(R) Core(TM) i7-9700 CPU @ 3.00GHz", 16_000.0, 9_000.0, 120.0)
WORKSTATION = Hardware(
    (RTX, CPU, BROKEN), dict.fromkeys(REQUIRED, "1"), None, "3.12.4", "/env/bin/python", "/env", 2300.0
)


def test_a_gpu_is_said_with_its_memory_and_the_processor_with_its_time():
    assert device_words(RTX) == "NVIDIA RTX 4090, 24 GB"
    assert device_words(RTX, 4.0) == "NVIDIA RTX 4090, 24 GB"
    assert device_words(CPU, 340.0) == "CPU, about 6 min"
    assert device_words(CPU) == "CPU"
    assert device_words(Device("mps", "Apple GPU", 16_000.0, None, 2_000.0), 100.0) == "Apple GPU, about 2 min"


def test_a_gpu_that_cannot_be_used_is_said_to_be_so():
    assert device_words(BROKEN) == "NVIDIA GTX 690, 2 GB, cannot be used"


def test_a_name_that_consists_of_noise_is_kept():
    assert short_title("CPU @ 3.00GHz") == "CPU @ 3.00GHz"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "5 s"), (17, "20 s"), (54, "55 s"), (55, "1 min"), (61, "2 min"), (3299, "55 min"), (3300, "1 h"),
     (5500, "2 h"), (9000, "2.5 h")],
)  # fmt: skip
def test_a_duration_is_rounded_up_to_what_a_person_wants_to_know(seconds, words):
    assert duration_words(seconds) == words


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("auto", RTX), ("cuda", RTX), ("cuda:0", RTX), ("cpu", CPU), ("cuda:1", None), ("mps", None)],
)
def test_a_choice_means_the_best_device_of_that_name_that_works(wanted, found):
    assert WORKSTATION.device(wanted) == found


def test_without_torch_there_is_no_device():
    bare = replace(WORKSTATION, devices=(), packages={"numpy": "2.4"}, torch_problem="torch cannot be loaded")
    assert bare.device("auto") is None
    assert "torch" in bare.missing and "numpy" not in bare.missing


def test_hardware_comes_back_from_json_as_it_was_sent():
    assert hardware_from_json(json.loads(json.dumps(hardware_to_json(WORKSTATION)))) == WORKSTATION


@pytest.mark.parametrize(
    "content",
    [
        {},
        {**hardware_to_json(WORKSTATION), "devices": [{"name": "cpu"}]},
        {**hardware_to_json(WORKSTATION), "packages": ["torch"]},
        {**hardware_to_json(WORKSTATION), "devices": None},
    ],
)
def test_what_is_no_description_of_hardware_is_refused(content):
    with pytest.raises(InputError, match="hardware"):
        hardware_from_json(content)


def test_this_interpreter_has_the_packages_it_is_tested_with():
    assert missing_packages(installed_packages()) == ()


def test_what_pip_is_told_to_install_is_what_the_package_declares():
    declared = PYPROJECT.read_text(encoding="utf-8").partition("\ndependencies = [")[2].partition("\n]")[0]
    assert set(re.findall(r'^ *"([^"]+)",', declared, re.MULTILINE)) == set(REQUIREMENTS)
    assert set(REQUIRED) < set(re.findall(r'"([\w-]+)>=', install_command()))


def test_packages_an_interpreter_lacks_are_named_in_order():
    lacking = replace(WORKSTATION, packages={name: "1" for name in REQUIRED if name not in ("torch", "scipy")})
    assert lacking.missing == ("scipy", "torch")
