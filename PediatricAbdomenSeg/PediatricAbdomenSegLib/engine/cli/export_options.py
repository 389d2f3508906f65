"""What ``pedseg rtstruct export`` and ``pedseg seg export`` have in common: their options, and what they say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .console import Console, add_common_options

ABOUT_LABELS = """
Label values are those of the organ table, 1 to 20; segmentations saved by 3D Slicer (.seg.nrrd) may have any, and may
overlap. Label maps need not lie on the CT's grid: they are resampled where they must be, which is said.
"""


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Which CT, which labels, where to."""
    parser.add_argument("ct_folder", metavar="CT_FOLDER", type=Path, help="folder of the CT series")
    parser.add_argument("labels", metavar="LABELS", type=Path, nargs="+", help="label maps or segmentations")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="file to write")
    parser.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="bundle that made the labels: once for all, or once for each label map",
    )
    parser.add_argument(
        "--edited", metavar="KEY", nargs="+", action="extend", default=[], help="organs that you have corrected"
    )
    parser.add_argument("--series", metavar="UID", help="Series Instance UID where the folder holds several CT series")
    add_common_options(parser, with_json=True)


def show_export(content: dict[str, Any], kind: str, output: Path, console: Console) -> None:
    """Tell what was written.

    Args:
        content: as the job returns it.
        kind: "rois" or "segments", its key with their names.
    """
    from ..worker.protocol import Result

    console.event(Result("1", content))
    names = content[kind]
    noun = ("ROI" if kind == "rois" else "segment") + "s" * (len(names) != 1)
    console.say(f"{len(names)} {noun}: {', '.join(names)}")
    for note in content["notes"]:
        console.say(f"Note: {note}")
    console.say(f"Written to {output}")
