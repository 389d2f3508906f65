"""The tables of summary.html."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..organs import ORGANS, organ_by_key
from .agreement import COEFFICIENTS
from .comparison import Comparison
from .durations import DurationRow
from .estimate import NOT_DEFINED, Estimate, rounded
from .rater_agreement import AgreementRow
from .scale import ERROR_TAGS, HIGHEST, LOWEST
from .statistics import DescriptionRow
from .summary import Summary

ALL_RATERS = "all raters"
_KEYS = {organ.key for organ in ORGANS} | {"hepatoblastoma"}


def label_of(label: str) -> str:
    """An organ's name for its key; titles of pooled organs stay."""
    return organ_by_key(label).display_name if label in _KEYS else label


class Footnotes:
    """Why statistics of one table are not defined: each reason once, under the table."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def cell(self, estimate: Estimate, text: str | None = None, css: str = "n") -> str:
        """A table cell with the estimate (or ``text`` for it), or "n.d." with the mark of its reason."""
        if estimate.value is not None:
            return f'<td class="{css}">{escape(estimate.text() if text is None else text)}</td>'
        mark = self._reasons.setdefault(estimate.reason, chr(ord("a") + len(self._reasons) % 26))
        reason = escape(f"{NOT_DEFINED}{estimate.reason}", quote=True)
        return f'<td class="{css} dim" title="{reason}">n.d.<sup>{mark}</sup></td>'

    def html(self) -> str:
        """The notes, "" when there are none."""
        if not self._reasons:
            return ""
        notes = "; ".join(f"<sup>{mark}</sup> {escape(reason)}" for reason, mark in self._reasons.items())
        return f'<p class="note">n.d., not defined, because: {notes}.</p>'


def organ_table(summary: Summary, rows: Sequence[DescriptionRow], caption: str, first: str) -> str:
    """Descriptions, one line each.

    Args:
        first: head of the first column. The second names rater or source, where the lines differ in one of them.
    """
    notes = Footnotes()
    study, thresholds = summary.study, summary.study.thresholds
    by_rater, by_source = any(row.rater for row in rows), len({row.source for row in rows}) > 1
    second = "Rater" if by_rater else "Source"
    head = [
        first,
        *([second] if by_rater or by_source else []),
        *("n", "n/a", "Mean ± SD", "Median"),
        *(str(score) for score in range(LOWEST, HIGHEST + 1)),
        f"≥ {thresholds.acceptable:g}, % (95 % CI)",
        f"≥ {thresholds.usable:g}, % (95 % CI)",
    ]
    lines, before = [], None
    for row in rows:
        each = row.description
        new = (row.group, row.label) != before
        before = (row.group, row.label)
        # Only organs have keys: a tumour type may be called like one.
        label = label_of(row.label) if row.group == "organ" else row.label
        cells = [f"<th>{escape(label) if new else ''}</th>"]
        if by_rater or by_source:
            name = (row.rater or ALL_RATERS) if by_rater else study.source(row.source).title
            cells.append(f"<td>{escape(name)}</td>")
        cells += [f'<td class="n">{each.n}</td>', f'<td class="n">{each.not_assessable or ""}</td>']
        cells.append(notes.cell(each.mean, _mean_sd(row)))
        cells.append(notes.cell(each.median, f"{each.median.value:g}" if each.median.value is not None else None))
        cells += [f'<td class="n{"" if count else " dim"}">{count}</td>' for count in each.counts]
        cells += [notes.cell(part, per_cent(part)) for part in (each.acceptable, each.usable)]
        pooled = row.group == "organ" and row.label not in _KEYS
        lines.append(_line(cells, first=new and bool(lines), pooled=pooled))
    return _table(caption, head, lines, 2 if by_rater or by_source else 1) + notes.html()


def _mean_sd(row: DescriptionRow) -> str | None:
    return mean_sd(row.description.mean, row.description.sd) if row.description.mean.value is not None else None


def mean_sd(mean: Estimate, sd: Estimate) -> str:
    """ "3.07 ± 0.26", the mean alone for one score, "no score"."""
    if mean.value is None:
        return "no score"
    return rounded(mean.value) if sd.value is None else f"{rounded(mean.value)} ± {rounded(sd.value)}"


def per_cent(share: Estimate) -> str | None:
    """ "83 (66 to 93)"; None for a share that is not defined."""
    if share.value is None or share.low is None or share.high is None:
        return None
    return f"{100 * share.value:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})"


def agreement_table(rows: Sequence[AgreementRow], caption: str, first: str = "Structures") -> str:
    """Coefficients, one line for each group of organs (and raters, where these differ)."""
    notes = Footnotes()
    keys = {key for row in rows for key in row.coefficients}
    columns = [each for each in COEFFICIENTS if each.key in keys]
    by_rater = len({row.raters for row in rows}) > 1 or all(len(row.raters) == 1 for row in rows)
    lines, before = [], None
    for row in rows:
        found, new = row.coefficients, row.raters != before
        before = row.raters
        raters = ALL_RATERS if len(row.raters) > 2 else " – ".join(row.raters)
        cells = [f'<th class="names">{escape(raters) if new else ""}</th>'] if by_rater else []
        cells += [f"<th>{escape(label_of(row.label))}</th>", f'<td class="n">{_numbers(found)}</td>']
        for column in columns:
            each = found.get(column.key)
            if each is None:
                cells.append('<td class="n dim"></td>')
            else:
                in_per_cent = column.key in ("exact", "within_one") and each.value is not None
                cells.append(notes.cell(each, _whole_per_cent(each) if in_per_cent else None))
        lines.append(_line(cells, first=bool(lines) and (new or not by_rater)))
    titles = [f"{each.title}{', %' if each.key in ('exact', 'within_one') else ''}" for each in columns]
    head = [*(["Raters"] if by_rater else []), first, "n", *titles]
    return _table(caption, head, lines, 2 if by_rater else 1) + notes.html()


def _numbers(found: dict[str, Estimate]) -> str:
    """Contours with two scores, and with one of every rater where these are fewer."""
    pairs, complete = found["exact"].n, found["icc_2_1"].n
    return str(pairs) if pairs == complete else f"{pairs} ({complete} by all)"


def _whole_per_cent(share: Estimate) -> str:
    value = f"{100 * (share.value or 0):.0f}"
    if share.low is None or share.high is None:
        return value
    return f"{value} ({100 * share.low:.0f} to {100 * share.high:.0f})"


def comparison_table(rows: Sequence[Comparison], titles: dict[str, str], caption: str) -> str:
    """Two sources, one line for each group of organs."""
    notes = Footnotes()
    lines = []
    for row in rows:
        p = None if row.p.value is None else p_value(row.p.value)
        corrected = None if row.p_corrected.value is None else p_value(row.p_corrected.value)
        cells = [
            f"<th>{escape(label_of(row.label))}</th>",
            f'<td class="n">{row.difference.n}</td>',
            notes.cell(row.first_mean),
            notes.cell(row.second_mean),
            notes.cell(row.difference, _signed(row.difference)),
            f'<td class="n">{row.better} / {row.same} / {row.worse}</td>',
            notes.cell(row.statistic, None if row.statistic.value is None else f"{row.statistic.value:g}"),
            notes.cell(row.p, p),
            notes.cell(row.p_corrected, corrected),
        ]
        lines.append(_line(cells, first=bool(lines), pooled=row.label not in _KEYS))
    one, other = titles[rows[0].first], titles[rows[0].second]
    head = ["Structures", "Cases", f"Mean {one}", f"Mean {other}", "Difference", f"{other} better / same / worse"]
    return _table(caption, [*head, "W", "p", "p, Bonferroni"], lines) + notes.html()


def p_value(p: float) -> str:
    """Three decimals, "< 0.001" below, "> 0.99" above."""
    if p < 0.001:
        return "< 0.001"
    return "> 0.99" if p > 0.99 else f"{p:.3f}"


def _signed(difference: Estimate) -> str | None:
    if difference.value is None:
        return None
    return ("+" if difference.value > 0 else "") + rounded(difference.value)


def duration_table(rows: Sequence[DurationRow], raters: Sequence[str], caption: str) -> str:
    """Median and quartiles in seconds, raters side by side."""
    notes = Footnotes()
    lines = []
    for label in dict.fromkeys(row.label for row in rows):
        cells = [f"<th>{escape(label_of(label))}</th>"]
        for rater in raters:
            (row,) = (each for each in rows if (each.label, each.rater) == (label, rater))
            text = None if row.seconds.value is None else row.seconds.text(0)
            cells += [notes.cell(row.seconds, text), f'<td class="n">{row.seconds.n or ""}</td>']
        lines.append(_line(cells, first=bool(lines)))
    head = ["", *(name for rater in raters for name in (f"{rater}, s", "n"))]
    return _table(caption, head, lines) + notes.html()


def tag_table(summary: Summary, caption: str) -> str:
    """How often each error was named, by source and organ; organs without one are left out."""
    tags = [tag for tag in ERROR_TAGS if any(named == tag for _, _, named in summary.tags)]
    lines = []
    for source in summary.study.sources:
        title = source.title
        for organ in summary.study.organs:
            counts = [summary.tags.get((source.key, organ.key, tag), 0) for tag in tags]
            if any(counts):
                cells = [f"<th>{escape(title)}</th>", f"<th>{escape(label_of(organ.key))}</th>"]
                cells += [f'<td class="n{"" if count else " dim"}">{count}</td>' for count in counts]
                lines.append(_line(cells, first=bool(title and lines)))
                title = ""
    return _table(caption, ["Source", "Structure", *(ERROR_TAGS[tag] for tag in tags)], lines, 2)


def _line(cells: Iterable[str], first: bool = False, pooled: bool = False) -> str:
    css = " ".join(name for name, wanted in (("first", first), ("pooled", pooled)) if wanted)
    return f'<tr class="{css}">{"".join(cells)}</tr>'


def _table(caption: str, head: Sequence[str], lines: Sequence[str], texts: int = 1) -> str:
    """``texts`` columns at the left are words, the others numbers."""
    heads = "".join(
        f'<th scope="col"{" class=n" if place >= texts else ""}>{escape(name)}</th>' for place, name in enumerate(head)
    )
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="table"><table><caption>{caption}</caption>{body}</table></div>'
