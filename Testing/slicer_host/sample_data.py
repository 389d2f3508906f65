"""``SampleData``: remembers the registered sources, so that tests can press their buttons."""

from __future__ import annotations

import types
from typing import Any


def sample_data_module() -> types.ModuleType:
    """A fresh module; ``sources`` lists the keyword arguments of every registered source."""
    module = types.ModuleType("SampleData")
    module.sources = []

    class SampleDataLogic:
        """The registering half of Slicer's class."""

        @staticmethod
        def registerCustomSampleDataSource(**description: Any) -> None:
            module.sources.append(description)

    module.SampleDataLogic = SampleDataLogic
    return module
