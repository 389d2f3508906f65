from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.inference.memory import (
    available_memory_mb,
    needed_memory_mb,
    peak_memory_mb,
    refuse_if_impossible,
)
from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan


def test_the_peak_grows_with_what_is_taken():
    before = peak_memory_mb()
    block = np.ones(int(before + 100) * 1_000_000 // 8)
    assert peak_memory_mb() >= before + 50
    assert block[-1] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a maximum across exec")
def test_a_child_process_does_not_report_its_parents_peak():
    block = np.ones(400_000_000 // 8)
    code = "from PediatricAbdomenSegLib.engine.inference.memory import peak_memory_mb as p; print(p())"
    path = os.pathsep.join(sys.path)
    child = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True
    )
    assert float(child.stdout) < 300
    assert block[-1] == 1


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not say")
def test_free_memory_is_known_and_positive():
    assert available_memory_mb() > 0


def test_a_run_that_cannot_fit_is_refused_before_it_starts():
    with pytest.raises(ResourceError, match="needs about 9000 MB"):
        refuse_if_impossible(9000.0, 800.0)


@pytest.mark.parametrize("available", [None, 9001.0])
def test_a_run_that_may_fit_is_not_refused(available):
    refuse_if_impossible(9000.0, available)


def test_larger_patches_and_images_need_more(a_toy_bundle):
    plan = read_network_plan(a_toy_bundle.folder, "3d_fullres")
    small = needed_memory_mb(plan, (16, 32, 32), (20, 40, 40), 4, 1)
    assert needed_memory_mb(plan, (16, 320, 320), (20, 40, 40), 4, 1) > small
    assert needed_memory_mb(plan, (16, 32, 32), (200, 400, 400), 4, 1) > small
    assert needed_memory_mb(replace(plan, patch_size=(64, 192, 192)), (16, 32, 32), (20, 40, 40), 4, 1) > small
