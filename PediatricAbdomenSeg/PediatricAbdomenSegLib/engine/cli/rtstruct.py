"""``pedseg rtstruct export``: label maps to one RTSTRUCT."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..cases.outline_style import DEFAULT_SIMPLIFY_PX, DEFAULT_SMOOTH_PX
from . import rtstruct_read
from .cancel_signals import cancel_by_signal
from .console import Console, stray_prints_to_stderr
from .export_options import ABOUT_LABELS, add_export_options, show_export

ABOUT_OUTLINES = """
Outlines give back exactly the label map unless --smooth and --simplify go beyond a third of a pixel together.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("rtstruct", help="contours for planning systems")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    rtstruct_read.add_parser(actions)
    export = actions.add_parser("export", help="label maps to RTSTRUCT", description=ABOUT_LABELS + ABOUT_OUTLINES)
    add_export_options(export)
    export.add_argument(
        "--organs", metavar="KEY", nargs="+", action="extend", help="only these organs, for example liver kidney_left"
    )
    export.add_argument(
        "--names",
        choices=("tg263", "display", "short"),
        default="tg263",
        help="ROI names: TG-263 (default), for people, or at most 16 plain characters",
    )
    export.add_argument("--body", action="store_true", help="also outline the body on the CT, as EXTERNAL")
    export.add_argument(
        "--smooth",
        metavar="PX",
        nargs="?",
        type=float,
        default=0.0,
        const=DEFAULT_SMOOTH_PX,
        help="round the steps of the outlines by at most this part of a pixel (%(const)s without a number)",
    )
    export.add_argument(
        "--simplify",
        metavar="PX",
        nargs="?",
        type=float,
        default=0.0,
        const=DEFAULT_SIMPLIFY_PX,
        help="leave out points within this part of a pixel (%(const)s without a number)",
    )
    export.add_argument("--append-to", metavar="RTSTRUCT", type=Path, help="keep the ROIs and references of this one")
    export.add_argument(
        "--replace",
        metavar="NAME",
        nargs="+",
        action="extend",
        default=[],
        help="ROIs of that RTSTRUCT to give the new contours to",
    )
    export.add_argument(
        "--replace-same", action="store_true", help="replace those of its ROIs that are named after the same organs"
    )
    export.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace, console: Console) -> int:
    """Write the file and name its ROIs."""
    from ..cases.outline_style import OutlineStyle
    from ..worker.rtstruct_job import RtStructOptions, export_rtstruct

    options = RtStructOptions(
        name_style=arguments.names,
        organs=tuple(arguments.organs) if arguments.organs else None,
        edited=tuple(arguments.edited),
        style=OutlineStyle(arguments.smooth, arguments.simplify),
        body=arguments.body,
        append_to=arguments.append_to,
        replaced=tuple(arguments.replace),
        replace_same=arguments.replace_same,
    )
    with cancel_by_signal() as cancel, stray_prints_to_stderr():
        content = export_rtstruct(
            arguments.ct_folder,
            arguments.labels,
            arguments.output,
            arguments.model,
            arguments.series,
            options,
            console.progress(),
            cancel,
        )
    show_export(content, "rois", arguments.output, console)
    return 0
