"""A folder of results that is complete or absent: written aside, checked for space, moved into place at the end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType

from ..cases.atomic_file import as_resource_error, move_patiently
from ..checksums import sha256_of_file
from ..errors import ResourceError, UsageError
from ..writer_mark import MARK, is_left_over, new_mark

RESULT_NAME = "result.json"
ENTROPY_NAME = "entropy.nii.gz"
RESULT_FILES = (
    "labels.nii.gz",
    ENTROPY_NAME,
    "segmentation.seg.nrrd",
    "rtstruct.dcm",
    "segmentation.dcm",
    "preview.png",
    RESULT_NAME,
)
_NOTHING: Mapping[str, str] = MappingProxyType({})
# Where the files of an earlier result are while new ones take their place: until all are there, and from then on.
_BEING_REPLACED, _REPLACED = "being-replaced", "replaced"


def free_bytes(folder: Path) -> int:
    """Bytes free for this user on the disk of an existing folder."""
    return shutil.disk_usage(folder).free


def require_space(folder: Path, needed_bytes: int, free: Callable[[Path], int] = free_bytes) -> None:
    """Raise `ResourceError` unless the disk of ``folder`` has room for ``needed_bytes``."""
    available = free(folder)
    if available < needed_bytes:
        raise ResourceError(
            f"No space left: the result needs up to {needed_bytes / 1e6:.0f} MB, "
            f"the disk of {folder} has {available / 1e6:.0f} MB.",
            "Free space on the disk or choose another output folder.",
        )


@contextmanager
def staged_results(
    output: Path, move: Callable[[Path, Path], None] = move_patiently, kept: Mapping[str, str] = _NOTHING
) -> Iterator[Path]:
    """Hand out an empty folder; what is in it becomes the content of ``output`` when the block ends without error.

    A failed or cancelled block leaves ``output`` as it was, or absent. A new output folder appears in one rename. In
    an existing one only the `RESULT_FILES` are replaced, other files stay; if that fails midway it is undone. What a
    process that was killed has left is removed by the next run for the same output on the same machine, which also
    undoes a replacement that was cut short.

    Args:
        move: `move_patiently`, handed in by tests.
        kept: earlier files that get another name instead of going, see `edited_results`.

    Raises:
        UsageError: ``output`` is a file, or holds files of these names that are no results.
        ResourceError: the folder cannot be made or written to, or the disk is full.
    """
    output = Path(os.path.abspath(output))
    if output.is_file():
        raise UsageError(f"The output folder {output} is a file.", "Give a folder that is empty or does not exist.")
    made = [folder for folder in output.parents if not folder.exists()]
    # Inside an existing output folder rather than beside it: that may be a mounted disk or the only writable place.
    inside, beside = _places(output)
    base, prefix = inside if output.exists() else beside
    staging = base / f"{prefix}{new_mark()}"
    try:
        with os_errors_named(output):
            base.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(output)
            _require_no_others(output)
            staging.mkdir()
        yield staging
        with os_errors_named(output):
            _publish(staging, output, move, kept)
    except ResourceError as error:  # people know the output folder, not the one aside
        raise ResourceError(error.message.replace(str(staging), str(output)), error.hint) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(made)


@contextmanager
def os_errors_named(output: Path) -> Iterator[None]:
    """Turn errors of the operating system into a `ResourceError` that says why ``output`` cannot be written."""
    try:
        yield
    except OSError as error:
        raise as_resource_error(error, output) from error


def edited_results(output: Path) -> dict[str, str]:
    """Files of an earlier result that are not as its result.json says, and free names to keep them under.

    Such a file was corrected by somebody, or is damaged: nobody can tell which, and work must not be lost. A
    replacement that was cut short is undone first, because its record is among what was moved aside.

    Returns:
        Name to keep it under by name; empty where there is no result. Everything counts as edited where result.json
        cannot be read.
    """
    output = Path(os.path.abspath(output))
    with os_errors_named(output):
        _remove_leftovers(output)
    record = output / RESULT_NAME
    try:
        digests = dict(json.loads(record.read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        digests = {}
    there = [name for name in RESULT_FILES if name != RESULT_NAME and (output / name).is_file()]
    with os_errors_named(output):
        return {name: _free_name(output, name) for name in there if sha256_of_file(output / name) != digests.get(name)}


def _free_name(folder: Path, name: str) -> str:
    stem, dot, suffix = name.partition(".")
    names = (f"{stem}.edited-{number}{dot}{suffix}" for number in count(1))
    return next(each for each in names if not (folder / each).exists())


def _publish(staging: Path, output: Path, move: Callable[[Path, Path], None], kept: Mapping[str, str]) -> None:
    if not output.exists():
        move_patiently(staging, output, os.rename)
        return
    aside = staging / _BEING_REPLACED
    try:
        aside.mkdir()
        # result.json leaves first and comes last: where it is, the rest is complete
        for name in reversed(RESULT_FILES):
            if (output / name).exists():
                move(output / name, output / kept[name] if name in kept else aside / name)
        move_patiently(aside, staging / _REPLACED)
        for name in RESULT_FILES:
            if (staging / name).exists():
                move(staging / name, output / name)
    except OSError:
        _undo(staging, output)
        for name, other in kept.items():
            if (output / other).exists():
                move_patiently(output / other, output / name)
        raise


def _undo(staging: Path, output: Path) -> None:
    """Put back what an unfinished publication, of this process or of one that was killed, has moved aside."""
    earlier = staging / _BEING_REPLACED
    if (staging / _REPLACED).exists():  # all earlier files are aside: what lies in the output is new
        earlier = staging / _REPLACED
        for name in RESULT_FILES:
            (output / name).unlink(missing_ok=True)
    for name in RESULT_FILES:
        if (earlier / name).exists():
            move_patiently(earlier / name, output / name)


def _require_no_others(output: Path) -> None:
    """Raise `UsageError` where files named like results lie without a record: contours drawn by hand, a CT's labels."""
    there = [name for name in RESULT_FILES if (output / name).exists()]
    if there and RESULT_NAME not in there:
        raise UsageError(
            f"{output} holds {' and '.join(there)} of something else than a result, which would be lost.",
            "Choose another output folder, or move these files.",
        )


def _places(output: Path) -> tuple[tuple[Path, str], tuple[Path, str]]:
    """Where staging folders lie and how their names begin: of an output folder that exists, of one that does not."""
    return (output, ".partial-"), (output.parent, f".{output.name}.partial-")


def _remove_leftovers(output: Path) -> None:
    """Remove the staging folders of processes of this machine that no longer run; earlier results come back first."""
    for base, prefix in _places(output):  # a run that was killed may have begun before the folder existed
        folders = list(base.iterdir()) if os.access(base, os.R_OK | os.X_OK) and base.is_dir() else []
        for folder in folders:
            mark = MARK.fullmatch(folder.name.removeprefix(prefix)) if folder.name.startswith(prefix) else None
            if mark is not None and is_left_over(mark):
                if not (output / RESULT_NAME).exists():
                    _undo(folder, output)
                shutil.rmtree(folder, ignore_errors=True)


def _remove_empty(folders: list[Path]) -> None:
    """Remove the folders we made, deepest first, as far as they are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
