"""``SampleData``: remembers the registered sources, so that tests can press their buttons."""

from __future__ import annotations

import types
from typing import Any

_PARAMETERS = {
    *("category", "sampleName", "uris", "fileNames", "nodeNames", "customDownloader", "thumbnailFileName"),
    *("loadFileTypes", "loadFiles", "loadFileProperties", "checksums", "loadFileType"),
}


def sample_data_module() -> types.ModuleType:
    """A fresh module; ``sources`` lists the keyword arguments of every registered source."""
    module = types.ModuleType("SampleData")
    module.sources = []

    class SampleDataLogic:
        """The registering half of Slicer's class."""

        @staticmethod
        def registerCustomSampleDataSource(**description: Any) -> None:
            unknown = set(description) - _PARAMETERS
            if unknown:
                raise TypeError(f"registerCustomSampleDataSource() got unexpected keyword arguments: {unknown}")
            module.sources.append(description)

    module.SampleDataLogic = SampleDataLogic
    return module
