"""Writes a phantom as a valid DICOM CT series with its truth beside it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..cases.image_file import write_label_map
from ..errors import ResourceError, UsageError
from ..geometry import LPS_TO_RAS
from ..organs import ALL_STRUCTURES
from ..progress import Check, never_stop
from .spec import Phantom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NOTICE = "Synthetic phantom, not a patient."
_STUDY_DATE, _STUDY_TIME = "20260101", "120000"
_PADDING_HU = -1024
_ITEMS = ("case.json", "labels.nii.gz", "ct")  # first what says that the others are a phantom's


def write_phantom(phantom: Phantom, folder: Path | str, check: Check = never_stop) -> Path:
    """Write ``ct/*.dcm``, ``labels.nii.gz`` and ``case.json`` into a folder.

    The folder appears whole: everything is written beside it and moved into place. The three items replace those of
    an earlier phantom; other files in the folder are left alone.

    Args:
        check: called between slices.

    Returns:
        the folder.

    Raises:
        UsageError: the folder holds items of these names that are no phantom's, see `require_no_patient`.
        ResourceError: the folder cannot be written.
    """
    folder = Path(os.path.abspath(folder))
    require_no_patient(folder)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        (partial / "ct").mkdir(parents=True)
        _write_slices(phantom, partial / "ct", check)
        write_label_map(phantom.labels, partial / "labels.nii.gz")
        (partial / "case.json").write_text(json.dumps(_case(phantom), indent=2) + "\n", encoding="utf-8")
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "ct").exists():
            shutil.rmtree(folder / "ct")
        for name in _ITEMS:
            os.replace(partial / name, folder / name)
    except OSError as error:
        raise ResourceError(
            f"The phantom cannot be written to {folder}: {error.strerror or error}.",
            "Choose a folder you may write to, on a disk with free space.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def require_no_patient(folder: Path) -> None:
    """Raise `UsageError` where writing a phantom would delete a CT or label map that is no phantom's."""
    there = [name for name in _ITEMS if (folder / name).exists()]
    if there and not _is_phantom(folder):
        raise UsageError(
            f"{folder} holds {' and '.join(there)} of something else than a phantom, which would be lost.",
            "Choose another folder.",
        )


def _is_phantom(folder: Path) -> bool:
    try:
        return json.loads((folder / "case.json").read_text(encoding="utf-8"))["notice"] == NOTICE
    except (OSError, ValueError, KeyError, TypeError):  # absent, unreadable or another program's
        return False


def _case(phantom: Phantom) -> dict:
    """Content of case.json: what was asked for, the grid, and the true volumes."""
    spec = phantom.spec
    millilitres = phantom.labels.geometry.voxel_volume_ml
    counts = np.bincount(phantom.labels.array.ravel(), minlength=len(ALL_STRUCTURES) + 1)
    return {
        "notice": NOTICE,
        "age_years": spec.age_years,
        "seed": spec.seed,
        "position": spec.position,
        "contrast": spec.contrast,
        "nephrectomy": spec.nephrectomy,
        "tumour_ml": spec.tumour_ml,
        "spacing_mm": [round(step, 6) for step in phantom.volume.geometry.spacing_mm],
        "shape": list(phantom.volume.geometry.shape),
        "remark": "Label 20 (hepatoblastoma) is cut out of label 6 (liver).",
        "volume_ml": {s.key: round(float(counts[s.label]) * millilitres, 3) for s in ALL_STRUCTURES},
    }


def _write_slices(phantom: Phantom, folder: Path, check: Check) -> None:
    from pydicom.uid import generate_uid

    spec, geometry = phantom.spec, phantom.volume.geometry
    lps = LPS_TO_RAS @ geometry.affine
    depth, row, column = geometry.spacing_mm
    cosines = [lps[:3, 0] / column, lps[:3, 1] / row]
    uid = {part: generate_uid(entropy_srcs=[phantom.study_tag, part]) for part in ("study", "series", "frame")}
    for index, plane in enumerate(phantom.volume.array):
        check()
        dataset = _common(phantom, uid)
        position = lps[:3, 3] + index * lps[:3, 2]
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[phantom.study_tag, "slice", str(index)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = index + 1
        dataset.AcquisitionNumber = 1
        dataset.PatientPosition = spec.position
        dataset.ImagePositionPatient = [_decimal(value) for value in position]
        dataset.ImageOrientationPatient = [_decimal(value) for cosine in cosines for value in cosine]
        dataset.SliceLocation = _decimal(float(np.cross(*cosines) @ position))
        dataset.SliceThickness = _decimal(depth)
        dataset.PixelSpacing = [_decimal(row), _decimal(column)]
        dataset.Rows, dataset.Columns = plane.shape
        dataset.PixelData = (plane - _PADDING_HU).astype("<u2").tobytes()
        dataset.save_as(folder / f"slice_{index + 1:04d}.dcm", enforce_file_format=True)


def _common(phantom: Phantom, uid: dict[str, str]) -> Dataset:
    """What all slices share: patient, study, series, equipment and how pixels are stored."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    spec = phantom.spec
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = CTImageStorage
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Modality = "CT"
    dataset.Manufacturer = "PediatricAbdomenSeg"
    dataset.ManufacturerModelName = "Phantom"
    dataset.StationName = "PHANTOM"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = _STUDY_DATE
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = _STUDY_TIME
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Synthetic phantom"
    dataset.SeriesDescription = "Synthetic abdomen" + (", portal-venous" if spec.contrast else ", no contrast")
    dataset.PatientName = "Phantom^Synthetic"
    dataset.PatientID = f"PHANTOM-{spec.seed}"
    dataset.PatientBirthDate = f"{2026 - int(np.ceil(spec.age_years)):04d}0101"
    dataset.PatientSex = "O"
    dataset.PatientAge = f"{int(spec.age_years):03d}Y" if spec.age_years >= 2 else f"{int(spec.age_years * 12):03d}M"
    dataset.PatientComments = NOTICE
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid["study"], uid["series"]
    dataset.FrameOfReferenceUID = uid["frame"]
    dataset.PositionReferenceIndicator = ""
    dataset.StudyID, dataset.SeriesNumber = "1", 2
    dataset.BodyPartExamined = "ABDOMEN"
    dataset.KVP = "100"
    dataset.ConvolutionKernel = "PHANTOM"
    if spec.contrast:
        dataset.ContrastBolusAgent = "Simulated, portal-venous phase"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = str(_PADDING_HU), "1", "HU"
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    return dataset


def _decimal(value: float) -> str:
    """A DICOM decimal string: at most 16 characters, no negative zero."""
    text = f"{value + 0.0:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
