"""``pedseg models``: which bundles there are, what one is, whether it is intact."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import ModelError
from .console import Console, add_common_options

if TYPE_CHECKING:
    from ..models.store import Bundle


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("models", help="list, show or verify the model bundles")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all bundles that are found")
    listing.set_defaults(run=run_list)
    show = actions.add_parser("show", help="everything a bundle says about itself")
    show.add_argument("name", metavar="NAME", help="bundle name or folder")
    show.set_defaults(run=run_show)
    verify = actions.add_parser("verify", help="compare the SHA-256 of every file")
    verify.add_argument("name", metavar="NAME", nargs="?", help="bundle name or folder (all)")
    verify.set_defaults(run=run_verify)
    for each in (listing, show, verify):
        add_common_options(each)


def run_list(arguments: argparse.Namespace, console: Console) -> int:
    """One line per bundle, then where they were looked for; one that cannot be read is listed with its error."""
    from ..models.store import list_bundles, search_folders

    listing = list_bundles()
    for listed in listing:
        if listed.bundle is None:
            console.warn(f"{listed.name}: {listed.error.message}\n  {listed.error.hint}")
            continue
        manifest = listed.bundle.manifest
        console.say(f"{manifest.name:<20} {manifest.version:<8} {manifest.status:<14} {manifest.title}")
    folders = "\n".join(f"  {folder}" for folder in search_folders())
    console.say(f"{'' if listing else 'No models. '}Looked in:\n{folders}")
    return 0


def run_show(arguments: argparse.Namespace, console: Console) -> int:
    """The manifest, for people, with the bundle's own SHA-256."""
    from ..models.store import find_bundle
    from ..organs import organ_by_key

    bundle = find_bundle(arguments.name)
    manifest = bundle.manifest
    low, high = manifest.age_range_years
    window = manifest.intensity_window_hu
    rows = {
        "Name": manifest.name,
        "Title": manifest.title,
        "Version": manifest.version,
        "Status": manifest.status,
        "Target": manifest.target,
        "Modality": manifest.modality,
        "Contrast": manifest.contrast,
        "Age range": f"{low:g} to {high:g} years",
        "Intensities": "as they are" if window is None else f"confined to {window[0]:g} to {window[1]:g} HU",
        "Intended use": manifest.intended_use,
        "Training data": manifest.training_data,
        "Licence": manifest.licence,
        "Citation": manifest.citation or "none",
        "Folder": bundle.folder,
        "SHA-256": bundle.sha256,
    }
    for name, value in rows.items():
        console.say(f"{name + ':':<15}{value}")
    console.say("Organs:")
    for label, key in manifest.organs.items():
        step = manifest.postprocessing.get(key, "")
        console.say(f"{label:>4}  {organ_by_key(key).display_name:<30}{key:<30}{step.replace('_', ' ')}".rstrip())
    return 0


def run_verify(arguments: argparse.Namespace, console: Console) -> int:
    """Verify one bundle or all; every bad one is reported. Exit code 4 if there is any."""
    from ..models.store import find_bundle, list_bundles

    if arguments.name:
        _verify(find_bundle(arguments.name), console)
        return 0
    bad = 0
    for listed in list_bundles():
        try:
            if listed.bundle is None:
                raise listed.error
            _verify(listed.bundle, console)
        except ModelError as error:
            console.failure(error)
            bad += 1
    return ModelError.exit_code if bad else 0


def _verify(bundle: Bundle, console: Console) -> None:
    from ..models.store import verify_bundle

    verify_bundle(bundle)
    console.say(f"{bundle.manifest.name} {bundle.manifest.version}: {len(bundle.manifest.files)} files intact")
