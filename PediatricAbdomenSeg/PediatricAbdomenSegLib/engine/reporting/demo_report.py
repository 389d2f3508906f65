"""report.html of ``pedseg demo``: one self-contained page that works offline and prints well."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..cases.volume import LabelMap, Volume
from ..organs import Organ, OrganType
from .overlay import PLANES, cut_planes, draw_plane
from .report_style import PAGE, STYLE

NOTICE = "Synthetic phantom, demonstration model, not for clinical use"
WIDEST_PLANE_PX = 620


@dataclass(frozen=True)
class OrganRow:
    """One line of the table.

    Attributes:
        organ: its row of the organ table.
        volume_ml, truth_ml: found and true volume.
        dsc: Dice similarity coefficient to the truth, None when both are empty.
        flags: as in result.json.
    """

    organ: Organ
    volume_ml: float
    truth_ml: float
    dsc: float | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class DemoReport:
    """What the page tells.

    Attributes:
        facts: name to value about the phantom and the machine.
        rows: one per structure, in the order of the organ table.
        seconds: step to wall time, in order.
        files: file or folder relative to the page to what it is.
    """

    facts: Mapping[str, str]
    rows: Sequence[OrganRow]
    seconds: Mapping[str, float]
    files: Mapping[str, str]


def write_report(report: DemoReport, volume: Volume, found: Sequence[LabelMap], truth: LabelMap, path: Path) -> None:
    """Write the page.

    Args:
        volume: the CT.
        found: the models' label maps on its grid; later ones are drawn over earlier ones.
        truth: the phantom's own label map.

    Raises:
        OSError: the file cannot be written.
    """
    structures = [row.organ for row in report.rows]
    pages = {
        "content": "\n".join(
            (
                _figures(volume, found, truth, structures),
                _tiles(report),
                _organ_table(report.rows),
                f'<div class="halves">{_files_list(report.files)}{_seconds_table(report.seconds)}</div>',
            )
        ),
        "facts": " · ".join(f"{escape(name)} <b>{escape(value)}</b>" for name, value in report.facts.items()),
        "notice": escape(NOTICE),
        "style": STYLE,
    }
    path.write_text(PAGE.format(**pages), encoding="utf-8", newline="\n")


def _figures(volume: Volume, found: Sequence[LabelMap], truth: LabelMap, structures: Sequence[Organ]) -> str:
    """Three planes, each as result, truth and bare CT, switched by radio buttons without any script."""
    tumour = next((organ.label for organ in structures if organ.type == OrganType.TARGET), None)
    cut = cut_planes(volume, [truth, *found], focus=tumour)
    px_per_mm = WIDEST_PLANE_PX / max(cut.size_mm(name)[1] for name in PLANES)
    layers = {"found": slice(1, None), "truth": slice(0, 1), "ct": slice(0, 0)}
    figures = []
    for name in PLANES:
        images = []
        for layer, chosen in layers.items():
            labels = {plane: maps[chosen] for plane, maps in cut.labels.items()}
            picture = draw_plane(type(cut)(cut.ct, labels, cut.pixel_mm), name, structures, px_per_mm)
            images.append(f'<img class="{layer}" alt="{name} plane, {layer}" src="{_data_url(picture)}">')
        figures.append(f"<figure>{''.join(images)}<figcaption>{name.capitalize()}</figcaption></figure>")
    buttons = "".join(
        f'<input type="radio" name="layer" id="show-{layer}"{" checked" if layer == "found" else ""}>'
        f'<label for="show-{layer}">{text}</label>'
        for layer, text in (("found", "Found by the models"), ("truth", "Truth"), ("ct", "CT alone"))
    )
    widths = " ".join(f"{cut.size_mm(name)[1]:.0f}fr" for name in PLANES)  # one scale for all three
    planes = f'<div class="planes" style="--widths: {widths}">{"".join(figures)}</div>'
    return f'<section class="views">{buttons}{planes}</section>'


def _data_url(picture) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _tiles(report: DemoReport) -> str:
    tiles = []
    groups = (("Type 1 organs", OrganType.TYPE1), ("Type 2 organs", OrganType.TYPE2), ("tumour", OrganType.TARGET))
    for name, kind in groups:
        scores = [row.dsc for row in report.rows if row.organ.type == kind and row.dsc is not None]
        if scores:
            tiles.append(_tile(f"{sum(scores) / len(scores):.3f}", f"mean DSC, {name}"))
    tiles.append(_tile(f"{sum(report.seconds.values()):.0f} s", "from nothing to this page"))
    return f'<section class="tiles">{"".join(tiles)}</section>'


def _tile(value: str, caption: str) -> str:
    return f"<div><strong>{value}</strong><span>{escape(caption)}</span></div>"


def _organ_table(rows: Sequence[OrganRow]) -> str:
    lines = []
    for row in rows:
        red, green, blue = row.organ.color
        dsc = "–" if row.dsc is None else f"{row.dsc:.3f}"
        share = 0 if row.dsc is None else row.dsc * 100
        flags = ", ".join(flag.replace("_", " ") for flag in row.flags)
        lines.append(
            f'<tr><td><i style="background:rgb({red},{green},{blue})"></i>{escape(row.organ.display_name)}</td>'
            f"<td><code>{escape(row.organ.tg263_name)}</code></td>"
            f'<td class="n">{_ml(row.volume_ml)}</td><td class="n">{_ml(row.truth_ml)}</td>'
            f'<td class="n">{dsc}</td><td class="bar"><b style="width:{share:.1f}%"></b></td>'
            f"<td>{escape(flags)}</td></tr>"
        )
    return (
        "<section><h2>Structures</h2><table><thead><tr><th>Structure</th><th>TG-263</th>"
        '<th class="n">Found, ml</th><th class="n">Truth, ml</th><th class="n">DSC</th><th></th><th>Flags</th></tr>'
        f"</thead><tbody>{''.join(lines)}</tbody></table>"
        "<p class='small'>DSC: Dice similarity coefficient between what was found and what the phantom was made of; "
        "1 is complete agreement. Agreement on a phantom says nothing about a child.</p></section>"
    )


def _ml(value: float) -> str:
    return f"{value:,.1f}"


def _seconds_table(seconds: Mapping[str, float]) -> str:
    rows = "".join(f'<tr><td>{escape(name)}</td><td class="n">{value:.1f}</td></tr>' for name, value in seconds.items())
    return f"<section><h2>Seconds</h2><table><tbody>{rows}</tbody></table></section>"


def _files_list(files: Mapping[str, str]) -> str:
    items = "".join(
        f'<tr><td><a href="{escape(name)}"><code>{escape(name)}</code></a></td><td>{escape(text)}</td></tr>'
        for name, text in files.items()
    )
    return f"<section><h2>Files</h2><table><tbody>{items}</tbody></table></section>"
