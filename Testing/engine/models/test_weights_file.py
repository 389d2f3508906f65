from __future__ import annotations

import struct

import pytest

from PediatricAbdomenSegLib.engine.errors import ModelError
from PediatricAbdomenSegLib.engine.models.weights_file import WeightsMetadata, read_weights_metadata


def test_the_checkpoints_facts_are_read_from_the_header(tmp_path, write_weights_header):
    write_weights_header(tmp_path / "weights.safetensors")
    metadata = read_weights_metadata(tmp_path / "weights.safetensors")
    assert metadata == WeightsMetadata("3d_fullres", "nnUNetTrainer", (0, 2))


def test_a_checkpoint_trained_without_mirroring_has_no_axes(tmp_path, write_weights_header):
    write_weights_header(tmp_path / "weights.safetensors", mirror_axes="[]")
    assert read_weights_metadata(tmp_path / "weights.safetensors").mirror_axes == ()


@pytest.mark.parametrize("key", ["configuration", "trainer_name", "mirror_axes"])
def test_a_missing_fact_is_named(tmp_path, write_weights_header, key):
    write_weights_header(tmp_path / "weights.safetensors", **{key: None})
    with pytest.raises(ModelError, match=key):
        read_weights_metadata(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("axes", ["0", "[3]", "[-1]", "[0.5]", "[true]", "none", '["0"]'])
def test_mirror_axes_that_are_none_are_refused(tmp_path, write_weights_header, axes):
    write_weights_header(tmp_path / "weights.safetensors", mirror_axes=axes)
    with pytest.raises(ModelError, match="mirror axes"):
        read_weights_metadata(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    "content",
    [b"", b"abc", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 50) + b'{"__meta', struct.pack("<Q", 2) + b"[]"],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="not a safetensors file"):
        read_weights_metadata(tmp_path / "weights.safetensors")
