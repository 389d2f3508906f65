"""Writes what an export asks for: label map and .seg.nrrd at once, the DICOM files through the worker."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ..engine.cases.image_file import write_label_map
from ..engine.cases.outline_style import DEFAULT_SIMPLIFY_PX, DEFAULT_SMOOTH_PX
from ..engine.cases.seg_nrrd import write_seg_nrrd
from ..engine.errors import InputError, PediatricAbdomenSegError, ResourceError
from ..engine.geometry import Geometry
from ..engine.progress import OnProgress, ProgressEvent
from ..engine.worker.protocol import ExportDicomSeg, ExportRtstruct
from ..scene.images import geometry_of_volume
from ..scene.segment_properties import SegmentProperties
from ..scene.segmentation_reader import SegmentMask, read_masks, resolve
from ..scene.volumes import dicom_references
from .export_plan import ExportChoice, checked_choice, label_layers, named, organs_to_export
from .session import Session

LAYER_NAME = "layer{number}.seg.nrrd"


class ExportJob:
    """One export of one segmentation.

    Args:
        session: what the pages share.
        segmentation_node: what is exported.
        volume_node: the CT it lies on; None when it is not in the scene any more.
        choice: files and names.
        keys: organs.

    Raises:
        PediatricAbdomenSegError: nothing can be exported; nothing was written.
    """

    def __init__(
        self, session: Session, segmentation_node: Any, volume_node: Any, choice: ExportChoice, keys: Sequence[str]
    ) -> None:
        if volume_node is None:
            raise InputError(
                _("The CT of this segmentation is not in the scene any more."), _("Load it, and segment it again.")
            )
        self._session = session
        self._segmentation = segmentation_node
        self._volume = volume_node
        self.choice = checked_choice(choice)
        self.masks = organs_to_export(read_masks(segmentation_node, volume_node), keys)
        self.references = None
        if self.choice.dicom_paths():
            self.references = dicom_references(volume_node, session.file_of_instance)
            if self.references is None:
                raise InputError(
                    _("RTSTRUCT and DICOM SEG refer to the slices of a DICOM series, and this CT has none."),
                    _("Load the CT from Slicer's DICOM database, or untick RTSTRUCT and DICOM SEG."),
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the organs, in the style that was chosen."""
        return tuple(organ.display_name for organ in named([mask.organ for mask in self.masks], self.choice.name_style))

    def write_files(self) -> None:
        """Write everything but the DICOM files. Raises `PediatricAbdomenSegError`."""
        try:
            self.choice.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(
                _("{folder} cannot be made: {reason}.").format(folder=self.choice.folder, reason=error.strerror),
                _("Choose another folder."),
            ) from error
        if not (self.choice.label_map_suffix or self.choice.seg_nrrd):
            return
        merged = resolve(self.masks, self._geometry())
        if self.choice.label_map_suffix:
            write_label_map(merged, self.choice.label_map_path)
        if self.choice.seg_nrrd:
            organs = named([mask.organ for mask in self.masks], self.choice.name_style)
            write_seg_nrrd(merged, self.choice.seg_nrrd_path, organs, tags_of=self._model_tags())

    def ask_for_dicom(
        self,
        on_done: Callable[[list[dict[str, Any]]], None],
        on_failed: Callable[[PediatricAbdomenSegError], None],
        on_progress: OnProgress,
    ) -> None:
        """Hand label maps to the worker, which writes the DICOM files; results come in the order of their paths.

        Raises `PediatricAbdomenSegError`.
        """
        folder = self._session.runner.store.private_folder("export")
        results: list[dict[str, Any]] = []

        def clean_up(call: Callable[..., None]) -> Callable[..., None]:
            def finish(*arguments: Any) -> None:
                shutil.rmtree(folder, ignore_errors=True)
                call(*arguments)

            return finish

        def take(result: dict[str, Any]) -> None:
            results.append(result)
            ask_next()

        def show(event: ProgressEvent) -> None:
            on_progress(replace(event, fraction=(len(results) + event.fraction) / len(requests)))

        def ask_next() -> None:
            if len(results) == len(requests):
                clean_up(on_done)(results)
                return
            self._session.runner.ask(requests[len(results)], take, clean_up(on_failed), show)

        try:
            requests = self._requests(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        ask_next()

    def _requests(self, folder: Path) -> list[ExportRtstruct | ExportDicomSeg]:
        labels = self._write_layers(folder)
        common: dict[str, Any] = {
            "id": "",
            "ct_folder": str(ct_folder([instance.path for instance in self.references.slices], folder)),
            "labels": tuple(str(path) for path in labels),
            "series": self.references.series_instance_uid,
            "edited": tuple(mask.organ.key for mask in self.masks if mask.edited),
        }
        requests: list[ExportRtstruct | ExportDicomSeg] = []
        if self.choice.rtstruct:
            output = str(self.choice.rtstruct_path)
            smoothing = {"smooth_px": DEFAULT_SMOOTH_PX, "simplify_px": DEFAULT_SIMPLIFY_PX}
            requests.append(
                ExportRtstruct(
                    **common,
                    output=output,
                    name_style=self.choice.name_style,
                    body=self.choice.body,
                    append_to=None if self.choice.append_to is None else str(self.choice.append_to),
                    replace_same=self.choice.append_to is not None and self.choice.replace_same,
                    **(smoothing if self.choice.smooth else {}),
                )
            )
        if self.choice.dicom_seg:
            requests.append(ExportDicomSeg(**common, output=str(self.choice.dicom_seg_path)))
        return requests

    def _geometry(self) -> Geometry:
        return geometry_of_volume(self._volume)

    def _write_layers(self, folder: Path) -> list[Path]:
        """Files that say which model made which organ: a demonstration stays one, its bundle here or not."""
        layers = label_layers(self.masks, self._geometry())
        paths = [folder / LAYER_NAME.format(number=number) for number in range(len(layers))]
        organs = tuple(dict.fromkeys(mask.organ for mask in self.masks))
        for layer, path in zip(layers, paths, strict=True):
            write_seg_nrrd(layer, path, organs, tags_of=self._model_tags())
        return paths

    def _model_tags(self) -> dict[str, dict[str, str]]:
        """Tags of the model that made an organ, by its key; those drawn by hand are missing."""
        models = {mask.organ.key: self._properties(mask).model for mask in self.masks}
        return {key: model.as_tags() for key, model in models.items() if model.name}

    def _properties(self, mask: SegmentMask) -> SegmentProperties:
        segment = self._segmentation.GetSegmentation().GetSegment(mask.segment_id)
        return SegmentProperties.from_segment(segment, mask.segment_id)


def ct_folder(files: Sequence[Path], folder: Path) -> Path:
    """A folder that holds the files of a series: their own if they share one, else ``folder/ct`` with copies.

    Slicer's DICOM database leaves files where they are or spreads them over folders of its own.
    """
    parents = {path.parent for path in files}
    if len(parents) == 1:
        return parents.pop()
    target = folder / "ct"
    target.mkdir()
    for number, path in enumerate(files):
        shutil.copyfile(path, target / f"{number:05d}.dcm")
    return target
