"""What the header of a ``weights.safetensors`` says; plain JSON, read without the safetensors package."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError

WEIGHTS_NAME = "weights.safetensors"

_LONGEST_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself


@dataclass(frozen=True)
class WeightsMetadata:
    """The checkpoint's own facts, kept as texts in the header's ``__metadata__``.

    Attributes:
        configuration: the nnU-Net configuration it was trained for, for example "3d_fullres".
        trainer_name: name of nnU-Net's trainer class; informative.
        mirror_axes: spatial axes (0 = first axis of the patch) that test-time mirroring may flip; empty: none.
    """

    configuration: str
    trainer_name: str
    mirror_axes: tuple[int, ...]

    def to_header(self) -> dict[str, str]:
        """The texts that `read_weights_metadata` reads back, for ``safetensors.torch.save_file(metadata=…)``."""
        return {
            "configuration": self.configuration,
            "trainer_name": self.trainer_name,
            "mirror_axes": json.dumps(list(self.mirror_axes)),
        }


def read_weights_metadata(path: Path) -> WeightsMetadata:
    """Read the header of one weights file.

    Raises:
        ModelError: not a safetensors file, or a fact is missing from its header.
    """
    metadata = _header(path).get("__metadata__")
    if not isinstance(metadata, dict):
        raise _unusable(path, "has no metadata in its header")
    for key in ("configuration", "trainer_name", "mirror_axes"):
        if not isinstance(metadata.get(key), str):
            raise _unusable(path, f'has no "{key}" in its header\'s metadata')
    return WeightsMetadata(
        metadata["configuration"], metadata["trainer_name"], _mirror_axes(path, metadata["mirror_axes"])
    )


def _header(path: Path) -> dict:
    try:
        with open(path, "rb") as file:
            prefix = file.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
            if not 2 <= length <= _LONGEST_HEADER_BYTES:
                raise _unusable(path, "is not a safetensors file")
            header = json.loads(file.read(length).decode("utf-8"))
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise _unusable(path, "is not a safetensors file") from error
    if not isinstance(header, dict):
        raise _unusable(path, "is not a safetensors file")
    return header


def _mirror_axes(path: Path, text: str) -> tuple[int, ...]:
    try:
        axes = json.loads(text)
    except ValueError as error:
        raise _unusable(path, f'has the mirror axes "{text}", which is not JSON') from error
    if not isinstance(axes, list) or any(type(axis) is not int or axis not in (0, 1, 2) for axis in axes):
        raise _unusable(path, f'has the mirror axes "{text}"; a list of 0, 1 and 2 is expected')
    return tuple(sorted(set(axes)))


def _unusable(path: Path, problem: str) -> ModelError:
    return ModelError(f"{path.name} in {path.parent} {problem}.", "Install the model again from where it came from.")
