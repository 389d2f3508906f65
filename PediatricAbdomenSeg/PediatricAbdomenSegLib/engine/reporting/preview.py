"""preview.png: one picture by which a result is judged at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..cases.volume import LabelMap, Volume
from ..organs import Organ
from .overlay import PLANES, cut_planes, draw_plane

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

WIDTH_PX = 1600
MAX_PLANE_HEIGHT_PX = 760
MARGIN_PX = 28
GAP_PX = 18
LEGEND_COLUMNS = 5
LEGEND_ROW_PX = 30
BACKGROUND = (16, 18, 22)
TEXT = (232, 234, 238)
FAINT = (150, 156, 166)
NOTICE = (255, 178, 56)


def write_preview(
    volume: Volume,
    label_map: LabelMap,
    structures: Sequence[Organ],
    path: Path,
    title: str,
    notice: str = "",
    volumes_ml: Mapping[str, float] | None = None,
) -> None:
    """Write a PNG with three planes, coloured outlines and a legend.

    Args:
        volume, label_map: on the same grid.
        structures: organs to draw and to name in the legend.
        path: file to write; its folder exists.
        title: one line at the top; no patient data.
        notice: burned into the picture where it cannot be cropped away with the margin; empty: none.
        volumes_ml: organ key to volume, shown in the legend; organs of volume 0 are dimmed.

    Raises:
        OSError: the file cannot be written.
    """
    compose_preview(volume, label_map, structures, title, notice, volumes_ml).save(path, format="PNG")


def compose_preview(
    volume: Volume,
    label_map: LabelMap,
    structures: Sequence[Organ],
    title: str,
    notice: str = "",
    volumes_ml: Mapping[str, float] | None = None,
) -> Image.Image:
    """The picture that `write_preview` writes."""
    from PIL import Image, ImageDraw

    planes = cut_planes(volume, [label_map])
    size_mm = [planes.size_mm(name) for name in PLANES]
    free_px = WIDTH_PX - 2 * MARGIN_PX - 2 * GAP_PX
    px_per_mm = min(
        free_px / sum(width for _, width in size_mm),
        MAX_PLANE_HEIGHT_PX / max(height for height, _ in size_mm),
    )
    pictures = {name: draw_plane(planes, name, structures, px_per_mm) for name in PLANES}
    plane_height = max(picture.height for picture in pictures.values())
    top = MARGIN_PX + 52
    legend_rows = -(-len(structures) // LEGEND_COLUMNS)
    height = top + plane_height + 44 + legend_rows * LEGEND_ROW_PX + MARGIN_PX
    canvas = Image.new("RGB", (WIDTH_PX, height), BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN_PX, MARGIN_PX - 4), title, fill=TEXT, font=_font(26))
    left = MARGIN_PX + (free_px - sum(picture.width for picture in pictures.values())) // 2
    for name, picture in pictures.items():
        y = top + (plane_height - picture.height) // 2
        canvas.paste(picture, (left, y))
        _mark_plane(draw, name, left, y, picture)
        if notice:
            _burn_notice(draw, notice, left, y, picture)
        left += picture.width + GAP_PX
    _draw_legend(draw, structures, volumes_ml, top + plane_height + 32)
    return canvas


def _mark_plane(draw: ImageDraw.ImageDraw, name: str, left: int, top: int, picture: Image.Image) -> None:
    """Name the plane above it and letter its left side: R(ight) or A(nterior)."""
    draw.text((left, top - 22), name.capitalize(), fill=FAINT, font=_font(15))
    letter = "A" if name == "sagittal" else "R"
    draw.text((left + 8, top + picture.height / 2), letter, fill=TEXT, font=_font(18), anchor="lm")


def _burn_notice(draw: ImageDraw.ImageDraw, notice: str, left: int, top: int, picture: Image.Image) -> None:
    size = 17
    while size > 8 and draw.textlength(notice, font=_font(size)) > picture.width - 12:
        size -= 1
    position = (left + picture.width / 2, top + picture.height - 8)
    draw.text(position, notice, fill=NOTICE, font=_font(size), anchor="mb", stroke_width=2, stroke_fill=(0, 0, 0))


def _draw_legend(
    draw: ImageDraw.ImageDraw, structures: Sequence[Organ], volumes_ml: Mapping[str, float] | None, top: int
) -> None:
    rows = -(-len(structures) // LEGEND_COLUMNS)
    column_px = (WIDTH_PX - 2 * MARGIN_PX) // LEGEND_COLUMNS
    font = _font(16)
    for index, organ in enumerate(structures):
        x = MARGIN_PX + index // rows * column_px
        y = top + index % rows * LEGEND_ROW_PX
        volume_ml = None if volumes_ml is None else volumes_ml.get(organ.key, 0.0)
        empty = volume_ml == 0
        color = FAINT if empty else TEXT
        box = (x, y + 3, x + 16, y + 19)
        draw.rounded_rectangle(box, radius=4, outline=organ.color, width=2, fill=None if empty else organ.color)
        amount = "" if volume_ml is None else "  not found" if empty else f"  {volume_ml:,.0f} ml"
        if volume_ml is not None and 0 < volume_ml < 10:
            amount = f"  {volume_ml:.1f} ml"
        draw.text((x + 26, y + 2), organ.display_name, fill=color, font=font)
        draw.text((x + 26 + draw.textlength(organ.display_name, font=font), y + 2), amount, fill=FAINT, font=font)


def _font(size: int):
    from PIL import ImageFont

    return ImageFont.load_default(size=size)
