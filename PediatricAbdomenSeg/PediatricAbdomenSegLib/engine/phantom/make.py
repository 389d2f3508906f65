"""Makes a phantom: draws a child from a specification and renders it as a CT with its true label map."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..cases.volume import LabelMap, Volume
from ..geometry import LPS_TO_RAS, Geometry
from ..progress import Check, never_stop
from .appearance import Appearance, randomised_appearance, typical_appearance
from .bowel import bowel_parts, stomach_parts
from .render import add_noise, background, paint
from .shapes import DeformedGrid, resample_axis, smooth_noise
from .spec import BodySize, Phantom, PhantomSpec, body_size
from .trunk import (
    BOTH_SIDES,
    Part,
    build_trunk,
    iliopsoas_parts,
    label_of,
    lung_parts,
    outer_parts,
    skeleton_parts,
)
from .viscera import (
    adrenal_parts,
    heart_parts,
    kidney_parts,
    liver_parts,
    pancreas_parts,
    spleen_parts,
    tumour_parts,
    vessel_parts,
)

# Image axes (x to the right of the picture, y down) in patient coordinates (left, posterior) per Patient Position:
# DICOM PS3.3 C.7.3.1.1.2; down is the direction of gravity.
IMAGE_AXES = {
    "HFS": ((1, 0), (0, 1)),
    "HFP": ((-1, 0), (0, -1)),
    "FFS": ((-1, 0), (0, 1)),
    "FFP": ((1, 0), (0, -1)),
    "HFDL": ((0, -1), (1, 0)),
    "HFDR": ((0, 1), (-1, 0)),
}
_SMALLEST_FIELD_MM = 400.0
_MATRIX = 512
_DEFORMATION_REACH_MM = 48.0  # over which neighbouring organs move together


@dataclass(frozen=True)
class _Lattice:
    """Where the image's voxels lie in the patient.

    Attributes:
        axes_mm: patient coordinates (LPS) of the voxel centres along ``(z, y, x)``, ascending.
        image_x, image_y: what the picture's two axes are in the patient, see `IMAGE_AXES`.
        slice_mm: distance of the slices, which a single one cannot tell.
    """

    axes_mm: tuple[np.ndarray, np.ndarray, np.ndarray]
    image_x: tuple[int, int]
    image_y: tuple[int, int]
    slice_mm: float


def make_phantom(spec: PhantomSpec, check: Check = never_stop) -> Phantom:
    """Render the child a specification describes.

    The anatomy depends on age and seed only: position, contrast, tumour, nephrectomy, spacing and appearance leave the
    other organs where they are (up to the resolution of the grid).

    Args:
        spec: the child and the scan.
        check: called between organs and between slices.

    Returns:
        image and truth on the same grid, in the scanner's slice, row and column order.
    """
    anatomy_rng = np.random.default_rng([spec.seed, int(round(spec.age_years * 1000)), 1])
    other = np.random.default_rng([spec.seed, 2])
    tumour_rng = np.random.default_rng([spec.seed, 3])
    size = body_size(spec.age_years)
    lattice = _lattice(spec, size)
    up = (-float(lattice.image_y[0]), -float(lattice.image_y[1]))
    grid, scale = _grid(lattice, size, anatomy_rng, check)
    trunk = build_trunk(grid, size, anatomy_rng, scale)
    appearance = (
        randomised_appearance(other, spec.contrast)
        if spec.appearance == "randomised"
        else typical_appearance(other, spec.contrast)
    )
    kidney_length = scale * anatomy_rng.uniform(0.94, 1.06)
    parts: list[Part] = []

    def add(new: list[Part]) -> list[Part]:
        check()
        parts.extend(new)
        return new

    add(outer_parts(trunk, up))
    for organ_parts in (lung_parts, skeleton_parts, iliopsoas_parts):
        add(organ_parts(trunk))
    add(bowel_parts(trunk, up))
    liver = add(liver_parts(trunk))
    add(stomach_parts(trunk, up))
    for organ_parts in (spleen_parts, heart_parts):
        add(organ_parts(trunk))
    vessels = add(vessel_parts(trunk))
    add(pancreas_parts(trunk))
    kidneys = []
    for side, name in BOTH_SIDES:
        label = label_of(f"kidney_{name}")
        kidneys += add(kidney_parts(trunk, side, label, spec.nephrectomy == name, kidney_length))
    for side, name in BOTH_SIDES:
        add(adrenal_parts(trunk, side, label_of(f"adrenal_gland_{name}")))
    if spec.tumour_ml is not None:
        voxel_ml = float(np.prod([np.diff(axis[:2])[0] for axis in grid.axes_mm])) / 1000
        neighbours = [part for part in vessels + kidneys if part.tissue != "visceral_fat"]
        own = dataclasses.replace(trunk, rng=tumour_rng)
        add(tumour_parts(own, liver[0], neighbours, spec.tumour_ml, voxel_ml))
    return _photograph(spec, lattice, grid, parts, appearance, trunk.half_breadth, trunk.half_depth, other, check)


def _photograph(
    spec: PhantomSpec,
    lattice: _Lattice,
    grid: DeformedGrid,
    parts: list[Part],
    appearance: Appearance,
    half_breadth: float,
    half_depth: float,
    rng: np.random.Generator,
    check: Check,
) -> Phantom:
    """Image and labels of the parts on the scanner's table, with noise, in the scanner's order."""
    reach = half_depth if lattice.image_y[0] == 0 else half_breadth
    image = background(lattice.axes_mm, lattice.image_y, reach)
    labels = np.zeros(image.shape, np.uint8)
    paint(image, labels, lattice.axes_mm, grid.axes_mm, parts, appearance, rng, check)
    add_noise(image, lattice.axes_mm, appearance.noise_hu, rng, check)
    array = np.empty(image.shape, np.int16)
    for plane, hounsfield in zip(array, image, strict=True):
        check()
        plane[...] = np.clip(np.rint(hounsfield), -1024, 3071)
    ordered, geometry = _in_scanner_order(array, lattice)
    ordered_labels, _ = _in_scanner_order(labels, lattice)
    tag = "-".join(str(getattr(spec, f.name)) for f in dataclasses.fields(spec))
    volume = Volume(ordered, geometry, modality="CT", source=f"phantom of seed {spec.seed}")
    return Phantom(spec, volume, LabelMap(ordered_labels, geometry), tag)


def _lattice(spec: PhantomSpec, size: BodySize) -> _Lattice:
    image_x, image_y = IMAGE_AXES[spec.position]
    field = max(_SMALLEST_FIELD_MM, size.breadth_mm * 1.45)
    if spec.spacing_mm is None:
        step_z, step_row, step_column = 2.0, field / _MATRIX, field / _MATRIX
    else:
        step_z, step_row, step_column = spec.spacing_mm
    rows, columns = (int(2 * np.ceil(field / step / 2)) for step in (step_row, step_column))
    slices = spec.slices or int(round(size.length_mm / step_z))
    middle = size.length_mm * 0.5
    z = middle + (np.arange(slices) - (slices - 1) / 2) * step_z
    along_x = (np.arange(columns) - (columns - 1) / 2) * step_column
    along_y = (np.arange(rows) - (rows - 1) / 2) * step_row
    in_plane = {0: along_x if image_x[0] else along_y, 1: along_x if image_x[1] else along_y}
    return _Lattice((z, in_plane[1], in_plane[0]), image_x, image_y, step_z)


def _grid(lattice: _Lattice, size: BodySize, rng: np.random.Generator, check: Check) -> tuple[DeformedGrid, float]:
    """The grid on which the anatomy is evaluated: the image's own lines where they are coarse, else finer ones."""
    scale = float(rng.uniform(0.95, 1.06))
    step = float(np.clip(0.0085 * size.breadth_mm, 1.2, 2.0))
    half = {2: size.breadth_mm * 0.56 + 20, 1: size.depth_mm * 0.56 + 20}
    axes = []
    for index, axis in enumerate(lattice.axes_mm):
        spacing = float(axis[1] - axis[0]) if len(axis) > 1 else 2.0
        limit = half.get(index, np.inf)
        if spacing >= step:
            axes.append(axis[np.abs(axis) <= limit])
        elif index == 0:
            axes.append(np.arange(axis[0], axis[-1] + step, step))
        else:
            axes.append(np.arange(-limit, limit + step, step))
    seeds = [np.random.default_rng(rng.integers(2**63)) for _ in range(3)]
    amplitude = 0.036 * size.breadth_mm / 2
    displacement = np.stack([amplitude * _deformation(axes, seed, check) for seed in seeds])
    return DeformedGrid(tuple(axes), displacement), scale


