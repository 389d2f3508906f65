"""What other programs make of an RTSTRUCT: masks by ROI name, and complaints."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset

from even_odd_rasteriser import fill
from slicerrt_keyholes import without_keyholes

Masks = dict[str, np.ndarray]


@dataclass(frozen=True)
class PlacedContour:
    """One contour on the image it refers to.

    Attributes:
        roi_name: ROI Name.
        item: of the Contour Sequence.
        text: Contour Data as encoded.
        slice_index: index of the image among all, sorted along their normal.
        points_mm: ``(n, 3)``, LPS.
        header: of the image.
    """

    roi_name: str
    item: Dataset
    text: str
    slice_index: int
    points_mm: np.ndarray
    header: Dataset

    def points_px(self, points_mm: np.ndarray | None = None) -> np.ndarray:
        """``(n, 3)``: column, row, and distance from the image's plane in mm."""
        cosines = np.array(self.header.ImageOrientationPatient, float)
        row, column = cosines[:3], cosines[3:]
        row_spacing_mm, column_spacing_mm = (float(value) for value in self.header.PixelSpacing)
        axes = np.stack([row * column_spacing_mm, column * row_spacing_mm, np.cross(row, column)], 1)
        offset = (self.points_mm if points_mm is None else points_mm) - np.array(
            self.header.ImagePositionPatient, float
        )
        return np.linalg.solve(axes, offset.T).T


def placed_contours(rtstruct: Path, ct_folder: Path) -> list[PlacedContour]:
    """All contours of a file, by what it says itself and the images it refers to."""
    dataset = pydicom.dcmread(rtstruct)
    headers = sorted_headers(ct_folder)
    index_of = {header.SOPInstanceUID: index for index, header in enumerate(headers)}
    names = {item.ROINumber: item.ROIName for item in dataset.StructureSetROISequence}
    contours = []
    for roi in dataset.ROIContourSequence:
        for item in roi.ContourSequence:
            (image,) = item.ContourImageSequence
            index = index_of[image.ReferencedSOPInstanceUID]
            # As encoded: pydicom would make an object of each number.
            text = item.get_item("ContourData").value.decode("ascii").rstrip(" ")
            points_mm = np.array(text.split("\\"), float).reshape(-1, 3)
            contours.append(PlacedContour(names[roi.ReferencedROINumber], item, text, index, points_mm, headers[index]))
    return contours


def sorted_headers(ct_folder: Path) -> list[Dataset]:
    """Headers of a folder with one series, sorted along their normal."""
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(ct_folder.iterdir())]
    cosines = np.array(headers[0].ImageOrientationPatient, float)
    normal = np.cross(cosines[:3], cosines[3:])
    return sorted(headers, key=lambda header: float(normal @ np.array(header.ImagePositionPatient, float)))


def wrong_voxels(found: Masks, expected: Masks) -> dict[str, str]:
    """What differs, by ROI name; {} when every Dice is 1.0000 and every volume right."""
    differences = {}
    for name, mask in expected.items():
        if name not in found:
            differences[name] = "not found"
        elif found[name].shape != mask.shape:
            differences[name] = f"{found[name].shape} instead of {mask.shape}"
        elif not np.array_equal(found[name], mask):
            missing, extra = int((mask & ~found[name]).sum()), int((found[name] & ~mask).sum())
            differences[name] = f"{missing} voxels missing, {extra} too many of {int(mask.sum())}"
    return differences


def our_rasteriser(contours: Sequence[PlacedContour], shape: tuple[int, int, int]) -> Masks:
    """Pixel centres by even-odd, contours joined by OR."""
    return _filled(contours, shape, lambda contour: fill(contour.points_px()[:, :2], shape[1:]))


def after_slicerrt_keyholes(contours: Sequence[PlacedContour], shape: tuple[int, int, int]) -> Masks:
    """The same after SlicerRT has cut each contour into its outer boundary and its holes."""

    def area(contour: PlacedContour) -> np.ndarray:
        inside = np.zeros(shape[1:], bool)
        for loop in without_keyholes(contour.points_mm):
            inside ^= fill(contour.points_px(loop)[:, :2], shape[1:])
        return inside

    return _filled(contours, shape, area)


