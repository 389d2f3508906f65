"""The CT and the segmentation in a scene saved by Slicer (``.mrb``, or ``.mrml`` with its files), without Slicer."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import unquote
from xml.etree import ElementTree

from ..errors import InputError
from ..writer_mark import MARK, is_left_over, new_mark
from .image_file import read_image
from .label_layers import LabelLayer, read_label_layers
from .volume import Volume

SCENE_SUFFIXES = (".mrb", ".mrml")
_BUNDLE = ".mrb"
_VOLUME, _SEGMENTATION = "Volume", "Segmentation"  # what MRML calls scalar volume nodes and segmentation nodes
_GEOMETRY_ROLE = "referenceImageGeometryRef"
_PREFIX = "pedseg-scene-"
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
    path = Path(path)
    if path.suffix.lower() != _BUNDLE:
        if not path.is_file():
            raise InputError(f"There is no file {path}.", "Check the path.")
        return read(path.parent / _file_name(path.read_bytes(), kind, path))
    try:
        with zipfile.ZipFile(path) as archive, _temporary_folder() as folder:
            scenes = [name for name in archive.namelist() if PurePosixPath(name).suffix == ".mrml"]
            if len(scenes) != 1 or archive.getinfo(scenes[0]).file_size > _LARGEST_MRML_BYTES:
                raise InputError(f"{path} holds no scene, or several.", _HINT)
            name = _file_name(archive.read(scenes[0]), kind, path)
            member = posixpath.normpath(posixpath.join(posixpath.dirname(scenes[0]), name))
            if member not in archive.namelist():
                raise InputError(f"{path} does not hold the file of its {_noun(kind)}.", _HINT)
            return read(Path(archive.extract(member, folder)))  # this file only: a scene may hold gigabytes more
    # What zipfile raises for damaged, encrypted and unknown kinds of archives.
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path} cannot be unpacked: {error}.", _HINT) from error


def _file_name(mrml: bytes, kind: str, path: Path) -> str:
    """Of the only node of a kind, as it stands in the scene."""
    try:
        root = ElementTree.fromstring(mrml)
    except ElementTree.ParseError as error:
        raise InputError(f"{path} is no scene: {error}.", _HINT) from error
    references = _references(_chosen(root, kind, path))
    if references.get("transform"):
        raise InputError(f"{path}: the {_noun(kind)} lies under a transform.", _HINT)
    storage = references.get("storage", "")
    name = next((each.get("fileName", "") for each in root if each.get("id") == storage), "")
    if not name:
        raise InputError(f"{path} names no file for its {_noun(kind)}.", _HINT)
    return unquote(name)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder for images of a patient; what processes of this machine that were killed have left of them goes."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        mark = MARK.match(folder.name, len(_PREFIX))
        if mark is not None and is_left_over(mark):
            shutil.rmtree(folder, ignore_errors=True)  # or it is another user's
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{new_mark()}-") as folder:
        yield Path(folder)


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
