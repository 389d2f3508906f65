"""rt-utils' helpers are there even where OpenCV cannot be loaded."""

from __future__ import annotations

import subprocess
import sys

from PediatricAbdomenSegLib.engine.cases import rt_utils_helpers as module

WITHOUT_OPENCV = """
import importlib.abc, sys

class NoLibGL(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")

sys.meta_path.insert(0, NoLibGL())
from PediatricAbdomenSegLib.engine.cases.rt_utils_helpers import rt_utils_helpers
ds_helper, utils = rt_utils_helpers()
assert "cv2" not in sys.modules
print(ds_helper.create_structure_set_roi.__name__, utils.ROIData.__name__)
"""


def test_a_machine_without_libgl_still_writes_structure_sets(repository):
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENCV],
        capture_output=True,
        text=True,
        cwd=repository / "PediatricAbdomenSeg",
    )
    assert run.stdout.split() == ["create_structure_set_roi", "ROIData"], run.stderr


def test_the_helpers_are_rt_utils_own():
    ds_helper, utils = module.rt_utils_helpers()
    assert ds_helper.__name__ == "rt_utils.ds_helper"
    assert utils.__name__ == "rt_utils.utils"
