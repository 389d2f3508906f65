"""rt-utils' dataset helpers, also on machines without a graphics library."""

from __future__ import annotations

import sys
from types import ModuleType


def rt_utils_helpers() -> tuple[ModuleType, ModuleType]:
    """The modules ``rt_utils.ds_helper`` and ``rt_utils.utils``.

    rt-utils imports OpenCV for its contouring, which is not used here. On servers and slim containers OpenCV's wheel
    cannot be loaded because the system's libGL is missing, which nobody without admin rights can change. There an
    empty module stands in for OpenCV while rt-utils is imported.

    Raises:
        ImportError: rt-utils itself is not installed.
    """
    try:
        from rt_utils import ds_helper, utils
    except ImportError as error:
        if error.name == "rt_utils":
            raise
        sys.modules["cv2"] = ModuleType("cv2")
        try:
            from rt_utils import ds_helper, utils
        finally:
            del sys.modules["cv2"]
    return ds_helper, utils