def matplotlib_paths(contours: Sequence[PlacedContour], shape: tuple[int, int, int]) -> Masks:
    """Filled by matplotlib, as dicompyler-core does: it decides ties by the direction of an edge."""
    path = pytest.importorskip("matplotlib.path")

    def area(contour: PlacedContour) -> np.ndarray:
        corners = contour.points_px()[:, :2]
        left, top = np.maximum(np.floor(corners.min(0)).astype(int), 0)
        right, bottom = np.ceil(corners.max(0)).astype(int) + 1
        inside = np.zeros(shape[1:], bool)
        window = inside[top:bottom, left:right]
        rows, columns = np.indices(window.shape)
        centres = np.stack([columns.ravel() + left, rows.ravel() + top], 1)
        window |= path.Path(corners).contains_points(centres).reshape(window.shape)
        return inside

    return _filled(contours, shape, area)


def _filled(
    contours: Sequence[PlacedContour], shape: tuple[int, int, int], area: Callable[[PlacedContour], np.ndarray]
) -> Masks:
    masks: Masks = {}
    for contour in contours:
        masks.setdefault(contour.roi_name, np.zeros(shape, bool))[contour.slice_index] |= area(contour)
    return masks


def itk_image(ct_folder: Path) -> sitk.Image:
    """A series of even distances as ITK reads it."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(ct_folder)))
    return reader.Execute()


def plastimatch(program: str, rtstruct: Path, ct_folder: Path, out: Path, *options: str) -> Masks:
    """``plastimatch convert`` onto the grid that ITK reads; joins contours by OR unless told ``--xor-contours``.

    Its own ``--referenced-ct`` finds no grid for a single slice and lost a slice of a compressed series.
    """
    out.mkdir(parents=True)
    sitk.WriteImage(itk_image(ct_folder), str(out / "grid.mha"))
    command = [program, "convert", "--input", rtstruct, "--fixed", out / "grid.mha", "--output-prefix", out]
    command += ["--prefix-format", "nrrd", *options]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return {path.stem: sitk.GetArrayFromImage(sitk.ReadImage(str(path))) > 0 for path in out.glob("*.nrrd")}


def dcmrtstruct2nii(rtstruct: Path, ct_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Masks:
    """dcmrtstruct2nii 5 (scikit-image's polygons, contours joined by XOR) on the grid that ITK reads."""
    pytest.importorskip("dcmrtstruct2nii")
    from dcmrtstruct2nii.adapters.convert.rtstructcontour2mask import DcmPatientCoords2Mask
    from dcmrtstruct2nii.adapters.input.contours.rtstructinputadapter import RtStructInputAdapter
    from dcmrtstruct2nii.adapters.input.image.dcminputadapter import DcmInputAdapter

    monkeypatch.setattr(pydicom, "read_file", pydicom.dcmread, raising=False)  # its name before pydicom 3
    image = DcmInputAdapter().ingest(str(ct_folder))
    return {
        roi["name"]: sitk.GetArrayFromImage(DcmPatientCoords2Mask().convert(roi["sequence"], image, 0, 1)) > 0
        for roi in RtStructInputAdapter().ingest(str(rtstruct))
    }


def rt_utils(rtstruct: Path, ct_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Masks:
    """rt-utils 1.2.7 (OpenCV's polygons), given arrays of the right size: it exchanges rows and columns."""
    pytest.importorskip("cv2", exc_type=ImportError)
    from rt_utils import RTStructBuilder, image_helper

    def plane(header: Dataset) -> np.ndarray:
        return np.zeros((header.Rows, header.Columns), bool)

    monkeypatch.setattr(image_helper, "create_empty_slice_mask", plane)
    monkeypatch.setattr(
        image_helper, "create_empty_series_mask", lambda series: np.stack([plane(header) for header in series], 2)
    )
    structure_set = RTStructBuilder.create_from(str(ct_folder), str(rtstruct))
    return {name: np.moveaxis(structure_set.get_roi_mask_by_name(name), 2, 0) for name in structure_set.get_roi_names()}


def complaints(command: list[str]) -> list[str]:
    """Lines in which a DICOM program complains of an error, and the last line of one that fails."""
    done = subprocess.run(command, capture_output=True, check=False)
    lines = (done.stdout + b"\n" + done.stderr).decode("latin-1").splitlines()
    errors = [line for line in lines if line.startswith(("E:", "F:", "W:")) or "Error" in line]
    return errors if done.returncode == 0 else [*errors, f"exit status {done.returncode}: {lines[-1]}"]