def _deformation(axes: list[np.ndarray], rng: np.random.Generator, check: Check) -> np.ndarray:
    """Unit-variance smooth field, tied to patient coordinates so that it does not depend on the image's grid."""
    step, reach = 16.0, 320.0
    lines = (
        np.arange(-160, 640 + step, step),
        np.arange(-reach, reach + step, step),
        np.arange(-reach, reach + step, step),
    )
    field = smooth_noise(rng, tuple(len(line) for line in lines), _DEFORMATION_REACH_MM / step)
    for axis, (line, wanted) in enumerate(zip(lines, axes, strict=True)):
        check()
        field = resample_axis(field, ((wanted - line[0]) / step).astype(np.float32), axis)
    return field


def _in_scanner_order(array: np.ndarray, lattice: _Lattice) -> tuple[np.ndarray, Geometry]:
    """From canonical (z, y, x) to the scanner's (slice, row, column), with the affine of the result."""
    towards = np.cross([*lattice.image_x, 0], [*lattice.image_y, 0])[2]
    z, y, x = lattice.axes_mm
    axis_of = {0: (2, x), 1: (1, y)}
    column_axis = 0 if lattice.image_x[0] else 1
    row_axis = 1 - column_axis
    ordered = array.transpose(0, axis_of[row_axis][0], axis_of[column_axis][0])
    affine = np.eye(4)
    origin = np.zeros(3)
    signs = (int(towards), lattice.image_y[row_axis], lattice.image_x[column_axis])
    lines = ((2, z), (row_axis, axis_of[row_axis][1]), (column_axis, axis_of[column_axis][1]))
    for array_axis, (sign, (patient_axis, line)) in enumerate(zip(signs, lines, strict=True)):
        step = float(line[1] - line[0]) if len(line) > 1 else lattice.slice_mm
        affine[:3, 2 - array_axis] = 0
        affine[patient_axis, 2 - array_axis] = sign * step
        origin[patient_axis] = line[0] if sign > 0 else line[-1]
        if sign < 0:
            ordered = np.flip(ordered, array_axis)
    affine[:3, 3] = origin
    return np.ascontiguousarray(ordered), Geometry(ordered.shape, LPS_TO_RAS @ affine)
