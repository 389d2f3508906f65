"""The figures of a reader study as inline SVG: no plotting library, no file beside the page, sharp in print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, product

from .estimate import Estimate, rounded
from .rater_agreement import BlandAltman
from .scale import HIGHEST, LOWEST

# ColorBrewer's diverging BrBG with a grey middle: told apart with every kind of colour vision.
SCORE_COLOURS = {1: "#8c510a", 2: "#d8b365", 3: "#dcdcdc", 4: "#7fcabd", 5: "#01665e"}
_ON_COLOUR = {1: "#fff", 2: "#222", 3: "#222", 4: "#222", 5: "#fff"}
INK, FAINT, RULE, ACCENT = "#1b1f24", "#5f6875", "#d4d9df", "#01665e"
_LEGEND_GAP = 10  # box, number and distance, in letters
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class LikertBar:
    """One stacked bar.

    Attributes:
        group: bars of one group stand together under its name. label: of the bar.
        counts: of the scores 1 to 5. note: text at the right, for example mean ± SD.
    """

    group: str
    label: str
    counts: tuple[int, ...]
    note: str


def likert_chart(bars: Sequence[LikertBar], anchors: dict[int, str], note_title: str = "mean ± SD") -> str:
    """Stacked bars of 100 % with the number of scores in each part, and a legend above the first.

    One SVG for each group, all of one scale: a printed page may end between two groups.

    Args:
        bars: those of a group follow one another.
        anchors: score to its words, for the legend.
    """
    width, right, bar, gap, head, foot = 980, 120, 17, 3, 64, 24
    left = _label_room((each.group, each.label) for each in bars)
    plot = width - left - right
    groups = [(group, list(members)) for group, members in groupby(bars, key=lambda each: each.group)]
    drawn = []
    for group, members in groups:
        is_first, is_last = not drawn, len(drawn) == len(groups) - 1
        top = y = head if is_first else 0
        parts = _legend(anchors, width) if is_first else []
        parts.append(_text(0, y + bar - 4, group, size=13, weight=600))
        for each in members:
            parts += _likert_bar(each, left, plot, y, bar)
            parts.append(_text(width - right + 12, y + bar - 4.5, each.note, size=12))
            y += bar + gap
        y += 7  # between groups
        for share in (0, 25, 50, 75, 100):
            x = left + plot * share / 100
            parts.insert(0, _line(x, top, x, y, RULE))
            if is_last:
                parts.append(_text(x, y + 12, f"{share} %", size=11, anchor="middle", fill=FAINT))
        if is_first:
            parts.append(_text(width - right + 12, top - 10, note_title, size=11, fill=FAINT))
        drawn.append(_svg(width, y + foot * is_last, f"Distribution of the scores: {group}", parts))
    return "".join(drawn)


def _likert_bar(bar: LikertBar, left: float, plot: float, y: float, height: float) -> list[str]:
    parts = [_text(left - 10, y + height - 4.5, bar.label, size=11.5, anchor="end", fill=FAINT)]
    x, total = float(left), sum(bar.counts)
    for score, count in zip(range(LOWEST, HIGHEST + 1), bar.counts, strict=True):
        if not count:
            continue
        wide = plot * count / total
        parts.append(_box(x, y, wide, height, SCORE_COLOURS[score]))
        if wide > 9 + 6 * len(str(count)):
            parts.append(_text(x + wide / 2, y + height - 4.5, str(count), 11, "middle", _ON_COLOUR[score]))
        x += wide
    if not total:
        parts.append(_text(left + 4, y + height - 4.5, "no score", size=11, fill=FAINT))
    return parts


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot; ``group`` as in `LikertBar`."""

    group: str
    label: str
    estimate: Estimate


def forest_plot(rows: Sequence[ForestRow], low: float = 0.0) -> str:
    """Estimates with intervals on an axis from ``low`` (less, where an estimate is less) to 1."""
    ends = [end for row in rows for end in (row.estimate.value, row.estimate.low) if end is not None]
    low = min([low, *(math.floor(end * 5) / 5 for end in ends)])
    width, right, step = 980, 190, 24
    left = _label_room((each.group, each.label) for each in rows)
    plot = width - left - right

    def place(value: float) -> float:
        return left + plot * (min(max(value, low), 1) - low) / (1 - low)

    parts, y, group = [], 22, None
    top = y - 14
    for row in rows:
        if row.group != group:
            y += 8 if group is not None else 0
            parts.append(_text(0, y + 4, row.group, size=13, weight=600))
            group = row.group
        estimate = row.estimate
        parts.append(_text(left - 14, y + 4, row.label, size=11.5, anchor="end", fill=FAINT))
        if estimate.value is None:
            parts.append(_text(left + 6, y + 4, "not defined", size=11, fill=FAINT))
        else:
            if estimate.low is not None and estimate.high is not None:
                parts.append(_line(place(estimate.low), y, place(estimate.high), y, ACCENT, 2))
            parts.append(f'<circle cx="{place(estimate.value):.1f}" cy="{y}" r="4.5" fill="{ACCENT}"/>')
            parts.append(_text(width - right + 14, y + 4, estimate.text(), size=12))
        y += step
    for tick in range(round(low * 5), 6):
        x = place(tick / 5)
        parts.insert(0, _line(x, top, x, y - 8, RULE))
        parts.append(_text(x, y + 8, rounded(tick / 5, 1), size=11, anchor="middle", fill=FAINT))
    return _svg(width, y + 18, "Agreement of the raters", parts)


