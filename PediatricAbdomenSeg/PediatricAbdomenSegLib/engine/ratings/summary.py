"""Everything the analysis of a study says, computed once for the page, the console and scripts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .assignment_files import assignment_path, read_assignment
from .comparison import Comparison, compare_sources
from .durations import DurationRow, duration_rows
from .progress import RaterProgress, progress_of
from .rater_agreement import (
    AgreementRow,
    BlandAltman,
    bland_altman_of_raters,
    inter_rater_rows,
    intra_rater_rows,
)
from .statistics import (
    DescriptionRow,
    Verdict,
    case_group_rows,
    first_scorings,
    organ_rows,
    verdicts,
)
from .study import Study
from .unblinding import StudyRatings


@dataclass(frozen=True)
class Summary:
    """The analysis of a study.

    Attributes:
        study: what was asked.
        scores, not_assessable: first scorings with and without a score. repeats: second scorings.
        organs, case_groups, verdicts: see `statistics`.
        inter_rater, intra_rater, bland_altman: see `rater_agreement`.
        comparisons, durations: see the modules of these names.
        tags: (source, organ, error tag) to how often raters named it.
        bundles: source to the SHA-256 of the model bundles that made its contours.
        progress: rater to how far they are; None where nothing is assigned.
        changed_contours: scores of contours that were not those assigned.
        problems: lines of the files that could not be read.
    """

    study: Study
    scores: int
    not_assessable: int
    repeats: int
    organs: tuple[DescriptionRow, ...]
    case_groups: tuple[DescriptionRow, ...]
    verdicts: tuple[Verdict, ...]
    inter_rater: tuple[AgreementRow, ...]
    intra_rater: tuple[AgreementRow, ...]
    bland_altman: tuple[BlandAltman, ...]
    comparisons: tuple[Comparison, ...]
    durations: tuple[DurationRow, ...]
    tags: dict[tuple[str, str, str], int]
    bundles: dict[str, tuple[str, ...]]
    progress: dict[str, RaterProgress | None]
    changed_contours: int
    problems: tuple[str, ...]

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Raters with required organs to score, and those nothing is assigned to."""
        return tuple(rater for rater, each in self.progress.items() if each is None or each.organs_done < each.organs)


def summarise(folder: Path, content: StudyRatings) -> Summary:
    """Analyse a study.

    Args:
        folder: of the study; its assignments are read.
        content: see `unblinding.read_unblinded`.

    Raises:
        InputError: an assignment is wrong. ResourceError: a file cannot be read.
    """
    study, first = content.study, first_scorings(content.ratings)
    scored = sum(each.record.score is not None for each in first)
    bundles: dict[str, set[str]] = {source.key: set() for source in study.sources}
    for each in content.ratings:
        bundles[each.source] |= {each.bundle_sha256} - {""}
    return Summary(
        study=study,
        scores=scored,
        not_assessable=len(first) - scored,
        repeats=len(content.ratings) - len(first),
        organs=organ_rows(study, first),
        case_groups=case_group_rows(study, first),
        verdicts=verdicts(study, first),
        inter_rater=inter_rater_rows(study, first),
        intra_rater=intra_rater_rows(study, content.ratings),
        bland_altman=bland_altman_of_raters(study, first),
        comparisons=compare_sources(study, first),
        durations=duration_rows(study, content.ratings),
        tags=dict(Counter((each.source, each.record.organ, tag) for each in first for tag in each.record.tags)),
        bundles={source: tuple(sorted(hashes)) for source, hashes in bundles.items()},
        progress=_progress(folder, content),
        changed_contours=sum(each.record.segmentation_changed for each in content.ratings),
        problems=content.problems,
    )


def summary_to_json(summary: Summary) -> dict[str, Any]:
    """The figures for scripts; statistics that are not defined are null beside a ``reason``."""
    values = asdict(summary)
    study = values.pop("study")
    values["study"] = {"id": study["id"], "title": study["title"], "raters": study["raters"]}
    values["tags"] = [
        {"source": source, "organ": organ, "tag": tag, "count": count}
        for (source, organ, tag), count in summary.tags.items()
    ]
    return values


def _progress(folder: Path, content: StudyRatings) -> dict[str, RaterProgress | None]:
    study = content.study
    scored = {(each.record.source_token, each.record.organ) for each in content.ratings}
    return {
        rater: progress_of(study, read_assignment(folder, study, rater), scored)
        if assignment_path(folder, study, rater).exists()
        else None
        for rater in study.raters
    }
