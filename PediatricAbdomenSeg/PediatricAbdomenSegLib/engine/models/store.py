"""Where model bundles lie, which there are, and whether one is still what its manifest says."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checksums import sha256_of_file
from ..errors import ModelError
from ..progress import Check, never_stop
from ..user_folder import user_folder
from .manifest import MANIFEST_NAME, BundleManifest, read_manifest
from .nnunet_folder import read_class_names
from .weights_file import WEIGHTS_NAME

MODELS_VARIABLE = "PEDSEG_MODELS"

_LIBRARY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Bundle:
    """A model bundle whose manifest is valid; its files are not verified yet (`verify_bundle`).

    Attributes:
        folder: holds ``bundle.json``, ``plans.json``, ``dataset.json`` and the folds.
        manifest: the contents of ``bundle.json``.
        sha256: `BundleManifest.sha256`, identifies the bundle with all its files.
    """

    folder: Path
    manifest: BundleManifest
    sha256: str


@dataclass(frozen=True)
class ListedBundle:
    """One folder of the search path that holds a ``bundle.json``.

    Attributes:
        name: the manifest's name; the folder's when the manifest cannot be read.
        folder: where it lies.
        bundle: None when the manifest cannot be read.
        error: why not; None when it could.
    """

    name: str
    folder: Path
    bundle: Bundle | None
    error: ModelError | None


def open_bundle(folder: Path) -> Bundle:
    """Read the manifest of the bundle in ``folder``.

    Raises:
        ModelError: there is no valid ``bundle.json``.
    """
    manifest = read_manifest(Path(folder))
    return Bundle(Path(folder), manifest, manifest.sha256)


def list_bundles(search: Sequence[Path] | None = None) -> tuple[ListedBundle, ...]:
    """Every bundle on the search path (`search_folders`); of two with one name the first found.

    A bundle with a broken manifest is listed with its error and hides no other one. Empty when there is none.
    """
    found: dict[str, ListedBundle] = {}
    for folder in (bundle for base in search_folders(search) for bundle in _bundle_folders(base)):
        listed = _listed(folder)
        known = found.get(listed.name)
        if known is None or (known.bundle is None and listed.bundle is not None):
            found[listed.name] = listed
    return tuple(found[name] for name in sorted(found))


def find_bundle(name_or_path: str | Path, search: Sequence[Path] | None = None) -> Bundle:
    """The bundle of that name on the search path, or in that folder.

    Args:
        name_or_path: a name as in `list_bundles`; a `Path`, or a text with a path separator, is a bundle's folder.
        search: folders to look into first, see `search_folders`.

    Raises:
        ModelError: there is none (the message lists those there are), or its manifest is broken.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text:
        return open_bundle(Path(name_or_path))
    listing = list_bundles(search)
    for listed in listing:
        if listed.name == text:
            if listed.bundle is None:
                raise listed.error
            return listed.bundle
    if (Path(text) / MANIFEST_NAME).is_file():
        return open_bundle(Path(text))
    names = ", ".join(listed.name for listed in listing if listed.bundle) or "none"
    raise ModelError(
        f'There is no model "{text}". Available: {names}.',
        f"Choose one of these, give a bundle's folder, or add its parent folder to {MODELS_VARIABLE}.",
    )


def verify_bundle(bundle: Bundle, check: Check = never_stop) -> None:
    """Compare every file of a bundle with its manifest; to be called before weights are loaded.

    Args:
        check: called between pieces of the files.

    Raises:
        ModelError: names the first file that is altered, missing or unreadable, weights that the manifest does not
            name, or an organ whose label the network does not have. Other files beside them (a read-me, thumbnails)
            are never read and do not matter.
    """
    if open_bundle(bundle.folder).sha256 != bundle.sha256:
        raise _spoilt(bundle, f"{MANIFEST_NAME} has changed since the model was opened")
    for name, expected in bundle.manifest.files.items():
        try:
            actual = sha256_of_file(bundle.folder / name, check)
        except OSError as error:
            raise _spoilt(bundle, f"{name} is missing or cannot be read ({error.strerror})") from error
        if actual != expected:
            raise _spoilt(bundle, f"{name} is altered: SHA-256 {actual}, but {expected} in {MANIFEST_NAME}")
    for path in sorted(bundle.folder.rglob(WEIGHTS_NAME)):
        name = path.relative_to(bundle.folder).as_posix()
        if name not in bundle.manifest.files:
            raise _spoilt(bundle, f"{name} is not named in {MANIFEST_NAME}")
    highest = len(read_class_names(bundle.folder)) - 1
    for label, key in bundle.manifest.organs.items():
        if label > highest:  # it would come out empty for every patient, without a word
            raise _spoilt(bundle, f"{key} has label {label}, but the network's labels end at {highest}")


def search_folders(
    search: Sequence[Path] | None = None,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    home: Path | None = None,
) -> tuple[Path, ...]:
    """Folders that may hold bundles, first wins: ``search``, PEDSEG_MODELS, the user's own, those shipped.

    Folders that do not exist are kept: a message can name them. A folder that is itself a bundle counts as one.
    """
    folders = [Path(folder) for folder in search or ()]
    folders += [Path(part) for part in environ.get(MODELS_VARIABLE, "").split(os.pathsep) if part]
    folders.append(user_models_folder(environ, platform, home))
    folders.append(_LIBRARY / "Resources" / "Models")  # an installed wheel
    if _LIBRARY.parent.name == "PediatricAbdomenSeg":
        folders.append(_LIBRARY.parents[1] / "Resources" / "Models")  # a checkout
    return tuple(dict.fromkeys(folders))


def user_models_folder(
    environ: Mapping[str, str] = os.environ, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """The per-user folder for models that were added later; need not exist."""
    return user_folder(environ, platform, home) / "Models"


def _bundle_folders(base: Path) -> tuple[Path, ...]:
    if not os.access(base, os.R_OK | os.X_OK):  # absent, or another user's
        return ()
    if (base / MANIFEST_NAME).is_file():
        return (base,)
    if not base.is_dir():
        return ()
    return tuple(sorted(folder for folder in base.iterdir() if (folder / MANIFEST_NAME).is_file()))


def _listed(folder: Path) -> ListedBundle:
    try:
        bundle = open_bundle(folder)
    except ModelError as error:
        return ListedBundle(folder.name, folder, None, error)
    return ListedBundle(bundle.manifest.name, folder, bundle, None)


def _spoilt(bundle: Bundle, problem: str) -> ModelError:
    return ModelError(
        f'Model "{bundle.manifest.name}" in {bundle.folder}: {problem}.',
        "Do not use it for patients; install it again from where it came from.",
    )
