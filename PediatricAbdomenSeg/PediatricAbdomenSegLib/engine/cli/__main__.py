"""The command ``pedseg``: parse, run one subcommand, turn whatever happens into an exit code and a message.

Exit codes: 0 done, 1 defect of the software, 2 usage, 3 input, 4 model, 5 resources, 130 cancelled.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext, suppress

from PediatricAbdomenSegLib.engine.cli import (
    demo,
    dicom,
    labels,
    models,
    phantom,
    ratings,
    rtstruct,
    seg,
    segment,
    train_demo,
)
from PediatricAbdomenSegLib.engine.cli.console import Console, known_error, library_warnings_silenced
from PediatricAbdomenSegLib.engine.runtime.path_encoding import use_utf8_paths
from PediatricAbdomenSegLib.version import __version__

SUBCOMMANDS = (demo, phantom, segment, models, labels, rtstruct, seg, dicom, ratings, train_demo)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``pedseg`` with these arguments (None: those of the process) and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console of an old code page must not fail on a patient folder's name
            stream.reconfigure(errors="backslashreplace")
    use_utf8_paths()
    try:
        return _run(argv)
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        _drop_unread_output()
        return 0


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed its message or the help
        sys.stdout.flush()
        return int(end.code or 0)
    console = Console(as_json=getattr(arguments, "json", False))
    try:
        with nullcontext() if arguments.debug else library_warnings_silenced():
            return arguments.run(arguments, console)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if arguments.debug:
            traceback.print_exc()
        failure = known_error(error)
        console.failure(failure)
        return failure.exit_code


def _drop_unread_output() -> None:
    """Lead what is still buffered to nowhere: the interpreter flushes it at its end and would complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            with suppress(OSError):  # a stream of another program's, without a file behind it
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def make_parser() -> argparse.ArgumentParser:
    """The parser of ``pedseg`` with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="pedseg",
        description="Organs at risk and hepatoblastoma on a child's CT: from DICOM to contours and an RTSTRUCT. "
        "The bundled models are demonstrations trained on synthetic phantoms, not for clinical use.",
    )
    parser.add_argument("--version", action="version", version=f"pedseg {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for subcommand in SUBCOMMANDS:
        subcommand.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
