"""``pedseg seg export``: label maps on a CT's grid to one DICOM Segmentation."""

from __future__ import annotations

import argparse
from pathlib import Path

from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options, stray_prints_to_stderr


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("seg", help="DICOM Segmentation for archives and research")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    export = actions.add_parser(
        "export", help="label maps to DICOM SEG", description="Label values are those of the organ table, 1 to 20."
    )
    export.add_argument("ct_folder", metavar="CT_FOLDER", type=Path, help="folder of the CT series")
    export.add_argument("labels", metavar="LABELS", type=Path, nargs="+", help="label maps on the grid of the series")
    export.add_argument("--output", metavar="FILE", type=Path, required=True, help="file to write")
    export.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="bundle that made the labels: once for all, or once for each label map",
    )
    export.add_argument("--series", metavar="UID", help="Series Instance UID where the folder holds several CT series")
    export.add_argument(
        "--encoding",
        choices=("binary", "labelmap", "labelmap-rle"),
        default="binary",
        help="binary, which every reader knows (default), or the smaller label map of the standard since 2024",
    )
    add_common_options(export, with_json=True)
    export.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace, console: Console) -> int:
    """Write the file and name its segments."""
    from ..worker.dicom_seg_job import export_dicom_seg
    from ..worker.protocol import Result

    with cancel_by_signal() as cancel, stray_prints_to_stderr():
        content = export_dicom_seg(
            arguments.ct_folder,
            arguments.labels,
            arguments.output,
            arguments.model,
            arguments.series,
            console.progress(),
            cancel,
            encoding=arguments.encoding,
        )
    console.event(Result("1", content))
    console.say(f"{len(content['segments'])} segments: {', '.join(content['segments'])}")
    for note in content["notes"]:
        console.say(f"Note: {note}")
    console.say(f"Written to {arguments.output}")
    return 0
