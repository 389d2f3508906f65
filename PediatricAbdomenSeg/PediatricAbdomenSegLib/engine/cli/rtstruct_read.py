"""``pedseg rtstruct read``: what an RTSTRUCT holds, and its organs as a label map on the CT."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..progress import ProgressEvent, StageProgress
from ..wording import counted
from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options, stray_prints_to_stderr
from .label_output import require_writable_name, write_labels

if TYPE_CHECKING:
    from ..cases.rtstruct_reader import RtStructContents, RtStructRoi
    from ..organs import Organ

DESCRIPTION = """
Lists the ROIs of an RTSTRUCT of any system with their volumes on the CT, and the organ of the table each is by its name
or code. --output writes those that are certain as one label map; where two overlap the organ of higher priority wins.
"""


def add_parser(actions: argparse._SubParsersAction) -> None:
    """Add the action to those of ``pedseg rtstruct``."""
    read = actions.add_parser("read", help="RTSTRUCT to a label map", description=DESCRIPTION)
    read.add_argument("rtstruct", metavar="RTSTRUCT", type=Path, help="the file")
    read.add_argument("ct", metavar="CT", type=Path, help="folder of the CT series, or an image file on its grid")
    read.add_argument("--output", metavar="FILE", type=Path, help="label map: .nii.gz, .nrrd, .mha or .seg.nrrd")
    read.add_argument("--roi", metavar="NAME", action="append", help="only this ROI; may be given several times")
    read.add_argument(
        "--assign", metavar="NAME=ORGAN", action="append", default=[], help='organ of an ROI, as in "My liver=liver"'
    )
    read.add_argument("--fill-gaps", action="store_true", help="interpolate slices without contours or images")
    read.add_argument("--any-frame", action="store_true", help="accept contours of another frame of reference")
    read.add_argument("--series", metavar="UID", help="Series Instance UID where the folder holds several CT series")
    add_common_options(read, with_json=True)
    read.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """List the ROIs and write the label map."""
    from ..cases.read_case import read_case
    from ..cases.rtstruct_labels import rtstruct_labels
    from ..cases.rtstruct_reader import read_rtstruct
    from ..organs import organ_by_key
    from ..worker.protocol import Result

    assigned = dict(_assignment(text) for text in arguments.assign)
    if arguments.output:
        require_writable_name(arguments.output)
    with cancel_by_signal() as cancel, stray_prints_to_stderr():
        stages = StageProgress({"read": 2, "rtstruct": 1}, console.progress(), cancel)

        def on_progress(event: ProgressEvent) -> None:
            stages.report(event.stage, event.fraction)

        gaps = "fill" if arguments.fill_gaps else "refuse"
        volume = read_case(arguments.ct, arguments.series, on_progress, gaps, fewest_slices=1)
        contents = read_rtstruct(
            arguments.rtstruct,
            volume,
            names=arguments.roi,
            fill_gaps=arguments.fill_gaps,
            any_frame=arguments.any_frame,
            on_progress=on_progress,
        )
        labels = rtstruct_labels(contents, volume.geometry, assigned) if arguments.output else None
        if labels is not None:
            write_labels(labels.label_map, tuple(map(organ_by_key, labels.organs)), arguments.output)
    for note in (*volume.notes, *contents.warnings):
        console.warn(note)
    _show(contents, assigned, volume.geometry.voxel_volume_ml, console)
    content = _as_json(contents, assigned, volume.geometry.voxel_volume_ml)
    if labels is not None:
        if labels.overlapping_voxels:
            console.warn(f"{labels.overlapping_voxels} voxels lie in several organs; the higher priority has them.")
        content |= {"output": str(arguments.output), "overlapping_voxels": labels.overlapping_voxels}
        written, left_out = counted(len(labels.organs), "organ"), counted(len(labels.left_out), "ROI")
        console.say(f"{written} written to {arguments.output}; {left_out} left out")
    console.event(Result("1", content))
    return 0


def _assignment(text: str) -> tuple[str, Organ]:
    from ..organs import organ_by_key

    name, equals, key = text.rpartition("=")
    if not (name and equals):
        raise UsageError(f"--assign {text} is not NAME=ORGAN.", 'For example --assign "My liver=liver".')
    return name, organ_by_key(key)


def _show(contents: RtStructContents, assigned: dict[str, Organ], voxel_ml: float, console: Console) -> None:
    for roi in contents.rois:
        organ = assigned.get(roi.name, roi.organ)
        meaning = organ.key if organ else _maybe(roi.candidates)
        console.say(f"{roi.number:4d}  {roi.name or '(no name)'}: {meaning}, {roi.region.voxels * voxel_ml:.1f} ml")
        for warning in roi.warnings:
            console.warn(f"      {roi.name}: {warning}")


def _maybe(candidates: Sequence[Organ]) -> str:
    return f"perhaps {' or '.join(organ.key for organ in candidates)}" if candidates else "no organ of the table"


def _as_json(contents: RtStructContents, assigned: dict[str, Organ], voxel_ml: float) -> dict[str, Any]:
    def one(roi: RtStructRoi) -> dict[str, Any]:
        organ = assigned.get(roi.name, roi.organ)
        return {
            "number": roi.number,
            "name": roi.name,
            "organ": organ.key if organ else None,
            "candidates": [candidate.key for candidate in roi.candidates],
            "interpreted_type": roi.interpreted_type,
            "generation_algorithm": roi.generation_algorithm,
            "voxels": roi.region.voxels,
            "volume_ml": round(roi.region.voxels * voxel_ml, 3),
            "warnings": list(roi.warnings),
        }

    return {"label": contents.label, "rois": [one(roi) for roi in contents.rois], "warnings": list(contents.warnings)}
