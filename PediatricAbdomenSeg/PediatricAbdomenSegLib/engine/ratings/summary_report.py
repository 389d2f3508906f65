"""summary.html: a page that can go into a paper's supplement; self-contained, works offline and prints well."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ...version import __version__
from ..cases.atomic_file import replaced_when_complete
from ..wording import counted
from .agreement import COEFFICIENTS
from .charts import ForestRow, LikertBar, bland_altman_plot, forest_plot, likert_chart, score_matrix
from .durations import PER_CASE
from .estimate import FEWEST_CASES, RESAMPLES
from .progress import RaterProgress
from .rater_agreement import AgreementRow
from .record import utc_now
from .statistics import Verdict
from .summary import Summary
from .summary_page import METHODS, PAGE, STYLE
from .summary_tables import (
    agreement_table,
    comparison_table,
    duration_table,
    label_of,
    mean_sd,
    organ_table,
    tag_table,
)

_ON_FOREST = ("weighted_kappa", "fleiss_kappa", "krippendorff_alpha", "gwet_ac2", "icc_2_1")


class _Numbers:
    """Tables and figures are numbered in the order they are made."""

    def __init__(self) -> None:
        self._last = {"Table": 0, "Figure": 0}

    def __call__(self, kind: str, text: str) -> str:
        self._last[kind] += 1
        return f"<b>{kind} {self._last[kind]}.</b> {escape(text)}"


def write_summary(summary: Summary, path: Path, not_compared: Sequence[str] = ()) -> None:
    """Write the page.

    Args:
        not_compared: pseudonyms of cases whose CT was not there, see `export_check.check_exportable`.

    Raises:
        ResourceError: the file cannot be written.
    """
    study, number = summary.study, _Numbers()
    page = PAGE.format(
        title=escape(study.title),
        question=escape(study.question),
        style=STYLE,
        facts=_facts(summary),
        notices="".join(f'<p class="notice">{escape(each)}</p>' for each in notices(summary, not_compared)),
        content="\n".join((_results(summary, number), _methods(summary))),
    )
    with replaced_when_complete(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def _results(summary: Summary, number: _Numbers) -> str:
    if not summary.scores + summary.not_assessable:
        return "<h2>Scores</h2><p>There is no score yet.</p>"
    parts = (_scores, _agreement, _comparisons, _time_and_errors)
    return "\n".join(part(summary, number) for part in parts)


def notices(summary: Summary, not_compared: Sequence[str] = ()) -> tuple[str, ...]:
    """What a reader has to know before believing the figures; () for nothing."""
    found = []
    if summary.unfinished:
        done = "; ".join(f"{rater}: {_how_far(summary.progress[rater])}" for rater in summary.unfinished)
        found.append(f"Not every rater is done ({done}). Whoever goes on scoring should not read this page.")
    if summary.changed_contours:
        found.append(f"{summary.changed_contours} scores are of contours that changed after they were assigned.")
    if not_compared:
        cases = ", ".join(not_compared)
        found.append(f"The texts of this study could not be compared with the patient data of {cases}: no CT there.")
    return (*found, *summary.problems)


def _how_far(progress: RaterProgress | None) -> str:
    return f"{progress.organs_done} of {progress.organs} required scores" if progress else "nothing is assigned"


def _facts(summary: Summary) -> str:
    study = summary.study
    counts = [
        counted(len(study.cases), "case"),
        counted(len(study.raters), "rater") + (", blinded to the source" if study.blinded else ""),
        counted(summary.scores, "score"),
        f"{summary.not_assessable} not assessable",
        f"{summary.repeats} repeated",
        f"written {utc_now()[:10]} by pedseg {__version__}",
    ]
    sources = [
        escape(source.title)
        + (f" (model {', '.join(each[:12] for each in bundles)})" if (bundles := summary.bundles[source.key]) else "")
        for source in study.sources
    ]
    return " · ".join(counts) + f"<br>Sources: {'; '.join(sources)}<br>Study {escape(study.id)}"


def _scores(summary: Summary, number: _Numbers) -> str:
    study = summary.study
    single = [row for row in summary.organs if row.rater or len(study.raters) == 1]
    titles = {source.key: source.title for source in study.sources}
    several = len(study.sources) > 1
    order = {label: place for place, label in enumerate(dict.fromkeys(row.label for row in single))}
    bars = [
        LikertBar(
            label_of(row.label),
            " · ".join([titles[row.source]] * several + [row.rater or study.raters[0]]),
            row.description.counts,
            mean_sd(row.description.mean, row.description.sd),
        )
        for row in sorted(single, key=lambda row: order[row.label])
    ]
    chart = likert_chart(bars, {anchor.score: anchor.short for anchor in study.scale})
    parts = ["<h2>Scores</h2>", _verdict_tiles(summary)]
    caption = number("Figure", "Distribution of the scores; numbers in the bars are counts.")
    parts.append(_figure(chart, caption, css="long"))
    for source in study.sources:
        rows = [row for row in summary.organs if row.source == source.key]
        parts.append(organ_table(summary, rows, number("Table", f"Scores of {source.title}."), "Structure"))
    for group in dict.fromkeys(row.group for row in summary.case_groups):
        rows = [row for row in summary.case_groups if row.group == group]
        caption = number("Table", f"Scores by {group.lower()}, all structures and raters.")
        parts.append(organ_table(summary, rows, caption, group))
    return "\n".join(parts)


def _verdict_tiles(summary: Summary) -> str:
    thresholds = summary.study.thresholds
    tiles = []
    for verdict in summary.verdicts:
        lines = [
            f"<p><b>{len(keys)}</b> {text}: {_names(keys)}</p>"
            for keys, text in (
                (verdict.acceptable, f"acceptable with minor modification (mean ≥ {thresholds.acceptable:g})"),
                (verdict.usable, f"usable (mean ≥ {thresholds.usable:g})"),
            )
        ]
        lines.append(f'<p><b class="below">{len(verdict.below)}</b> below: {_names(verdict.below)}</p>')
        if verdict.unscored:
            lines.append(f"<p><b>{len(verdict.unscored)}</b> without a score: {_names(verdict.unscored)}</p>")
        tiles.append(f"<div><h3>{escape(_title(summary, verdict))}</h3>{''.join(lines)}</div>")
    return f'<div class="verdicts">{"".join(tiles)}</div>'


def _title(summary: Summary, verdict: Verdict) -> str:
    return summary.study.source(verdict.source).title


def _names(keys: Sequence[str]) -> str:
    return escape(", ".join(label_of(key) for key in keys)) or "none"


def _agreement(summary: Summary, number: _Numbers) -> str:
    parts = ["<h2>Agreement of the raters</h2>"]
    if len(summary.study.raters) < 2:
        parts.append("<p>Inter-rater agreement is not defined, because there is one rater only.</p>")
    else:
        pooled = [row for row in summary.inter_rater if row.pooled and row.raters == summary.study.raters]
        parts.append(
            _figure(
                forest_plot(_forest(pooled)),
                number("Figure", "Agreement of the raters on pooled structures with 95 % confidence intervals."),
            )
        )
        parts.append(agreement_table(pooled, number("Table", "Inter-rater agreement, pooled structures (95 % CI).")))
        pairs = [row for row in summary.inter_rater if row.raters != summary.study.raters]
        if pairs:  # a table of their own: their coefficients are others, and all of them are wider than a page
            parts.append(agreement_table(pairs, number("Table", "Agreement of each two raters (95 % CI).")))
        single = [row for row in summary.inter_rater if not row.pooled]
        parts.append(agreement_table(single, number("Table", "Inter-rater agreement by structure.")))
        for comparison in summary.bland_altman:
            if comparison.bias.value is None:
                pair = " and ".join(map(escape, comparison.raters))
                parts.append(f"<p>{pair}: limits of agreement are {escape(comparison.bias.text())}.</p>")
                continue
            caption = number(
                "Figure",
                f"{comparison.raters[0]} and {comparison.raters[1]}: Bland–Altman plot (area of a disc: number of "
                f"contours; bands: 95 % confidence intervals) and how often pairs of scores occurred. Bias "
                f"{comparison.bias.text()}, SD {comparison.sd.text()}, limits of agreement {comparison.lower.text()} "
                f"and {comparison.upper.text()}; n = {comparison.bias.n}.",
            )
            plots = f'<div class="pair">{bland_altman_plot(comparison)}{score_matrix(comparison)}</div>'
            parts.append(_figure(plots, caption))
    if summary.intra_rater:
        caption = number("Table", "Intra-rater agreement: first and second scores of the same contours (95 % CI).")
        parts.append(agreement_table(summary.intra_rater, caption))
    else:
        parts.append("<p>Intra-rater agreement is not defined, because no contour was scored twice by one rater.</p>")
    return "\n".join(parts)


def _forest(rows: Sequence[AgreementRow]) -> list[ForestRow]:
    return [
        ForestRow(label_of(row.label), each.title, row.coefficients[each.key])
        for row in rows
        for each in COEFFICIENTS
        if each.key in _ON_FOREST and each.key in row.coefficients
    ]


def _comparisons(summary: Summary, number: _Numbers) -> str:
    if not summary.comparisons:
        return ""
    titles = {source.key: source.title for source in summary.study.sources}
    parts = ["<h2>Sources compared</h2>"]
    for pair in dict.fromkeys((each.first, each.second) for each in summary.comparisons):
        rows = [each for each in summary.comparisons if (each.first, each.second) == pair]
        caption = number(
            "Table", f"{titles[pair[1]]} against {titles[pair[0]]}. Means are of scores; all else is of cases."
        )
        parts.append(comparison_table(rows, titles, caption))
    return "\n".join(parts)


def _time_and_errors(summary: Summary, number: _Numbers) -> str:
    parts = ["<h2>Time and errors</h2>"]
    if any(row.seconds.n for row in summary.durations):
        caption = number(
            "Table", f"Time to score: median (quartiles) in seconds. {PER_CASE}: all structures of one case."
        )
        parts.append(duration_table(summary.durations, summary.study.raters, caption))
    else:
        parts.append("<p>The time to score is not defined, because no time was measured.</p>")
    if summary.tags:
        parts.append(tag_table(summary, number("Table", "Errors the raters named: number of scores.")))
    return "\n".join(parts)


def _methods(summary: Summary) -> str:
    anchors = "".join(
        f"<li><b>{anchor.score}</b> {escape(anchor.short)}: {escape(anchor.wording)}</li>"
        for anchor in sorted(summary.study.scale, key=lambda each: -each.score)
    )
    methods = METHODS.format(
        acceptable=summary.study.thresholds.acceptable,
        usable=summary.study.thresholds.usable,
        resamples=RESAMPLES,
        fewest=FEWEST_CASES,
    )
    return f'<h2>Scale and methods</h2><ol class="scale">{anchors}</ol>{methods}'


def _figure(content: str, caption: str, css: str = "") -> str:
    return f'<figure class="{css}">{content}<figcaption>{caption}</figcaption></figure>'
