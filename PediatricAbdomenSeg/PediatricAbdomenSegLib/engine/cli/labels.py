"""``pedseg labels merge``: the organs of several models in one label map."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..wording import counted
from .console import Console, add_common_options, stray_prints_to_stderr
from .label_output import require_writable_name, write_labels

if TYPE_CHECKING:
    from ..cases.label_layers import LabelLayer

DESCRIPTION = """
Puts the organs of several label maps of one CT, such as those of two models, into one. Where two claim a voxel, spleen,
kidneys and heart come before pancreas and liver, these before stomach and bowel, these before the lungs, and all of
them before every other organ; of equals the file named first. A bundle named with --model may put organs of its own
first. A tumour lies inside the organ it grows from and stays out; export it beside the organs.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("labels", help="label maps of several models in one")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    merge = actions.add_parser("merge", help="several label maps into one", description=DESCRIPTION)
    merge.add_argument("labels", metavar="LABELS", type=Path, nargs="+", help="label maps or segmentations (.seg.nrrd)")
    merge.add_argument("--output", metavar="FILE", type=Path, required=True, help=".nii.gz, .nrrd, .mha or .seg.nrrd")
    merge.add_argument(
        "--model",
        metavar="NAME",
        action="append",
        default=[],
        help="bundle whose order of organs comes first; may be given several times, the first one wins",
    )
    add_common_options(merge, with_json=True)
    merge.set_defaults(run=run_merge)


def run_merge(arguments: argparse.Namespace, console: Console) -> int:
    """Write the file and name its organs."""
    from ..cases.label_boxes import labels_present
    from ..inference.postprocessing import merge_label_maps
    from ..models.store import find_bundle
    from ..organs import organs_of_type
    from ..worker.export_masks import require_no_input
    from ..worker.protocol import Result

    require_writable_name(arguments.output)
    require_no_input(arguments.output, arguments.labels)
    bundles = [find_bundle(name) for name in arguments.model]
    priority = tuple(dict.fromkeys(key for bundle in bundles for key in bundle.manifest.fusion_priority))
    with stray_prints_to_stderr():
        layers = _read(arguments.labels)
        merged = merge_label_maps([layer.label_map for layer in layers], priority)
        found = labels_present([merged.array])
        organs = [organ for kind in ("type1", "type2") for organ in organs_of_type(kind) if organ.label in found]
        models = {label: model for layer in reversed(layers) for label, model in layer.models.items()}
        write_labels(merged, organs, arguments.output, models)
    keys = [organ.key for organ in organs]
    console.event(Result("1", {"organs": keys, "output": str(arguments.output)}))
    console.say(f"{counted(len(keys), 'organ')} in {arguments.output}: {', '.join(keys) or 'none'}")
    return 0


def _read(paths: Sequence[Path]) -> list[LabelLayer]:
    """All layers of all files; raises `InputError` that names the file which lies elsewhere than the first."""
    from ..cases.label_layers import read_label_layers

    layers: list[LabelLayer] = []
    for path in paths:
        layers += read_label_layers(path)
        if not layers[0].label_map.geometry.is_close_to(layers[-1].label_map.geometry):
            raise InputError(
                f"{path} does not lie on the grid of {paths[0]}.", "Merge only label maps made from the same image."
            )
    return layers
