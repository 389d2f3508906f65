"""Unblinded ratings without files: a table of scores becomes what the analysis reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PediatricAbdomenSegLib.engine.ratings.record import new_record
from PediatricAbdomenSegLib.engine.ratings.study import ImageReference, Source, Study, StudyCase, StudyOrgan
from PediatricAbdomenSegLib.engine.ratings.unblinding import Rating

NOWHERE = ImageReference("image_file", "ct.nii.gz", "ab" * 32)


def a_study_of(
    organs: Sequence[str], cases: int = 15, raters: Sequence[str] = ("RO-1", "RO-2"), sources=("model-a",), **known
) -> Study:
    """A study; ``known`` gives a property of the cases as a function of their number."""
    made = tuple(
        StudyCase(f"C{number:02}", NOWHERE, **{name: value(number) for name, value in known.items()})
        for number in range(1, cases + 1)
    )
    return Study(
        id="study",
        title="Study",
        question="How much?",
        blinded=True,
        cases=made,
        organs=tuple(StudyOrgan(key) for key in organs),
        sources=tuple(Source(key, key.replace("model-", "Model ").title()) for key in sources),
        raters=tuple(raters),
    )


def ratings_of(
    study: Study, scores: Mapping[tuple[str, str, str], Sequence[int | None]], repeat: int = 0, **values
) -> list[Rating]:
    """(source, rater, organ) to a score for each case of the study; None is "not assessable"."""
    return [
        Rating(
            new_record(
                study_id=study.id,
                case=case.pseudonym,
                source_token=f"{source}-{case.pseudonym}-{rater}-{repeat}",
                organ=organ,
                rater=rater,
                score=score,
                not_assessable="" if score else "outside the scan",
                **values,
            ),
            case,
            source,
            repeat,
            "",
        )
        for (source, rater, organ), column in scores.items()
        for case, score in zip(study.cases, column, strict=False)
    ]
