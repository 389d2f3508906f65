"""From Slicer's volume nodes to the engine's volumes: what cannot be segmented, why, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer
import vtk

from ..engine.cases.image_file import write_volume
from ..engine.cases.series_references import references_on_grid
from ..engine.cases.volume import DicomReferences, Volume
from ..engine.errors import InputError
from ..engine.wording import counted
from .images import affine_of, geometry_of_volume, voxels_of
from .placement import place_beside, unused_name
from .scene_problem import SceneProblem

INPUT_FILE_NAME = "input.nrrd"
INSTANCE_UIDS_ATTRIBUTE = "DICOM.instanceUIDs"  # Slicer's DICOM plugins set it on volumes, separated by blanks
MODALITY_ATTRIBUTE = "DICOM.Modality"  # as in the subject hierarchy
_INT16 = np.iinfo(np.int16)
_LARGEST_SHEAR = 1e-3  # cosine between two axes; 0.06°, beyond what rounding in headers does

# Kinds of problems.
NO_VOLUME = "no_volume"
LABEL_MAP = "label_map"
SEQUENCE = "sequence"
NOT_SCALAR = "not_scalar"
NO_IMAGE = "no_image"
SINGLE_SLICE = "single_slice"
SHEARED = "sheared"
LINEAR_TRANSFORM = "linear_transform"
NONLINEAR_TRANSFORM = "nonlinear_transform"
WRONG_MODALITY = "wrong_modality"


def input_problem(volume_node: slicer.vtkMRMLNode | None, modality: str = "CT") -> SceneProblem | None:
    """What keeps a node from being segmented, None when nothing does. Changes nothing.

    Args:
        volume_node: what the user chose; None when nothing is chosen or it was deleted.
        modality: what the model is for, as in DICOM (0008,0060).
    """
    if volume_node is None or volume_node.GetScene() is None:
        return SceneProblem(NO_VOLUME, "No volume is chosen.", "Load a CT and choose it as input volume.")
    return _type_problem(volume_node) or _image_problem(volume_node, modality) or _transform_problem(volume_node)


def volume_to_begin_with(scene: slicer.vtkMRMLScene, modality: str = "CT") -> slicer.vtkMRMLScalarVolumeNode | None:
    """The volume shown in the slice views, else the first one, that can be segmented as it is; None without any."""
    selection = scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    shown = scene.GetNodeByID(selection.GetActiveVolumeID() or "") if selection is not None else None
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    others = [scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count)]
    return next((node for node in (shown, *others) if input_problem(node, modality) is None), None)


def harden_copy(
    scene: slicer.vtkMRMLScene, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLScalarVolumeNode:
    """A new volume node with the parent transforms applied to its voxels; the original stays as it is.

    The copy does not refer to the DICOM series any more, because contours drawn on it do not fit the series' slices.
    """
    image = vtk.vtkImageData()
    image.DeepCopy(volume_node.GetImageData())
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    copy = slicer.vtkMRMLScalarVolumeNode()
    copy.SetName(unused_name(scene, f"{volume_node.GetName()} (transformed)"))
    copy.SetIJKToRASMatrix(matrix)
    copy.SetAndObserveImageData(image)
    copy.SetAttribute(MODALITY_ATTRIBUTE, dicom_modality(volume_node) or None)
    scene.AddNode(copy)
    copy.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    copy.HardenTransform()
    copy.CreateDefaultDisplayNodes()
    place_beside(scene, copy, volume_node)
    return copy


def volume_of(
    volume_node: slicer.vtkMRMLScalarVolumeNode, file_of_instance: Callable[[str], str] | None = None
) -> Volume:
    """The engine's volume of a node: Hounsfield units as int16, rounded and clipped, in the node's own coordinates.

    Args:
        volume_node: one without `input_problem`.
        file_of_instance: path of a SOP instance, "" where it is not known, such as ``fileForInstance`` of Slicer's
            DICOM database; with it the volume gets the references of the series it was loaded from.

    Raises:
        InputError: voxels are NaN or infinite, or all the same; or the DICOM files do not fit the volume any more.
    """
    array = voxels_of(volume_node.GetImageData())
    name = volume_node.GetName() or ""
    if np.issubdtype(array.dtype, np.floating):
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        if bad:
            raise InputError(
                f'"{name}": NaN or infinite in {counted(bad, "voxel")}.', "Replace them by -1024 HU (air)."
            )
        array = np.rint(array)
    if array.min() == array.max():
        raise InputError(f'"{name}": all voxels are {array.flat[0]}.', "Load the CT again: it has no image content.")
    hounsfield = np.clip(array, _INT16.min, _INT16.max).astype(np.int16)
    geometry = geometry_of_volume(volume_node)
    references = dicom_references(volume_node, file_of_instance)
    return Volume(hounsfield, geometry, dicom_modality(volume_node), references, name)


def dicom_references(
    volume_node: slicer.vtkMRMLScalarVolumeNode, file_of_instance: Callable[[str], str] | None
) -> DicomReferences | None:
    """The series behind a volume; None when it did not come from DICOM or not all its files are known (any more).

    Raises:
        InputError: the files are known, but are damaged or do not lie on the volume's grid.
    """
    paths = dicom_files(volume_node, file_of_instance)
    return references_on_grid(paths, geometry_of_volume(volume_node)) if paths else None


def dicom_files(
    volume_node: slicer.vtkMRMLScalarVolumeNode, file_of_instance: Callable[[str], str] | None
) -> tuple[Path, ...]:
    """The DICOM files of a volume; () unless every one is known and exists."""
    uids = (volume_node.GetAttribute(INSTANCE_UIDS_ATTRIBUTE) or "").split()
    if not uids or file_of_instance is None:
        return ()
    names = [file_of_instance(uid) for uid in uids]
    paths = tuple(Path(name) for name in names if name)
    return paths if len(paths) == len(uids) and all(path.is_file() for path in paths) else ()


def dicom_attributes(volume_node: slicer.vtkMRMLVolumeNode) -> dict[str, str]:
    """Attributes that tell which DICOM series a volume is, for a copy of it; {} when it did not come from DICOM."""
    uids, modality = volume_node.GetAttribute(INSTANCE_UIDS_ATTRIBUTE) or "", dicom_modality(volume_node)
    found = {INSTANCE_UIDS_ATTRIBUTE: uids, MODALITY_ATTRIBUTE: modality}
    return {name: value for name, value in found.items() if value}


def has_voxels_of(volume_node: slicer.vtkMRMLScalarVolumeNode, volume: Volume) -> bool:
    """Whether a node shows the same image at the same place, voxel by voxel."""
    if input_problem(volume_node, volume.modality or "CT") is not None:
        return False
    if not geometry_of_volume(volume_node).is_close_to(volume.geometry):
        return False
    return np.array_equal(volume_of(volume_node).array, volume.array)


def dicom_modality(volume_node: slicer.vtkMRMLVolumeNode) -> str:
    """Modality of the series a volume was loaded from, "" when it is not known."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
    item = hierarchy.GetItemByDataNode(volume_node)
    from_hierarchy = hierarchy.GetItemAttribute(item, MODALITY_ATTRIBUTE) if item else ""
    return from_hierarchy or volume_node.GetAttribute(MODALITY_ATTRIBUTE) or ""


