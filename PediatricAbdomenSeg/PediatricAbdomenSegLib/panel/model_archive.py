"""A model bundle out of a ZIP file from somewhere: nothing may land outside the folder it is unpacked into."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from slicer.i18n import tr as _

from ..engine.cases.atomic_file import as_resource_error
from ..engine.errors import ModelError
from ..engine.models.manifest import MANIFEST_NAME

LARGEST_BYTES = 8_000_000_000  # unpacked; five folds of the largest published networks are half of it
_ENCRYPTED = 0x1  # of a member's flags
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack_bundle(archive: Path, folder: Path) -> Path:
    """Unpack a ZIP file and return the folder of the bundle in it: its top, or the one folder at its top.

    Raises:
        ModelError: no ZIP file, a damaged, oversized or encrypted one, one with paths that lead outside or in an
            unusual compression, or no bundle in it.
        ResourceError: the disk is full or cannot be written to.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            _check(content, archive)
            for member in content.infolist():
                if not member.is_dir():
                    target = folder / member.filename
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with content.open(member) as source, target.open("wb") as copy:
                        shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ModelError(
            _("{name} is not a ZIP file, or it is damaged.").format(name=archive.name), _("Download it again.")
        ) from error
    except OSError as error:
        raise as_resource_error(error, folder) from error
    found = [path.parent for path in (folder / MANIFEST_NAME, *folder.glob(f"*/{MANIFEST_NAME}")) if path.is_file()]
    if len(found) != 1:
        raise ModelError(
            _("{name} holds no model bundle: there is no {manifest} in it.").format(
                name=archive.name, manifest=MANIFEST_NAME
            ),
            _("Choose a file that was made from a bundle's folder."),
        )
    return found[0]


def _check(content: zipfile.ZipFile, archive: Path) -> None:
    for member in content.infolist():
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise ModelError(
                _("{name} holds a path that leads outside: {path}.").format(name=archive.name, path=member.filename),
                _("Do not use it; ask where it came from."),
            )
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise ModelError(
                _("{name} is encrypted or compressed in a way this software does not read.").format(name=archive.name),
                _("Unpack it yourself and choose the folder."),
            )
    size = sum(member.file_size for member in content.infolist())
    if size > LARGEST_BYTES:
        raise ModelError(
            _("{name} would take {size} GB unpacked.").format(name=archive.name, size=f"{size / 1e9:.0f}"),
            _("That is no model this software can run."),
        )
