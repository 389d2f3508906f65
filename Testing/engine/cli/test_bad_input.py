"""Every bad input ends with its exit code, one message that names it and says what to do, and nothing written."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ct_series_builder import MR
from PediatricAbdomenSegLib.engine.cli import segment

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"
NIFTI_DIM, NIFTI_PIXDIM = 40, 76  # offsets in the NIfTI-1 header: int16 dim[8], float32 pixdim[8]


def patch_nifti(path: Path, offset: int, content: bytes) -> Path:
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[offset : offset + len(content)] = content
    path.write_bytes(gzip.compress(bytes(raw)))
    return path


class Inputs:
    """The bad inputs, each made in a folder of its own; ``named`` returns what to pass to the command."""

    def __init__(self, folder: Path, write_ct, write_image) -> None:
        self.folder, self.write_ct, self.write_image = folder, write_ct, write_image

    def empty_folder(self):
        (self.folder / "empty").mkdir()
        return self.folder / "empty"

    def missing_path(self):
        return self.folder / "nowhere"

    def text_file(self):
        (self.folder / "report.txt").write_text("Kidney normal.")
        return self.folder / "report.txt"

    def text_file_called_nifti(self):
        (self.folder / "report.nii.gz").write_text("Kidney normal.")
        return self.folder / "report.nii.gz"

    def folder_of_text(self):
        self.text_file()
        return self.folder

    def truncated_dicom(self):
        folder = self.write_ct(self.folder / "ct")
        file = folder / "slice3.dcm"
        os.truncate(file, file.stat().st_size // 2)
        return folder

    def truncated_dicom_header(self):
        folder = self.write_ct(self.folder / "ct")
        os.truncate(folder / "slice3.dcm", 300)
        return folder

    def one_slice(self):
        return self.write_ct(self.folder / "ct", lambda index, dataset: index == 0)

    def gap(self):
        return self.write_ct(self.folder / "ct", lambda index, dataset: index != 4)

    def mr(self):
        def to_mr(index, dataset):
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MR
            dataset.Modality = "MR"

        return self.write_ct(self.folder / "mr", to_mr)

    def nan_nrrd(self):
        return self._nan("nan.nrrd")

    def nan_nifti(self):
        return self._nan("nan.nii.gz")

    def _nan(self, name):
        array = np.arange(256, dtype=np.float32).reshape(4, 8, 8)
        array[1, 2, 3] = np.nan
        sitk.WriteImage(sitk.GetImageFromArray(array), str(self.folder / name))
        return self.folder / name

    def constant_volume(self):
        return self.write_image(self.folder / "constant.nii.gz", np.full((4, 8, 8), 7, np.int16))

    def zero_bytes(self):
        (self.folder / "zero.nii.gz").touch()
        return self.folder / "zero.nii.gz"

    def four_dimensional(self):
        image = sitk.GetImageFromArray(np.zeros((2, 4, 8, 8), np.int16), isVector=False)
        sitk.WriteImage(image, str(self.folder / "time.nii.gz"))
        return self.folder / "time.nii.gz"

    def absurd_size(self):
        path = self.write_image(self.folder / "absurd.nii.gz")
        return patch_nifti(path, NIFTI_DIM, struct.pack("<4h", 3, 32000, 32000, 32000))

    def truncated_nifti(self):
        path = self.write_image(self.folder / "cut.nii.gz")
        os.truncate(path, path.stat().st_size // 2)
        return path

    def zero_spacing(self):
        return patch_nifti(self.write_image(self.folder / "flat.nii.gz"), NIFTI_PIXDIM + 4, struct.pack("<f", 0.0))

    def negative_spacing(self):
        path = self.write_image(self.folder / "mirrored.nii.gz")
        return patch_nifti(path, NIFTI_PIXDIM + 8, struct.pack("<f", -3.0))

    def zero_pixel_spacing(self):
        def flatten(index, dataset):
            dataset.PixelSpacing = [0, 3]

        return self.write_ct(self.folder / "ct", flatten)


# input, exit code, what the message has to name
BAD_INPUTS = [
    ("empty_folder", 3, ["empty", "No DICOM"]),
    ("missing_path", 3, ["nowhere", "does not exist"]),
    ("text_file", 3, ["report.txt"]),
    ("text_file_called_nifti", 3, ["report.nii.gz"]),
    ("folder_of_text", 3, ["No DICOM"]),
    ("truncated_dicom", 3, ["slice3.dcm"]),
    ("truncated_dicom_header", 3, ["slice3.dcm"]),
    ("one_slice", 3, ["single slice", "slice0.dcm"]),
    ("gap", 3, ["mm"]),
    ("mr", 3, ["(0008,0060)", "MR"]),
    ("nan_nrrd", 3, ["nan.nrrd", "NaN", "1 voxel"]),
    ("nan_nifti", 3, ["nan.nii.gz", "NaN", "1 voxel"]),
    ("constant_volume", 3, ["constant.nii.gz", "7"]),
    ("zero_bytes", 3, ["zero.nii.gz"]),
    ("four_dimensional", 3, ["time.nii.gz", "4"]),
    ("absurd_size", 3, ["absurd.nii.gz", "32000"]),
    ("truncated_nifti", 3, ["cut.nii.gz"]),
    ("zero_spacing", 3, ["flat.nii.gz"]),
    ("negative_spacing", 3, ["mirrored.nii.gz"]),
    ("zero_pixel_spacing", 3, ["(0028,0030)"]),
]


def assert_refused(outcome, code: int, words: list[str]) -> None:
    assert outcome.code == code, outcome.err
    assert "Traceback" not in outcome.err and "unexpectedly" not in outcome.err
    message, _, hint = outcome.err.partition("\n")
    for word in words:
        assert word in message
    assert hint.strip(), "nothing says what to do"
    for secret in ("Иванов", "P-1", "Doe"):
        assert secret not in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(("name", "code", "words"), BAD_INPUTS, ids=[each[0] for each in BAD_INPUTS])
def test_a_bad_input_is_refused(pedseg, tmp_path, write_ct, write_image, name, code, words):
    (tmp_path / "input").mkdir()
    path = getattr(Inputs(tmp_path / "input", write_ct, write_image), name)()
    before = sorted(tmp_path.rglob("*"))
    outcome = pedseg("segment", path, "--output", tmp_path / "out" / "deep", "--model", "toy")
    assert_refused(outcome, code, words)
    assert sorted(tmp_path.rglob("*")) == before


def test_memory_that_does_not_suffice_stops_one_patient_only(pedseg, tmp_path, write_image, monkeypatch):
    for name in ("anna", "ben"):
        write_image(tmp_path / "patients" / name / "ct.nii.gz")
    segment_one = segment.segment_one

    def fill_the_memory(job, *arguments):
        if job.output.name == "anna":
            raise MemoryError
        segment_one(job, *arguments)

    monkeypatch.setattr(segment, "segment_one", fill_the_memory)
    outcome = pedseg("segment", tmp_path / "patients", "--output", tmp_path / "out", "--model", "toy")
    assert outcome.code == 5 and "1 of 2 patients done" in outcome.out
    assert "failed: The memory of this machine is not enough." in outcome.err and "Traceback" not in outcome.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ben"]


def test_debug_shows_the_traceback(pedseg, tmp_path):
    outcome = pedseg("--debug", "segment", tmp_path / "nowhere", "--output", tmp_path / "out", "--model", "toy")
    assert outcome.code == 3 and "Traceback" in outcome.err


def alter_one_byte(folder: Path) -> None:
    path = folder / "fold_0" / "weights.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)


def lose_the_weights(folder: Path) -> None:
    (folder / "fold_0" / "weights.safetensors").unlink()


def change_the_manifest(folder: Path, **changes) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


BAD_MODELS = [
    ("weights altered by one byte", alter_one_byte, ["weights.safetensors", "SHA-256"]),
    ("weights missing", lose_the_weights, ["weights.safetensors"]),
    ("future version", lambda folder: change_the_manifest(folder, schema_version=2), ["bundle.json", "schema 2"]),
    ("broken JSON", lambda folder: (folder / "bundle.json").write_text("{"), ["bundle.json"]),
    ("model removed", shutil.rmtree, ["toy"]),
]


@pytest.mark.parametrize(("spoil", "words"), [each[1:] for each in BAD_MODELS], ids=[each[0] for each in BAD_MODELS])
def test_a_bad_model_is_refused(pedseg, a_model, tmp_path, write_image, spoil, words):
    image = write_image(tmp_path / "case.nii.gz")
    spoil(a_model)
    outcome = pedseg("segment", image, "--output", tmp_path / "out", "--model", "toy")
    assert_refused(outcome, 4, words)
    assert not (tmp_path / "out").exists()


BAD_OPTIONS = [
    (["--device", "toaster"], "toaster"),
    (["--organs", "liver", "tail"], "tail"),
    (["--output"], "expected one argument"),
]


@pytest.mark.parametrize(("options", "word"), BAD_OPTIONS, ids=lambda value: str(value))
def test_a_bad_option_is_refused(pedseg, tmp_path, write_image, options, word):
    image = write_image(tmp_path / "case.nii.gz")
    outcome = pedseg("segment", image, "--output", tmp_path / "out", "--model", "toy", *options)
    assert outcome.code == 2 and word in outcome.err and "Traceback" not in outcome.err
    assert not (tmp_path / "out").exists()


def test_an_output_below_a_file_is_refused(pedseg, tmp_path, write_image):
    image = write_image(tmp_path / "case.nii.gz")
    outcome = pedseg("segment", image, "--output", image / "out", "--model", "toy")
    assert_refused(outcome, 5, ["case.nii.gz", "cannot be written"])


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_an_output_folder_without_write_permission_is_refused(pedseg, tmp_path, write_image):
    image = write_image(tmp_path / "case.nii.gz")
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:  # root may write anywhere: run the command as nobody for as long as it takes
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        os.seteuid(65534)
    try:
        outcome = pedseg("segment", image, "--output", locked / "out", "--model", "toy")
    finally:
        if is_root:
            os.seteuid(0)
    assert_refused(outcome, 5, ["locked", "Permission denied"])
    assert list(locked.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
@pytest.mark.parametrize("limit_bytes", [0, 3000], ids=["first file", "a later file"])
def test_a_disk_that_fills_up_while_writing_is_named(a_model, tmp_path, write_ct, limit_bytes):
    """In a process of its own, whose files may not grow past a limit: to every writer that looks like a full disk."""
    folder = write_ct(tmp_path / "ct")
    script = textwrap.dedent(
        """
        import resource, sys
        from PediatricAbdomenSegLib.engine.cli.__main__ import main
        limit = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        sys.exit(main(sys.argv[2:]))
        """
    )
    arguments = ["segment", folder, "--output", tmp_path / "out" / "deep", "--model", "toy"]
    ended = subprocess.run(
        [sys.executable, "-c", script, str(limit_bytes), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(LIBRARY), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 5, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "No space left" in ended.stderr and "Free space" in ended.stderr
    assert "partial" not in ended.stderr
    assert not (tmp_path / "out").exists()