def write_input(volume_node: slicer.vtkMRMLScalarVolumeNode, folder: Path) -> Path:
    """Write a volume for the worker, uncompressed, into ``folder``; returns the file.

    The file has a name of our own, so that names of volumes, which may be patients' names in any script, are in no
    path. Errors as in `volume_of` and `write_volume`.
    """
    path = Path(folder) / INPUT_FILE_NAME
    write_volume(volume_of(volume_node), path)
    return path


def _type_problem(node: slicer.vtkMRMLNode) -> SceneProblem | None:
    name = node.GetName() or ""
    if node.IsA("vtkMRMLSequenceNode") or _is_frame_of_sequence(node):
        return SceneProblem(
            SEQUENCE,
            f'"{name}" is a sequence of images, of which only the current one is shown.',
            "Choose the time point, clone it (Data module, right click, Clone) and segment the clone.",
        )
    if node.IsA("vtkMRMLLabelMapVolumeNode") or node.IsA("vtkMRMLSegmentationNode"):
        return SceneProblem(LABEL_MAP, f'"{name}" holds labels, not an image.', "Choose the CT it was drawn on.")
    if not node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLTensorVolumeNode"):
        return SceneProblem(NOT_SCALAR, f'"{name}" is not a scalar volume.', "Choose a CT volume.")
    if node.GetImageData() is not None and node.GetImageData().GetNumberOfScalarComponents() > 1:
        return SceneProblem(
            NOT_SCALAR,
            f'"{name}" has {node.GetImageData().GetNumberOfScalarComponents()} components a voxel, a CT has one.',
            "Choose a CT volume; colour pictures cannot be segmented.",
        )
    return None


def _image_problem(node: slicer.vtkMRMLScalarVolumeNode, modality: str) -> SceneProblem | None:
    name, image = node.GetName() or "", node.GetImageData()
    if image is None or not voxels_of(image).size:
        return SceneProblem(NO_IMAGE, f'"{name}" has no image.', "Load it again: its file may be missing.")
    if min(image.GetDimensions()) < 2:
        return SceneProblem(
            SINGLE_SLICE, f'"{name}" is a single slice, {image.GetDimensions()} voxels.', "Load the whole series."
        )
    axes = geometry_of_volume(node).affine[:3, :3]
    cosines = axes / np.linalg.norm(axes, axis=0)
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > _LARGEST_SHEAR:
        return SceneProblem(
            SHEARED,
            f'The axes of "{name}" are not at right angles, as after a transform with shear or with a tilted gantry.',
            "Resample it to a rectangular grid (module Resample Scalar Volume), then segment the result.",
        )
    found = dicom_modality(node)
    if found and found != modality:
        return SceneProblem(
            WRONG_MODALITY,
            f'"{name}" is of modality {found}; the model is for {modality}.',
            f"Choose a {modality} series or another model.",
        )
    return None


def _transform_problem(node: slicer.vtkMRMLScalarVolumeNode) -> SceneProblem | None:
    name, transform = node.GetName() or "", node.GetParentTransformNode()
    if transform is None:
        return None
    if not transform.IsTransformToWorldLinear():
        return SceneProblem(
            NONLINEAR_TRANSFORM,
            f'"{name}" is warped by the transform "{transform.GetName()}".',
            "Segment a hardened copy: its voxels are resampled, the original stays as it is.",
            hardened_copy_helps=True,
        )
    if np.allclose(_to_world(transform), np.eye(4), atol=1e-6):
        return None
    return SceneProblem(
        LINEAR_TRANSFORM,
        f'"{name}" is moved by the transform "{transform.GetName()}".',
        "Take it out of the transform to keep its DICOM coordinates, or segment a hardened copy.",
        hardened_copy_helps=True,
    )


def _to_world(transform: slicer.vtkMRMLTransformNode) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return affine_of(matrix)


def _is_frame_of_sequence(node: slicer.vtkMRMLNode) -> bool:
    scene, browser_class = node.GetScene(), "vtkMRMLSequenceBrowserNode"
    browsers = (
        scene.GetNthNodeByClass(index, browser_class) for index in range(scene.GetNumberOfNodesByClass(browser_class))
    )
    return any(browser.GetSequenceNode(node) is not None for browser in browsers)
