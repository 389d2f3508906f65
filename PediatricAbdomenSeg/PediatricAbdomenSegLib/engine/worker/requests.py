"""What a worker can be asked for; `protocol` says how requests travel and which version of it knows which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Hello:
    """Ask whether the worker is alive; answered at once, also while a job runs. Result: as in `Ready`."""

    type: ClassVar[str] = "hello"
    id: str


@dataclass(frozen=True)
class Segment:
    """Segment one case into a folder. Result: the content of its result.json.

    Attributes:
        input: DICOM folder, DICOM file, NIfTI, NRRD or MHA.
        output: folder that receives the files; created if needed.
        model: name of a bundle or path of its folder.
        series: Series Instance UID when the folder holds several.
        mirror: None follows the checkpoint.
        organs: keys of the organs wanted, None for all of the model.
        low_memory: spare the graphics card's memory, and do not keep the model for the next case.
        entropy: also map how unsure the network is.
    """

    type: ClassVar[str] = "segment"
    since: ClassVar[int] = 3
    id: str
    input: str
    output: str
    model: str = "multi-organ"
    series: str | None = None
    device: str = "auto"
    configuration: str | None = None
    folds: tuple[str, ...] | None = None
    mirror: bool | None = None
    exact: bool = False
    organs: tuple[str, ...] | None = None
    low_memory: bool = False
    entropy: bool = False


@dataclass(frozen=True)
class Export:
    """What both exports have in common.

    Attributes:
        ct_folder: folder of the CT series.
        labels: label maps or segmentations; organs of all of them go into one file.
        output: the file to write.
        models: bundles that made the label maps: none (what segmentations say counts), one for all, or one for each.
        series: Series Instance UID when the folder holds several.
        edited: keys of the organs that a person has corrected.
    """

    id: str
    ct_folder: str
    labels: tuple[str, ...]
    output: str
    models: tuple[str, ...] = ()
    series: str | None = None
    edited: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportRtstruct(Export):
    """Write an RTSTRUCT from label maps of a CT series. Result: as `rtstruct_job.export_rtstruct` says.

    Attributes:
        name_style: ROI names: "tg263", "display" or "short".
        body: outline the body too.
        smooth_px, simplify_px: see `OutlineStyle`.
        append_to: an RTSTRUCT whose ROIs are kept in the new file; None for none.
        replace_same: those of them that are named after an organ of the label maps are replaced.
    """

    type: ClassVar[str] = "export_rtstruct"
    since: ClassVar[int] = 6
    name_style: str = "tg263"
    body: bool = False
    smooth_px: float = 0.0
    simplify_px: float = 0.0
    append_to: str | None = None
    replace_same: bool = False


@dataclass(frozen=True)
class ExportDicomSeg(Export):
    """Write a DICOM Segmentation from label maps of a CT series. Result: as `export_dicom_seg` says.

    Attributes:
        encoding: "binary", "labelmap" or "labelmap-rle".
    """

    type: ClassVar[str] = "export_dicom_seg"
    since: ClassVar[int] = 4
    encoding: str = "binary"


@dataclass(frozen=True)
class SendDicom:
    """Send DICOM files to one of the user's nodes. Result: as `send_job.send_to_node` says.

    Attributes:
        files: DICOM files.
        node: name of the node.
        consent: that a person has agreed to send these files to this node; without it nothing is sent.
    """

    type: ClassVar[str] = "send_dicom"
    since: ClassVar[int] = 4
    id: str
    files: tuple[str, ...]
    node: str
    consent: bool = False


@dataclass(frozen=True)
class PrepareRatingCase:
    """Make plain files of a case for a rater. Result: as `rating_case_job.prepare_rating_case` says.

    Attributes:
        image, image_kind, series: the CT, and what it is in, as in `ratings.study.ImageReference`.
        contours, contours_kind: as in `ratings.study.SegmentationReference`.
        organs: keys of the organs that are scored.
        output: folder that receives the files.
    """

    type: ClassVar[str] = "prepare_rating_case"
    since: ClassVar[int] = 5
    id: str
    image: str
    image_kind: str
    contours: str
    contours_kind: str
    organs: tuple[str, ...]
    output: str
    series: str = ""


@dataclass(frozen=True)
class MakePhantom:
    """Make a synthetic child's CT. Result: ``{"ct_folder": path}``.

    Attributes:
        output: folder to write, see `ct_series.write_phantom`.
        age_years, seed, tumour_ml, spacing_mm: see `PhantomSpec`.
    """

    type: ClassVar[str] = "make_phantom"
    since: ClassVar[int] = 2
    id: str
    output: str
    age_years: float = 4.0
    seed: int = 1
    tumour_ml: float | None = None
    spacing_mm: tuple[float, ...] | None = None


@dataclass(frozen=True)
class ListModels:
    """List the bundles the worker finds. Result: ``{"models": [...]}``."""

    type: ClassVar[str] = "list_models"
    id: str


@dataclass(frozen=True)
class Hardware:
    """Ask what this worker runs on. Result: `runtime.hardware.Hardware` as JSON, see `hardware_job`."""

    type: ClassVar[str] = "hardware"
    since: ClassVar[int] = 2
    id: str


@dataclass(frozen=True)
class Cancel:
    """Cancel a running or waiting request, which ends in its own event. Result: ``{"found": bool}``."""

    type: ClassVar[str] = "cancel"
    id: str
    target: str


@dataclass(frozen=True)
class Shutdown:
    """Cancel whatever runs or waits, answer, and end."""

    type: ClassVar[str] = "shutdown"
    id: str
