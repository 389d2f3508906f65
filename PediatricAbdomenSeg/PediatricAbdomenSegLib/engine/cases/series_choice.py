"""Which series of a folder is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .dicom_headers import ImageHeader, group_by_series, scan_folder


@dataclass(frozen=True)
class SeriesSummary:
    """One image series of a folder, described without naming the patient.

    Attributes:
        series_instance_uid: what `read_series` and ``--series`` take.
        modality: (0008,0060).
        description: Series Description, "" when absent.
        number: Series Number, None when absent.
        files: number of image files, localizers not counted.
        rows, columns: size of the first image.
    """

    series_instance_uid: str
    modality: str
    description: str
    number: int | None
    files: int
    rows: int
    columns: int

    def __str__(self) -> str:
        description = f' "{self.description}"' if self.description else ""
        number = f" no. {self.number}" if self.number is not None else ""
        uid = self.series_instance_uid or "without Series Instance UID"
        return f"{uid} ({self.modality}{number}{description}, {self.files} × {self.rows} × {self.columns})"


def list_series(folder: Path) -> tuple[SeriesSummary, ...]:
    """The image series below ``folder`` by headers alone, localizers ignored; () when there are none.

    Raises:
        InputError: the folder does not exist, or a DICOM file in it is damaged.
    """
    return tuple(_summary(uid, headers) for uid, headers in group_by_series(scan_folder(folder)).items())


def choose_series(headers: Sequence[ImageHeader], folder: Path, series_uid: str | None) -> list[ImageHeader]:
    """The headers of the CT series asked for, or of the only one.

    Args:
        headers: all images of the folder.
        folder: for messages.
        series_uid: Series Instance UID; None takes the only CT series.

    Raises:
        InputError: there is no such series, it is no CT, or there are several to choose from.
    """
    series = group_by_series(headers)
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
    of_ct = {uid: files for uid, files in series.items() if any(header.is_ct for header in files)}
    if not of_ct:
        raise InputError(_wrong_modality(*next(iter(series.items()))), "Give a CT series; the models are made for CT.")
    if len(of_ct) > 1:
        raise InputError(f"{folder} holds {len(of_ct)} CT series.", "Choose one with --series UID. " + _choices(of_ct))
    return next(iter(of_ct.values()))


def _summary(uid: str, headers: Sequence[ImageHeader]) -> SeriesSummary:
    first = headers[0].dataset
    number = first.get("SeriesNumber")
    return SeriesSummary(
        series_instance_uid=uid,
        modality=str(first.get("Modality") or ""),
        description=str(first.get("SeriesDescription") or ""),
        number=None if number is None else int(number),
        files=len(headers),
        rows=int(first.get("Rows") or 0),
        columns=int(first.get("Columns") or 0),
    )


def _choices(series: Mapping[str, Sequence[ImageHeader]], otherwise: str = "") -> str:
    if not series:
        return otherwise
    return "Series here: " + "; ".join(str(_summary(uid, headers)) for uid, headers in series.items()) + "."


def _wrong_modality(uid: str, headers: Sequence[ImageHeader]) -> str:
    return (
        f"The series {_summary(uid, headers)} is not CT: Modality (0008,0060) is {headers[0].dataset.get('Modality')}."
    )
