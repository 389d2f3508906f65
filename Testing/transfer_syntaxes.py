"""Write DICOM files in every transfer syntax that archives deliver CT in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG lossless": JPEGLosslessSV1,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
}


def encode(dataset: Dataset, syntax: UID) -> Dataset:
    """Change the transfer syntax of an uncompressed little endian data set in place."""
    if syntax == JPEGLosslessSV1:
        frames = [_jpeg_lossless(frame) for frame in _frames(dataset)]
        dataset.PixelData = encapsulate(frames)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    elif syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def transcode(folder: Path, syntax: UID, change: Callable[[Dataset], None] = lambda dataset: None) -> Path:
    """Rewrite every file of a folder in another transfer syntax, after ``change``."""
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        change(dataset)
        encoded = encode(dataset, syntax)
        # The encoding that was read must not be kept: the file meta information decides.
        pydicom.dcmwrite(
            path,
            encoded,
            implicit_vr=syntax == ImplicitVRLittleEndian if not syntax.is_compressed else None,
            little_endian=syntax != ExplicitVRBigEndian if not syntax.is_compressed else None,
        )
    return folder


def _frames(dataset: Dataset) -> np.ndarray:
    frames = dataset.pixel_array
    return frames.reshape(-1, *frames.shape[-2:])


def _jpeg_lossless(frame: np.ndarray) -> bytes:
    """GDCM's encoder, the only one for JPEG lossless that comes from the package index."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frame.dcm")
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(path))
        writer.SetUseCompression(True)
        writer.SetCompressor("JPEG")
        writer.Execute(sitk.GetImageFromArray(frame[None]))
        written = pydicom.dcmread(path)
    assert written.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    return next(generate_frames(written.PixelData, number_of_frames=1))
