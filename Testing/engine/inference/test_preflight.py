"""What is said before a run: each problem one sentence, blocking or to be confirmed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_bundle
from PediatricAbdomenSegLib.engine.cases.volume import DicomReferences, Volume
from PediatricAbdomenSegLib.engine.geometry import Geometry
from PediatricAbdomenSegLib.engine.inference.pipeline import InferenceOptions
from PediatricAbdomenSegLib.engine.inference.preflight import Machine, preflight, this_machine
from PediatricAbdomenSegLib.engine.models.store import Bundle
from PediatricAbdomenSegLib.engine.runtime.hardware import Device, Hardware

CPU = Device("cpu", "x86_64", 16_000.0, 8_000.0, 200.0)
GPU = Device("cuda:0", "NVIDIA GeForce RTX 4090", 25_000.0, 24_000.0, 20_000.0)
OLD_GPU = Device("cuda:0", "NVIDIA GeForce GTX 690", 2_000.0, None, None, "no kernel image is available")
SPACING_MM = (5.0, 3.0, 3.0)


def hardware(*devices) -> Hardware:
    return Hardware(devices, {}, None, "3.12", "/env/bin/python", "/env", None)


STRONG = Machine(hardware(GPU, CPU), 10**11, 12_000.0, 16_000.0)
OFFICE = replace(STRONG, hardware=hardware(CPU))


@pytest.fixture(scope="module")
def a_bundle(tmp_path_factory) -> Bundle:
    """The toy model of liver, spleen and vertebrae for 0 to 18 years; its weights are placeholders."""
    import torch

    plans = toy_bundle.make_plans(3, toy_bundle.MODEL_SPACING_MM)
    return toy_bundle.write_bundle(tmp_path_factory.mktemp("toy"), plans, {"0": {"placeholder": torch.zeros(1)}})


@pytest.fixture(scope="module")
def a_ct() -> Volume:
    """A toy child, 24 cm from top to bottom."""
    return toy_bundle.make_child(shape=(48, 72, 80))[0]


def of_age(volume: Volume, age_years: float | None) -> Volume:
    return replace(volume, references=DicomReferences("1", "2", "3", (), age_years))


def with_array(volume: Volume, array: np.ndarray) -> Volume:
    return replace(volume, array=array.astype(np.int16))


def with_spacing(volume: Volume, spacing_mm: tuple[float, float, float]) -> Volume:
    z, y, x = spacing_mm
    return replace(volume, geometry=Geometry(volume.array.shape, np.diag([-x, -y, z, 1.0])))


def messages(volume, bundle, options=None, machine=STRONG) -> list[tuple[str, bool]]:
    found = preflight(volume, bundle, options or InferenceOptions(), machine)
    assert all(problem.message.endswith(".") and problem.hint.endswith(".") for problem in found)
    return [(problem.message, problem.blocking) for problem in found]


def the_message(*arguments, **named) -> tuple[str, bool]:
    (found,) = messages(*arguments, **named)
    return found


def fine(volume: Volume) -> Volume:
    """The toy has 3 mm pixels, which is a problem of its own."""
    return with_spacing(volume, (5.0, 2.0, 2.0))


@pytest.fixture(scope="module")
def a_fine_ct(a_ct) -> Volume:
    """A CT without any problem."""
    return fine(a_ct)


def test_an_ordinary_ct_raises_no_question(a_fine_ct, a_bundle):
    assert messages(a_fine_ct, a_bundle) == []
    assert messages(of_age(a_fine_ct, 4.0), a_bundle, machine=OFFICE) == []


def test_another_modality_blocks(a_fine_ct, a_bundle):
    message, blocking = the_message(replace(a_fine_ct, modality="MR"), a_bundle)
    assert "modality MR" in message and "for CT" in message and blocking


def test_an_unknown_modality_is_judged_by_its_values_only(a_fine_ct, a_bundle):
    assert messages(replace(a_fine_ct, modality=""), a_bundle) == []


def test_values_without_air_are_to_be_confirmed(a_fine_ct, a_bundle):
    message, blocking = the_message(with_array(a_fine_ct, a_fine_ct.array.astype(int) + 1024), a_bundle)
    assert "a CT holds air near -1000 HU" in message and not blocking


def test_a_body_without_soft_tissue_is_to_be_confirmed(a_fine_ct, a_bundle):
    stretched = np.where(a_fine_ct.array > -300, a_fine_ct.array.astype(int) * 10 + 500, a_fine_ct.array)
    message, blocking = the_message(with_array(a_fine_ct, stretched), a_bundle)
    assert "soft tissue" in message and not blocking


def test_an_image_of_air_is_to_be_confirmed(a_fine_ct, a_bundle):
    noise = np.random.default_rng(0).normal(-1000, 10, a_fine_ct.array.shape)
    message, blocking = the_message(with_array(a_fine_ct, noise), a_bundle)
    assert "body's size" in message and not blocking


@pytest.mark.parametrize(("age", "words"), [(25.0, "25 years"), (19.2, "19 years")])
def test_an_age_outside_the_models_range_is_to_be_confirmed(a_fine_ct, a_bundle, age, words):
    found = messages(of_age(a_fine_ct, age), a_bundle)
    assert (f"The patient was {words} old, the model is meant for 0 to 18 years.", False) in found


def test_who_is_eighteen_is_eighteen_until_the_next_birthday(a_fine_ct, a_bundle):
    assert not any("years old" in message for message, _ in messages(of_age(a_fine_ct, 18.5), a_bundle))


def test_an_age_in_months_is_said_in_months(a_fine_ct, a_bundle):
    manifest = replace(a_bundle.manifest, age_range_years=(2.0, 18.0))
    message, _ = the_message(of_age(a_fine_ct, 0.5), replace(a_bundle, manifest=manifest))
    assert "6 months old" in message


def test_thick_slices_and_wide_pixels_are_to_be_confirmed(a_ct, a_bundle):
    assert "8.0 mm apart" in the_message(with_spacing(a_ct, (8.0, 2.0, 2.0)), a_bundle)[0]
    assert "3.0 mm wide" in the_message(with_spacing(a_ct, (5.0, 2.0, 3.0)), a_bundle)[0]


def test_a_scan_that_is_too_short_for_the_models_organs_is_to_be_confirmed(a_fine_ct, a_bundle):
    short = Volume(a_fine_ct.array[:18], Geometry((18, 72, 80), a_fine_ct.geometry.affine), "CT")
    message, blocking = the_message(short, a_bundle)
    assert message.startswith("The scan is 9 cm long; even a one-year-old needs about 19 cm") and not blocking
    assert "a child of 10 years needs about 34 cm" in the_message(of_age(short, 10.0), a_bundle)[0]


def test_a_model_of_the_liver_needs_a_shorter_scan(a_fine_ct, a_bundle):
    short = Volume(a_fine_ct.array[:18], Geometry((18, 72, 80), a_fine_ct.geometry.affine), "CT")
    manifest = replace(a_bundle.manifest, organs={1: "hepatoblastoma"})
    assert messages(short, replace(a_bundle, manifest=manifest)) == []


def test_a_body_that_the_image_cuts_is_to_be_confirmed(a_fine_ct, a_bundle):
    array = np.ascontiguousarray(a_fine_ct.array[:, :, 25:55])
    cut = Volume(array, Geometry(array.shape, a_fine_ct.geometry.affine), "CT")
    message, blocking = the_message(cut, a_bundle)
    assert message == "The edge of the image cuts the body on 100 % of the slices." and not blocking


def test_a_full_disk_blocks(a_fine_ct, a_bundle):
    message, blocking = the_message(a_fine_ct, a_bundle, machine=replace(STRONG, free_disk_bytes=10_000_000))
    assert "only 10 MB are free" in message and blocking


def test_memory_that_is_there_but_taken_is_to_be_confirmed_and_memory_that_is_not_there_blocks(a_fine_ct, a_bundle):
    message, blocking = the_message(a_fine_ct, a_bundle, machine=replace(OFFICE, free_memory_mb=100.0))
    assert "only 0.1 GB are free" in message and not blocking
    small = replace(OFFICE, free_memory_mb=100.0, memory_mb=300.0)
    message, blocking = the_message(a_fine_ct, a_bundle, machine=small)
    assert "this computer has 0.3 GB" in message and blocking


def test_memory_that_the_system_does_not_tell_is_no_problem(a_fine_ct, a_bundle):
    assert messages(a_fine_ct, a_bundle, machine=replace(OFFICE, free_memory_mb=None, memory_mb=None)) == []


def test_a_graphics_card_that_is_full_is_to_be_confirmed(a_fine_ct, a_bundle):
    full = replace(STRONG, hardware=hardware(replace(GPU, free_memory_mb=300.0), CPU))
    message, blocking = the_message(a_fine_ct, a_bundle, machine=full)
    assert "only 0.3 GB are free" in message and not blocking


def test_the_computers_memory_does_not_matter_where_the_network_runs_on_a_graphics_card(a_fine_ct, a_bundle):
    assert messages(a_fine_ct, a_bundle, machine=replace(STRONG, free_memory_mb=100.0)) == []


def test_a_device_that_is_not_there_blocks_and_those_found_are_named(a_fine_ct, a_bundle):
    message, blocking = the_message(a_fine_ct, a_bundle, InferenceOptions(device="cuda"), OFFICE)
    assert message == 'There is no device "cuda" that can be used (found: CPU).' and blocking


def test_a_long_run_is_to_be_confirmed_and_a_card_that_was_passed_over_is_named(a_fine_ct, a_bundle):
    slow = replace(OFFICE, hardware=hardware(replace(CPU, gflops=0.00003), OLD_GPU))
    (problem,) = preflight(a_fine_ct, a_bundle, InferenceOptions(), slow)
    assert problem.message.startswith("The run will take about ") and problem.message.endswith(" h on the cpu.")
    assert "NVIDIA GTX 690" in problem.hint and "no kernel image" in problem.hint and not problem.blocking


def test_before_the_worker_was_asked_only_what_is_known_is_judged(a_fine_ct, a_bundle):
    assert messages(a_fine_ct, a_bundle, InferenceOptions(device="cuda"), replace(OFFICE, hardware=None)) == []


def test_blocking_problems_come_first(a_ct, a_bundle):
    found = messages(of_age(replace(a_ct, modality="PT"), 30.0), a_bundle)
    assert [blocking for _, blocking in found] == sorted((blocking for _, blocking in found), reverse=True)
    assert found[0][1] and not found[-1][1]


def test_this_machine_is_asked_for_disk_and_memory(tmp_path):
    machine = this_machine(None, tmp_path, lambda folder: 5 if folder == Path(tmp_path) else 0)
    assert machine.free_disk_bytes == 5 and machine.memory_mb > 100
