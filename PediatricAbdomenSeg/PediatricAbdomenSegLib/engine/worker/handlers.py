"""From requests to jobs: what this worker can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..cases.outline_style import OutlineStyle
from ..inference.pipeline import InferenceOptions, ModelCache
from ..phantom.ct_series import write_phantom
from ..phantom.make import make_phantom
from ..phantom.spec import PhantomSpec
from ..progress import CancelToken, OnProgress
from .dicom_seg_job import export_dicom_seg
from .hardware_job import describe_hardware
from .jobs import SegmentJob, list_models, segment_case
from .protocol import (
    ExportDicomSeg,
    ExportRtstruct,
    Hardware,
    ListModels,
    MakePhantom,
    PrepareRatingCase,
    Segment,
    SendDicom,
)
from .rating_case_job import prepare_rating_case
from .rtstruct_job import RtStructOptions, export_rtstruct
from .send_job import send_to_node
from .server import Handler


def make_handlers() -> Mapping[type, Handler]:
    """Handlers that share one cache of loaded models, for the life of the worker."""
    models = ModelCache()

    def on_segment(request: Segment, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        return segment_case(segment_job(request), on_progress, cancel, models)

    def on_export(request: ExportRtstruct, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        return export_rtstruct(
            Path(request.ct_folder),
            [Path(path) for path in request.labels],
            Path(request.output),
            request.models,
            request.series,
            RtStructOptions(
                name_style=request.name_style,
                edited=request.edited,
                style=OutlineStyle(request.smooth_px, request.simplify_px),
                body=request.body,
                append_to=Path(request.append_to) if request.append_to else None,
                replace_same=request.replace_same,
            ),
            on_progress,
            cancel,
        )

    def on_export_seg(request: ExportDicomSeg, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        return export_dicom_seg(
            Path(request.ct_folder),
            [Path(path) for path in request.labels],
            Path(request.output),
            request.models,
            request.series,
            on_progress,
            cancel,
            encoding=request.encoding,
            edited=request.edited,
        )

    def on_send(request: SendDicom, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        files = [Path(path) for path in request.files]
        return send_to_node(files, request.node, request.consent, on_progress, cancel)

    def on_rating_case(request: PrepareRatingCase, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        return prepare_rating_case(
            Path(request.image),
            request.image_kind,
            request.series,
            Path(request.contours),
            request.contours_kind,
            request.organs,
            Path(request.output),
            on_progress,
            cancel,
        )

    def on_phantom(request: MakePhantom, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        spec = PhantomSpec(request.age_years, request.seed, tumour_ml=request.tumour_ml, spacing_mm=request.spacing_mm)
        phantom = make_phantom(spec, cancel.raise_if_cancelled)
        return {"ct_folder": str(write_phantom(phantom, Path(request.output), cancel.raise_if_cancelled) / "ct")}

    def on_list(request: ListModels, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        return list_models()

    def on_hardware(request: Hardware, on_progress: OnProgress, cancel: CancelToken) -> dict[str, Any]:
        return describe_hardware(cancel)

    return {
        Segment: on_segment,
        ExportRtstruct: on_export,
        ExportDicomSeg: on_export_seg,
        SendDicom: on_send,
        PrepareRatingCase: on_rating_case,
        MakePhantom: on_phantom,
        ListModels: on_list,
        Hardware: on_hardware,
    }


def segment_job(request: Segment) -> SegmentJob:
    """The job a `Segment` request asks for."""
    options = InferenceOptions(
        device=request.device,
        configuration=request.configuration,
        folds=request.folds,
        mirror=request.mirror,
        exact=request.exact,
        organs=request.organs,
        low_memory=request.low_memory,
        entropy=request.entropy,
    )
    return SegmentJob(Path(request.input), Path(request.output), request.model, request.series, options)
