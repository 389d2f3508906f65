"""The CT and the segmentation in a scene saved by Slicer (``.mrb``, or ``.mrml`` with its files), without Slicer."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import unquote
from xml.etree import ElementTree

from ..errors import InputError
from .image_file import read_image
from .label_layers import LabelLayer, read_label_layers
from .volume import Volume

SCENE_SUFFIXES = (".mrb", ".mrml")
_BUNDLE = ".mrb"
_VOLUME, _SEGMENTATION = "Volume", "Segmentation"  # what MRML calls scalar volume nodes and segmentation nodes
_GEOMETRY_ROLE = "referenceImageGeometryRef"
_LARGEST_MRML_BYTES = 1 << 26
_HINT = "Save the scene again in Slicer with one CT and one segmentation, both outside of transforms."
Content = TypeVar("Content")


def read_scene_image(path: Path) -> Volume:
    """The CT of a scene: the only volume, or the one that the only segmentation was drawn on.

    Raises:
        InputError: damaged, no or several CTs, a CT under a transform, or its file cannot be read.
    """
    return _read(path, _VOLUME, read_image)


def read_scene_contours(path: Path) -> tuple[LabelLayer, ...]:
    """The only segmentation of a scene, see `read_label_layers`.

    Raises:
        InputError: damaged, no or several segmentations, one under a transform, or its file cannot be read.
    """
    return _read(path, _SEGMENTATION, read_label_layers)


def _read(path: Path, kind: str, read: Callable[[Path], Content]) -> Content:
    with _unpacked(Path(path)) as mrml:
        try:
            root = ElementTree.parse(mrml).getroot()
        except ElementTree.ParseError as error:
            raise InputError(f"{path} is no scene: {error}.", _HINT) from error
        node = _chosen(root, kind, path)
        references = _references(node)
        if references.get("transform"):
            raise InputError(f"{path}: the {_noun(kind)} lies under a transform.", _HINT)
        storage = references.get("storage", "")
        name = next((each.get("fileName", "") for each in root if each.get("id") == storage), "")
        if not name:
            raise InputError(f"{path} names no file for its {_noun(kind)}.", _HINT)
        return read(mrml.parent / unquote(name))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The .mrml file of a scene; that of a bundle in a folder that is removed afterwards."""
    if path.suffix.lower() != _BUNDLE:
        if not path.is_file():
            raise InputError(f"There is no file {path}.", "Check the path.")
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if PurePosixPath(name).suffix == ".mrml"]
                if len(names) != 1 or archive.getinfo(names[0]).file_size > _LARGEST_MRML_BYTES:
                    raise InputError(f"{path} holds no scene, or several.", _HINT)
                archive.extractall(folder)
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{path} cannot be unpacked: {error}.", _HINT) from error
        yield Path(folder) / names[0]


def _chosen(root: ElementTree.Element, kind: str, path: Path) -> ElementTree.Element:
    nodes = [node for node in root if node.tag == kind]
    if kind == _VOLUME and len(nodes) > 1:
        drawn_on = {_references(each).get(_GEOMETRY_ROLE) for each in root if each.tag == _SEGMENTATION}
        nodes = [node for node in nodes if node.get("id") in drawn_on]
    if len(nodes) != 1:
        raise InputError(f"{path} holds {len(nodes) or 'no'} {_noun(kind)}, where one is needed.", _HINT)
    return nodes[0]


def _references(node: ElementTree.Element) -> dict[str, str]:
    """Role to node ID, as in ``role:id;role:id id;``; of several IDs the first."""
    entries = (entry.partition(":") for entry in node.get("references", "").split(";"))
    return {role: ids.split()[0] for role, _, ids in entries if ids.split()}


def _noun(kind: str) -> str:
    return "CT" if kind == _VOLUME else "segmentation"
