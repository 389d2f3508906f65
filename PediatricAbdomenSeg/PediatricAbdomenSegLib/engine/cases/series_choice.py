"""Which series of a folder is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..progress import OnProgress, ignore_progress
from .dicom_headers import ImageHeader
from .dicom_scan import group_by_series, scan_folder
from .dicomdir import check_nothing_missing


@dataclass(frozen=True)
class SeriesSummary:
    """One image series of a folder, described without naming the patient.

    Attributes:
        series_instance_uid: what `read_series` and ``--series`` take.
        modality: (0008,0060).
        description: Series Description, "" when absent.
        number: Series Number, None when absent.
        images: number of images (frames of multi-frame files), localizers not counted.
        rows, columns: size of the first image.
    """

    series_instance_uid: str
    modality: str
    description: str
    number: int | None
    images: int
    rows: int | None
    columns: int | None

    def __str__(self) -> str:
        description = f' "{self.description}"' if self.description else ""
        number = f" no. {self.number}" if self.number is not None else ""
        uid = self.series_instance_uid or "without Series Instance UID"
        return f"{uid} ({self.modality}{number}{description}, {self.images} × {self.rows} × {self.columns})"


def list_series(folder: Path) -> tuple[SeriesSummary, ...]:
    """The image series below ``folder`` by headers alone, localizers ignored; () when there are none.

    Raises:
        InputError: the folder does not exist, or a DICOM file in it is damaged.
    """
    return tuple(_summary(uid, headers) for uid, headers in group_by_series(_slices(scan_folder(folder))).items())


def find_series(
    folder: Path, series_uid: str | None = None, on_progress: OnProgress = ignore_progress
) -> list[ImageHeader]:
    """The images of the CT series asked for, or of the only one, without localizers, in the order of their paths.

    Args:
        folder: searched with all its subfolders.
        series_uid: Series Instance UID; None takes the only CT series. Images without a position (saved screens,
            protocols) and single images (bolus tracking) are no series to choose from when there is a stack of slices.
        on_progress: stage "read", fraction of the files; may raise to stop.

    Raises:
        InputError: there is no such series, it is no CT, there are several to choose from, or the folder's DICOMDIR
            lists images of it that are not there.
    """
    headers = scan_folder(folder, on_progress)
    chosen = _chosen(group_by_series(_slices(headers)), Path(folder), series_uid)
    uid = chosen[0].series_instance_uid
    check_nothing_missing(folder, [header for header in headers if header.series_instance_uid == uid])
    return chosen


def _slices(headers: Sequence[ImageHeader]) -> list[ImageHeader]:
    return [header for header in headers if not header.is_localizer]


def _chosen(series: Mapping[str, list[ImageHeader]], folder: Path, series_uid: str | None) -> list[ImageHeader]:
    if series_uid is not None:
        if series_uid not in series:
            raise InputError(
                f"No image series {series_uid} in {folder}.", _choices(series, "It holds no image series.")
            )
        chosen = series[series_uid]
        if not chosen[0].is_ct:
            raise InputError(_wrong_modality(series_uid, chosen), "Choose a CT series.")
        return chosen
    if not series:
        raise InputError(f"No DICOM images in {folder}.", "Give the folder that holds the CT slices of one series.")
    of_ct = {uid: headers for uid, headers in series.items() if any(header.is_ct for header in headers)}
    if not of_ct:
        raise InputError(_wrong_modality(*next(iter(series.items()))), "Give a CT series; the models are made for CT.")
    of_ct = {uid: headers for uid, headers in of_ct.items() if _may_be_stack(headers)} or of_ct
    if len(of_ct) > 1:
        raise InputError(f"{folder} holds {len(of_ct)} CT series.", "Choose one with --series UID. " + _choices(of_ct))
    return next(iter(of_ct.values()))


def _may_be_stack(headers: Sequence[ImageHeader]) -> bool:
    return len(headers) > 1 and any("ImagePositionPatient" in header.dataset for header in headers)


def _summary(uid: str, headers: Sequence[ImageHeader]) -> SeriesSummary:
    first = headers[0].dataset
    number = first.get("SeriesNumber")
    return SeriesSummary(
        series_instance_uid=uid,
        modality=str(first.get("Modality") or ""),
        description=str(first.get("SeriesDescription") or ""),
        number=int(number) if str(number).isdigit() else None,
        images=len(headers),
        rows=first.get("Rows"),
        columns=first.get("Columns"),
    )


def _choices(series: Mapping[str, Sequence[ImageHeader]], otherwise: str = "") -> str:
    if not series:
        return otherwise
    return "Series here: " + "; ".join(str(_summary(uid, headers)) for uid, headers in series.items()) + "."


def _wrong_modality(uid: str, headers: Sequence[ImageHeader]) -> str:
    return (
        f"The series {_summary(uid, headers)} is not CT: Modality (0008,0060) is {headers[0].dataset.get('Modality')}."
    )
