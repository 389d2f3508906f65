"""One patient or a folder of patients: what INPUT of ``pedseg segment`` means.

1. A file is one patient.
2. A folder with DICOM files directly in it is one patient.
3. A folder with exactly one NIfTI, NRRD or MetaImage file directly in it, and nothing else to segment below, is that
   patient.
4. A folder with several such files directly in it holds one patient a file.
5. A folder without images of its own but with subfolders that hold some (at any depth) holds one patient a subfolder.

The files of earlier results, known by their names beside a result.json, are nobody's images.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cases.dicom_file import is_dicom_file
from ..cases.image_file import IMAGE_SUFFIXES, is_image_file
from ..errors import InputError
from ..worker.result_folder import RESULT_FILES, RESULT_NAME


@dataclass(frozen=True)
class Case:
    """One patient of a cohort.

    Attributes:
        name: unique in the cohort; the name of the output folder.
        path: what to read, see `case_input`.
    """

    name: str
    path: Path


def find_cases(path: Path, leave_out: Path | None = None) -> tuple[Case, ...] | None:
    """The patients of a folder of patients in order of name, or None when ``path`` is to be read as one patient.

    Args:
        leave_out: a folder below that holds no patient, because results are written there.

    Raises:
        InputError: the folder cannot be listed, a file in it cannot be opened, or it has both image files and
            subfolders with images.
    """
    if not path.is_dir():
        return None
    try:
        names = {each.name for each in path.iterdir()}
    except OSError as error:
        raise InputError(f"{path} cannot be listed: {error.strerror}.", "Check your permissions.") from error
    entries = [path / name for name in sorted(_without_results(names)) if not name.startswith(".")]
    files = [each for each in entries if each.is_file()]
    images = [each for each in files if is_image_file(each)]
    if any(_is_dicom(each) for each in files if each not in images):
        return None
    subfolders = [each for each in entries if each.is_dir() and next(_images_below(each, leave_out), None) is not None]
    if images and subfolders:
        raise InputError(
            f"{path} holds both the image file {images[0].name} and subfolders with images ({subfolders[0].name}).",
            "Name the file or the subfolder that is to be segmented.",
        )
    if len(images) == 1:
        return None
    return tuple(_named(images or subfolders)) or None


def folders_left_out(path: Path, cases: Sequence[Case], leave_out: Path) -> list[str]:
    """Names of the subfolders of a folder of patients that are no case, because no image is in them.

    Hidden folders and those where the results go, ``leave_out`` and the folders it lies in, are not named.
    """
    known = {case.path.resolve() for case in cases} | {leave_out.resolve(), *leave_out.resolve().parents}
    folders = (each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    return sorted(each.name for each in folders if each.resolve() not in known)


def case_input(path: Path) -> Path:
    """The path to read for one patient: a folder whose only image is one NIfTI, NRRD or MetaImage file is that file.

    Raises:
        InputError: several such files and no DICOM, or a file that cannot be opened.
    """
    if not path.is_dir():
        return path
    found = list(_images_below(path))
    files = [each for each in found if is_image_file(each)]
    if len(files) < len(found) or not files:
        return path
    if len(files) > 1:
        names = ", ".join(each.name for each in files[:5])
        raise InputError(f"{path} holds {len(files)} image files ({names}).", "Keep one image file per patient.")
    return files[0]


def _images_below(folder: Path, leave_out: Path | None = None) -> Iterator[Path]:
    """Image files at any depth, and of DICOM files the first one of each folder only: one is enough to know."""
    for parent, subfolders, names in os.walk(folder):
        if leave_out is not None and Path(parent).resolve() == Path(leave_out).resolve():
            subfolders.clear()
            continue
        subfolders[:] = sorted(each for each in subfolders if not each.startswith("."))
        has_dicom = False
        for name in sorted(each for each in _without_results(names) if not each.startswith(".")):
            file = Path(parent, name)
            if not file.is_file():  # a link to nowhere, a pipe: opening it would fail or wait for ever
                continue
            if is_image_file(file):
                yield file
            elif not has_dicom and _is_dicom(file):
                has_dicom = True
                yield file


def _without_results(names: Collection[str]) -> set[str]:
    """The names in a folder without those of results that lie there."""
    return set(names).difference(RESULT_FILES if RESULT_NAME in names else ())


def _is_dicom(file: Path) -> bool:
    try:
        return is_dicom_file(file)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.", "Check your permissions.") from error


def _named(paths: list[Path]) -> Iterator[Case]:
    """Cases named by file name without suffix, or in full where two would be the same (also on Windows)."""
    short = [path.name if path.is_dir() else _without_suffix(path.name) for path in paths]
    folded = [name.casefold() for name in short]
    for path, name in zip(paths, short, strict=True):
        yield Case(name if folded.count(name.casefold()) == 1 else path.name, path)


def _without_suffix(name: str) -> str:
    longest = max((suffix for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix)), key=len)
    return name[: -len(longest)] or name
