"""One rater's scores, with or without a study: what was scored, and the one way to add to it."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any

from .raters import check_spelling, rater_token
from .record import RatingRecord, new_record, standing
from .store import RatingFile, RatingStore, check_one_study, machine_token, rating_files, rating_path, read_rating_file

QUICK_STUDY_ID = "quick"


class ScoreBook:
    """One rater's scores, open for more: the rater's own file on this machine, and what is in files of others.

    Args:
        folder: of the study, or for scores without a study any folder that is kept.
        study_id: of the study, or `QUICK_STUDY_ID`.
        rater: name as the study spells it.
        machine: token of the computer, None for this one.

    Attributes:
        problems: sentences on lines of the rater's own files that could not be read.

    Raises:
        ResourceError: another program writes this rater's file, or the folder cannot be written to.
        InputError: scores of another study lie in the folder, or the rater's under another spelling.
    """

    def __init__(self, folder: Path, study_id: str, rater: str, machine: str | None = None) -> None:
        self.study_id, self.rater = study_id, rater
        token = rater_token(study_id, rater)
        path = rating_path(folder, token, machine or machine_token())
        self._store = RatingStore(path, study_id)
        try:
            elsewhere = (each for each in rating_files(folder) if each.name.startswith(f"{token}-") and each != path)
            own = [RatingFile(path, self._store.records, self._store.problems), *map(read_rating_file, elsewhere)]
            check_one_study(own, study_id)
            records = {record.id: record for file in own for record in file.records}
            for record in records.values():
                check_spelling(rater, {record.rater}, path.name)
            self._current = {(each[-1].source_token, each[-1].organ): each for each in standing(records.values())}
            self.problems = tuple(problem for file in own for problem in file.problems)
        except BaseException:
            self._store.close()
            raise

    def current(self, source_token: str, organ: str) -> RatingRecord | None:
        """The score that counts, None when there is none yet."""
        records = self._current.get((source_token, organ))
        return records[-1] if records else None

    @property
    def scored(self) -> Set[tuple[str, str]]:
        """Pairs of source token and organ key that have a score."""
        return self._current.keys()

    def add(self, source_token: str, organ: str, **values: Any) -> RatingRecord:
        """Save a score; it supersedes those there are for the same contour. When this returns it is on the disk.

        Args:
            values: members of `RatingRecord`, ``case`` among them.

        Raises:
            UsageError: unknown organ or tag, a score outside 1 to 5, neither or both of score and reason.
            ResourceError: it could not be written and was not saved.
        """
        before = self._current.get((source_token, organ), [])
        record = new_record(
            study_id=self.study_id,
            rater=self.rater,
            source_token=source_token,
            organ=organ,
            supersedes=tuple(each.id for each in before),
            **values,
        )
        self._store.append(record)
        self._current[source_token, organ] = [record]
        return record

    def close(self) -> None:
        """Let another program write; may be called again."""
        self._store.close()

    def __enter__(self) -> ScoreBook:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
