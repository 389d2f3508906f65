"""The CT and the contours of a case on the disk: what they are known by, and where they are after they moved."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from ..cases.image_file import IMAGE_SUFFIXES, is_image_file
from ..checksums import sha256_of_file
from ..errors import InputError, ResourceError
from .dicom_identity import DicomIdentity, identity_of, series_files
from .study import ImageReference, SegmentationReference

SCENE_SUFFIXES = (".mrb", ".mrml")
_SEGMENTATION_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.481.3": "rtstruct",
    "1.2.840.10008.5.1.4.1.1.66.4": "dicom_seg",
}


@dataclass(frozen=True)
class FoundSegmentation:
    """Contours on the disk: where, their SHA-256 now, and whether that is another one than the reference's."""

    path: Path
    sha256: str
    changed: bool


def image_reference(path: Path, study_folder: Path, series_uid: str | None = None) -> ImageReference:
    """What the CT at ``path`` is known by: a folder with a DICOM series, an image file or a Slicer scene.

    Raises:
        InputError: nothing there, no CT series or several, or a kind of file that is no CT.
        ResourceError: it cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        files = series_files(path, series_uid)
        uid = files[0].series_instance_uid
        return ImageReference("dicom_series", relative_path(path, study_folder), _hash_of(files), uid)
    _check_file(path)
    kind = "scene" if path.suffix.lower() in SCENE_SUFFIXES else "image_file"
    if kind == "image_file" and not is_image_file(path):
        raise InputError(
            f"{path.name} is no CT.", "Give the folder of a DICOM series, a NIfTI, NRRD or MHA file, or a Slicer scene."
        )
    return ImageReference(kind, relative_path(path, study_folder), _sha256(path), "", path.stat().st_size)


def segmentation_reference(path: Path, study_folder: Path) -> SegmentationReference:
    """What the contours in a file are known by: RTSTRUCT, DICOM SEG, label map or Slicer scene.

    Raises:
        InputError: nothing there, or another kind of file. ResourceError: it cannot be read.
    """
    path = Path(path)
    _check_file(path)
    uid = ""
    if path.suffix.lower() in SCENE_SUFFIXES:
        kind = "scene"
    elif is_image_file(path):
        kind = "label_map"
    else:
        identity = identity_of(path)
        kind = _SEGMENTATION_CLASSES.get(identity.sop_class_uid, "") if identity else ""
        uid = identity.sop_instance_uid if identity else ""
        if not kind:
            raise InputError(
                f"{path.name} holds no contours.", "Give an RTSTRUCT, a DICOM SEG, a label map or a Slicer scene."
            )
    return SegmentationReference(kind, relative_path(path, study_folder), _sha256(path), path.stat().st_size, uid)


def find_image(study_folder: Path, reference: ImageReference, search: Sequence[Path] = ()) -> Path:
    """Where the CT is: at its path, else anywhere below the study or the ``search`` folders by its UIDs or hash.

    Raises:
        InputError: it is in none of the folders. ResourceError: a file cannot be read.
    """
    at = path_of(study_folder, reference)
    if reference.kind == "dicom_series":
        folders = (each for each in _folders(study_folder, search) if _has_file_of_series(each, reference))
        found = next((each for each in chain([at], folders) if _has_series(each, reference)), None)
    else:
        found = next(_files_like(reference, at, study_folder, search), None)
    if found is None:
        raise _missing("CT", reference.path, reference.series_instance_uid or reference.sha256)
    return found


def find_segmentation(
    study_folder: Path, reference: SegmentationReference, search: Sequence[Path] = ()
) -> FoundSegmentation:
    """Where the contours are, and whether they are still those of the reference.

    A file at the path counts even when its content is another one now: it has changed. A file elsewhere has to have
    the same content or, as a DICOM object, the same SOP Instance UID.

    Raises:
        InputError: they are in none of the folders. ResourceError: a file cannot be read.
    """
    at = path_of(study_folder, reference)
    if at.is_file():
        digest = _sha256(at)
        return FoundSegmentation(at, digest, digest != reference.sha256)
    found = next(_files_like(reference, at, study_folder, search), None)
    if found is None and reference.sop_instance_uid:
        identities = (identity_of(path) for path in _files(_folders(study_folder, search)))
        same = (each for each in identities if each and each.sop_instance_uid == reference.sop_instance_uid)
        found = next((each.path for each in same), None)
    if found is None:
        raise _missing("segmentation", reference.path, reference.sop_instance_uid or reference.sha256)
    digest = _sha256(found)
    return FoundSegmentation(found, digest, digest != reference.sha256)


def relative_path(path: Path, folder: Path) -> str:
    """``path`` as seen from ``folder``, with "/" on every system; absolute where Windows has it on another drive."""
    path, folder = Path(path).resolve(), Path(folder).resolve()
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def path_of(study_folder: Path, reference: ImageReference | SegmentationReference) -> Path:
    """Where a file or series was when the study was made; it need not be there any more."""
    return Path(os.path.normpath(Path(study_folder).resolve() / PurePosixPath(reference.path)))


def _hash_of(files: Sequence[DicomIdentity]) -> str:
    return hashlib.sha256("\n".join(sorted(file.sop_instance_uid for file in files)).encode()).hexdigest()


def _has_series(folder: Path, reference: ImageReference) -> bool:
    """Whether the series lies in ``folder`` or below with just the instances it had."""
    try:
        return _hash_of(series_files(folder, reference.series_instance_uid)) == reference.sha256
    except InputError:  # another series or none
        return False


def _has_file_of_series(folder: Path, reference: ImageReference) -> bool:
    files = (identity_of(path) for path in _files([folder]))
    return any(each is not None and each.series_instance_uid == reference.series_instance_uid for each in files)


def _files_like(
    reference: ImageReference | SegmentationReference, at: Path, study_folder: Path, search: Sequence[Path]
) -> Iterator[Path]:
    """Files with the reference's content, first the one at its path; only files of its size are read."""
    suffix = _suffix(at)
    for path in (at, *_files(_folders(study_folder, search))):
        is_like = path.is_file() and _suffix(path) == suffix and path.stat().st_size == reference.size_bytes
        if is_like and _sha256(path) == reference.sha256:
            yield path


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in (*IMAGE_SUFFIXES, *SCENE_SUFFIXES) if name.endswith(suffix)), "")


def _folders(study_folder: Path, search: Sequence[Path]) -> Iterator[Path]:
    """The study's folder and those to search, with all that are below, each once."""
    seen: set[Path] = set()
    for top in (study_folder, *search):
        for parent, subfolders, _ in os.walk(Path(top).resolve()):
            subfolders[:] = sorted(each for each in subfolders if not each.startswith("."))
            if Path(parent) not in seen:
                seen.add(Path(parent))
                yield Path(parent)


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        with os.scandir(folder) as entries:
            yield from sorted(Path(entry.path) for entry in entries if entry.is_file())


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Check the path.")


def _sha256(path: Path) -> str:
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise ResourceError(f"{path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error


def _missing(what: str, path: str, identity: str) -> InputError:
    return InputError(
        f"The {what} is not at {path}, and none with the identity {identity} was found.",
        "Name the folder it was moved to with --search.",
    )
