"""Stand-ins of Slicer's DICOM database and of the loading of a series from it."""

from __future__ import annotations

import shutil
import types
from pathlib import Path
from typing import Any

import numpy as np
from PySide6 import QtCore
from PySide6.QtCore import Property

_SERIES_TAGS = ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality", "SeriesDescription"]
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class ctkDICOMDatabase(QtCore.QObject):
    """Knows the files of instances and the instances of series."""

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self.headers: dict[str, Any] = {}
        self.files: dict[str, str] = {}

    def insert_file(self, path: Path) -> str:
        """Take a DICOM file into the database; returns its series."""
        from pydicom import dcmread

        header = dcmread(path, stop_before_pixels=True, specific_tags=_SERIES_TAGS)
        self.headers[header.SOPInstanceUID] = header
        self.files[header.SOPInstanceUID] = str(path)
        return str(header.SeriesInstanceUID)

    def clear(self) -> None:
        """Forget everything."""
        self.headers.clear()
        self.files.clear()

    def fileForInstance(self, sop_instance_uid: str) -> str:
        return self.files.get(sop_instance_uid, "")

    def instancesForSeries(self, series_uid: str) -> tuple[str, ...]:
        return tuple(uid for uid, header in self.headers.items() if header.SeriesInstanceUID == series_uid)

    def filesForSeries(self, series_uid: str) -> tuple[str, ...]:
        return tuple(self.files[uid] for uid in self.instancesForSeries(series_uid))

    isOpen = Property(bool, lambda _: True)


class ctkDICOMIndexer(QtCore.QObject):
    """Adds files to a database."""

    def addFile(self, database: ctkDICOMDatabase, path: str, copy: bool = False) -> None:
        source = Path(path)
        if copy:
            from slicer_host.application import the_application

            folder = Path(the_application().temporary_folder) / "dicom"
            folder.mkdir(exist_ok=True)
            source = Path(shutil.copy(source, folder / f"{len(database.files)}.dcm"))
        database.insert_file(source)

    def waitForImportFinished(self) -> None:
        """Files are added at once."""


DICOM_CLASSES: dict[str, type] = {cls.__name__: cls for cls in (ctkDICOMDatabase, ctkDICOMIndexer)}


def dicom_lib(database: ctkDICOMDatabase) -> dict[str, types.ModuleType]:
    """The modules ``DICOMLib`` and ``DICOMLib.DICOMUtils``."""
    utils = types.ModuleType("DICOMLib.DICOMUtils")
    package = types.ModuleType("DICOMLib")
    package.__path__ = []

    def import_dicom(folder: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                database.insert_file(path)
        return True

    def load_series(series_uids: list[str]) -> list[str]:
        if not isinstance(series_uids, list) or not series_uids:
            raise ValueError("loadSeriesByUID() takes a list of series UIDs")
        return [_load(database, uid).GetID() for uid in series_uids]

    utils.importDicom, utils.loadSeriesByUID = import_dicom, load_series
    package.DICOMUtils = utils
    return {"DICOMLib": package, "DICOMLib.DICOMUtils": utils}


def _load(database: ctkDICOMDatabase, series_uid: str) -> Any:
    """A volume node as Slicer's scalar volume plugin makes it: attributes and subject hierarchy included."""
    import SimpleITK as sitk  # noqa: N813
    import slicer

    uids = database.instancesForSeries(series_uid)
    first = database.headers[uids[0]]
    folder = str(Path(database.fileForInstance(uids[0])).parent)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder, series_uid)
    image = sitk.ReadImage(names)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    node = slicer.util.addVolumeFromArray(
        sitk.GetArrayFromImage(image), _LPS_TO_RAS @ affine, str(getattr(first, "SeriesDescription", "") or "CT")
    )
    by_file = {path: uid for uid, path in database.files.items()}
    node.SetAttribute("DICOM.instanceUIDs", " ".join(by_file[name] for name in names))
    node.CreateDefaultDisplayNodes()
    _place_in_hierarchy(node, first)
    return node


def _place_in_hierarchy(node: Any, header: Any) -> None:
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    uid_name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMUIDName()
    patient = hierarchy.GetItemByUID(uid_name, str(header.PatientID))
    if not patient:
        patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient")
        hierarchy.SetItemUID(patient, uid_name, str(header.PatientID))
    study = hierarchy.GetItemByUID(uid_name, str(header.StudyInstanceUID))
    if not study:
        study = hierarchy.CreateStudyItem(patient, "Study")
        hierarchy.SetItemUID(study, uid_name, str(header.StudyInstanceUID))
    series = hierarchy.GetItemByDataNode(node)
    hierarchy.SetItemParent(series, study)
    hierarchy.SetItemUID(series, uid_name, str(header.SeriesInstanceUID))
    hierarchy.SetItemAttribute(series, "DICOM.Modality", str(header.Modality))
