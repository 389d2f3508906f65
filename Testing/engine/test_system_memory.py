from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from PediatricAbdomenSegLib.engine.errors import ResourceError
from PediatricAbdomenSegLib.engine.system_memory import available_memory_mb, peak_memory_mb, require_memory


def test_the_peak_grows_with_what_is_taken():
    before = peak_memory_mb()
    block = np.ones(int(before + 100) * 1_000_000 // 8)
    assert peak_memory_mb() >= before + 50
    assert block[-1] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a maximum across exec")
def test_a_child_process_does_not_report_its_parents_peak():
    block = np.ones(400_000_000 // 8)
    code = "from PediatricAbdomenSegLib.engine.system_memory import peak_memory_mb as p; print(p())"
    path = os.pathsep.join(sys.path)
    child = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True
    )
    assert float(child.stdout) < 300
    assert block[-1] == 1


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not say")
def test_free_memory_is_known_and_positive():
    assert available_memory_mb() > 0


def test_what_cannot_fit_is_refused_with_both_figures():
    with pytest.raises(
        ResourceError, match="The run needs about 9000 MB of memory, but only 800 MB are free."
    ) as caught:
        require_memory(9000.0, 800.0, "The run", "Close other programs.")
    assert caught.value.hint == "Close other programs."


@pytest.mark.parametrize("available", [None, 9001.0])
def test_what_may_fit_is_not_refused(available):
    require_memory(9000.0, available, "The run", "")