def bland_altman_plot(comparison: BlandAltman) -> str:
    """Difference against mean; the area of a disc is the number of contours. With bias and limits of agreement."""
    width, height, left, right, top, bottom = 560, 380, 56, 130, 18, 50
    plot_width, plot_height = width - left - right, height - top - bottom

    def x_of(value: float) -> float:
        return left + plot_width * (value - 0.75) / 4.5

    def y_of(value: float) -> float:
        return top + plot_height * (4.4 - value) / 8.8

    parts = [_text(x_of(score), height - bottom + 18, str(score), 11, "middle", FAINT) for score in range(1, 6)]
    parts += [_line(left, y_of(step), width - right, y_of(step), RULE) for step in range(-4, 5)]
    parts += [_text(left - 8, y_of(step) + 4, rounded(step, 0), 11, "end", FAINT) for step in range(-4, 5, 2)]
    first, second = comparison.raters
    parts.append(_text((left + width - right) / 2, height - 10, f"Mean of {first} and {second}", 12, "middle"))
    turned = f'transform="rotate(-90 14 {top + plot_height / 2:.0f})"'
    parts.append(_text(14, top + plot_height / 2, f"{first} − {second}", 12, "middle", more=turned))
    for estimate, label, dash in (
        *((comparison.upper, "+1.96 SD", "5 4"), (comparison.lower, "−1.96 SD", "5 4")),
        (comparison.bias, "bias", ""),
    ):
        if estimate.value is None:
            continue
        if estimate.low is not None and estimate.high is not None:
            high, low = y_of(min(estimate.high, 4.4)), y_of(max(estimate.low, -4.4))
            parts.insert(0, _box(left, high, plot_width, max(low - high, 0.5), "#e6f1ef"))
        y = y_of(min(max(estimate.value, -4.4), 4.4))
        parts.append(_line(left, y, width - right, y, ACCENT, 1.5, dash))
        parts.append(_text(width - right + 8, y + 4, f"{label} {rounded(estimate.value)}", 11.5))
    biggest = max((count for _, _, count in comparison.points), default=1)
    for mean, difference, count in comparison.points:
        radius = 3 + 13 * math.sqrt(count / biggest)
        title = f"<title>mean {mean:g}, difference {rounded(difference, 0)}; contours: {count}</title>"
        parts.append(
            f'<circle cx="{x_of(mean):.1f}" cy="{y_of(difference):.1f}" r="{radius:.1f}" fill="{INK}" '
            f'fill-opacity="0.55">{title}</circle>'
        )
    return _svg(width, height, f"Bland–Altman plot of {first} and {second}", parts)


def score_matrix(comparison: BlandAltman) -> str:
    """How often the second rater gave each score where the first gave another: 5 × 5 cells."""
    width, height, left, top, cell = 400, 380, 62, 18, 60
    cells = {(mean + difference / 2, mean - difference / 2): n for mean, difference, n in comparison.points}
    biggest = max(cells.values(), default=1)
    first, second = comparison.raters
    parts = []
    scores = range(LOWEST, HIGHEST + 1)
    for score in scores:
        parts.append(_text(left - 10, top + (HIGHEST - score + 0.5) * cell + 4, str(score), 11, "end", FAINT))
        parts.append(_text(left + (score - 0.5) * cell, top + 5 * cell + 18, str(score), 11, "middle", FAINT))
    # The diagonal last, so that its frames lie above those of its neighbours.
    for row, column in sorted(product(scores, scores), key=lambda place: place[0] == place[1]):
        x, y, count = left + (column - 1) * cell, top + (HIGHEST - row) * cell, cells.get((row, column), 0)
        strength = 0.08 + 0.85 * count / biggest if count else 0
        parts.append(
            f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{ACCENT}" fill-opacity="{strength:.2f}" '
            f'stroke="{INK if row == column else RULE}" stroke-width="1"/>'
        )
        if count:
            parts.append(_text(x + cell / 2, y + cell / 2 + 5, str(count), 14, "middle", _on(strength)))
    turned = f'transform="rotate(-90 16 {top + 2.5 * cell:.0f})"'
    parts.append(_text(16, top + 2.5 * cell, f"Score of {first}", 12, "middle", more=turned))
    parts.append(_text(left + 2.5 * cell, height - 10, f"Score of {second}", 12, "middle"))
    return _svg(width, height, f"Scores of {first} and {second}", parts)


def _label_room(labels: Iterable[tuple[str, str]]) -> int:
    """Width for the names of groups in bold and of their bars beside them; raters have names of any length."""
    labels = list(labels)
    widest = [max((len(each[place]) for each in labels), default=0) for place in (0, 1)]
    return round(min(max(7.6 * widest[0] + 6.4 * widest[1] + 30, 200), 600))


def _legend(anchors: dict[int, str], width: int) -> list[str]:
    letters = sum(len(words) + _LEGEND_GAP for words in anchors.values())  # each takes about the same room
    parts, x = [], 0.0
    for score, words in sorted(anchors.items()):
        parts.append(_box(x, 4, 14, 14, SCORE_COLOURS[score]))
        parts.append(_text(x + 20, 15.5, f"{score}  {words}", size=12))
        x += width * (len(words) + _LEGEND_GAP) / letters
    return parts


def _on(strength: float) -> str:
    return "#fff" if strength > 0.55 else INK


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" role="img" '
        f'font-family="{FONT}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _text(
    x: float, y: float, text: str, size: float = 12, anchor: str = "start", fill: str = INK, weight: int = 400,
    more: str = "",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
        f'font-weight="{weight}" {more}>{escape(text)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
        f'stroke-width="{width}"{dashed}/>'
    )
