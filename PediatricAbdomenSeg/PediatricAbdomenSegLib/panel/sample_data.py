"""The phantom among Slicer's sample data: made on the spot by the worker, nothing is downloaded.

Slicer runs this file when it starts; what makes the phantom is imported when somebody asks for it.
"""

from __future__ import annotations

from typing import Any

CATEGORY = "Pediatric Abdomen Segmentation"
SAMPLE_NAME = "PediatricAbdomenPhantom"


def register_sample_data() -> None:
    """Add the phantom to the module Sample Data."""
    import SampleData  # a module of Slicer, there once the application has started

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE_NAME,
        uris="",
        fileNames="",
        nodeNames=SAMPLE_NAME,
        customDownloader=load_phantom,
    )


def load_phantom(source: Any = None) -> list[Any]:
    """Make the phantom and load it; returns the volume nodes, none where that failed and the user was told why.

    Args:
        source: what Slicer's Sample Data module hands to a downloader; not needed.
    """
    from .phantom_series import load_new_phantom

    return load_new_phantom()
