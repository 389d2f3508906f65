"""``pedseg seg export``: label maps to one DICOM Segmentation."""

from __future__ import annotations

import argparse

from .cancel_signals import cancel_by_signal
from .console import Console, stray_prints_to_stderr
from .export_options import ABOUT_LABELS, add_export_options, show_export


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("seg", help="DICOM Segmentation for archives and research")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    export = actions.add_parser("export", help="label maps to DICOM SEG", description=ABOUT_LABELS)
    add_export_options(export)
    export.add_argument(
        "--encoding",
        choices=("binary", "labelmap", "labelmap-rle"),
        default="binary",
        help="binary, which every reader knows (default), or the smaller label map of the standard since 2024",
    )
    export.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace, console: Console) -> int:
    """Write the file and name its segments."""
    from ..worker.dicom_seg_job import export_dicom_seg

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
            edited=arguments.edited,
        )
    show_export(content, "segments", arguments.output, console)
    return 0
