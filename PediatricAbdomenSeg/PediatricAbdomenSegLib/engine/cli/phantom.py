"""``pedseg phantom``: a synthetic child's CT with its truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from .cancel_signals import cancel_by_signal
from .console import Console, add_common_options


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    from ..phantom.spec import POSITIONS, SIDES

    parser = commands.add_parser(
        "phantom",
        help="make a synthetic child's CT with known organs",
        description="Writes OUT/ct/*.dcm, OUT/labels.nii.gz (the truth) and OUT/case.json.",
    )
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument("--age-years", type=float, default=4.0, help="0 to 17 (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another child (%(default)s)")
    parser.add_argument("--nephrectomy", choices=SIDES, help="a kidney that was removed")
    parser.add_argument("--tumour-ml", type=float, metavar="N", help="volume of a hepatoblastoma (none)")
    parser.add_argument("--position", choices=POSITIONS, default="HFS", help="patient position (%(default)s)")
    parser.add_argument("--slices", type=int, metavar="N", help="number of slices (mid-chest to pelvis)")
    parser.add_argument("--spacing", type=float, nargs=3, metavar=("Z", "Y", "X"), help="voxel spacing in mm")
    parser.add_argument(
        "--contrast", action=argparse.BooleanOptionalAction, default=True, help="intravenous contrast (given)"
    )
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make and write the phantom."""
    from ..phantom.ct_series import require_no_patient, write_phantom
    from ..phantom.make import make_phantom
    from ..phantom.spec import PhantomSpec

    spec = PhantomSpec(
        age_years=arguments.age_years,
        seed=arguments.seed,
        nephrectomy=arguments.nephrectomy,
        tumour_ml=arguments.tumour_ml,
        position=arguments.position,
        slices=arguments.slices,
        spacing_mm=tuple(arguments.spacing) if arguments.spacing else None,
        contrast=arguments.contrast,
    )
    require_no_patient(arguments.out)  # before anything is computed
    with cancel_by_signal() as cancel:
        phantom = make_phantom(spec, cancel.raise_if_cancelled)
        write_phantom(phantom, arguments.out, cancel.raise_if_cancelled)
    depth, height, width = phantom.volume.geometry.shape
    console.say(f"{width} × {height} × {depth} voxels, {arguments.position}, written to {arguments.out}")
    return 0
