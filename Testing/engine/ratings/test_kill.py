"""A writer killed at random moments: every score it confirmed is found, and every file can be read and written."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from PediatricAbdomenSegLib.engine.ratings.score_book import ScoreBook
from PediatricAbdomenSegLib.engine.ratings.store import rating_files, read_rating_file

LIBRARY = Path(__file__).resolve().parents[3] / "PediatricAbdomenSeg"
ROUNDS_PER_FOLDER = 10  # so that files stay short
LONGEST_DELAY_S = 0.04
# Comments of many pages: the system may stop a write between two of them, so that lines are torn indeed.
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from PediatricAbdomenSegLib.engine.ratings.score_book import ScoreBook
with ScoreBook(Path(sys.argv[2]), "s", "RO-1", "m") as book:
    print("open", flush=True)
    number = 0
    while True:
        comment = "x" * (30_000 if number % 3 else 10)
        record = book.add(f"t{number % 40}", "liver", case="C01", score=1 + number % 5, comment=comment)
        print(record.id, flush=True)
        number += 1
"""


def kill_at_a_random_moment(folder: Path, delay_s: float, after_a_score: bool) -> list[str]:
    """Ids that one writer confirmed before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", WRITER, str(LIBRARY), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "open\n"
    first = writer.stdout.readline() if after_a_score else ""
    time.sleep(delay_s)
    writer.kill()
    out = first + writer.communicate()[0]
    assert writer.returncode != 0
    # A kill can cut the last line that was printed; only a whole one has confirmed anything.
    return [line.strip() for line in out.splitlines(keepends=True) if line.endswith("\n")]


def kill_rounds(folder: Path, rounds: int, seed: int) -> tuple[set[str], int]:
    """Ids confirmed over all rounds, and how many writes were cut short."""
    moments = random.Random(seed)
    confirmed: set[str] = set()
    torn = 0
    for round_number in range(rounds):
        study = folder / str(round_number // ROUNDS_PER_FOLDER)
        ids = kill_at_a_random_moment(study, moments.uniform(0, LONGEST_DELAY_S), round_number % 2 == 0)
        assert not confirmed & set(ids)
        confirmed |= set(ids)
        torn += not rating_files(study)[0].read_bytes().endswith(b"\n")
    return confirmed, torn


def check_nothing_lost(folder: Path, confirmed: set[str]) -> None:
    found: set[str] = set()
    for study in folder.iterdir():
        with ScoreBook(study, "s", "RO-1", "m") as book:
            book.add("after", "liver", case="C01", score=5)
        (path,) = rating_files(study)
        content = read_rating_file(path)
        assert content.problems == ()
        found |= {record.id for record in content.records}
    assert confirmed - found == set()


def test_ten_kills_lose_no_confirmed_score(tmp_path):
    confirmed, _ = kill_rounds(tmp_path, 10, seed=1)
    assert len(confirmed) >= 5
    check_nothing_lost(tmp_path, confirmed)


@pytest.mark.slow
def test_two_hundred_kills_lose_no_confirmed_score(tmp_path):
    confirmed, torn = kill_rounds(tmp_path, 200, seed=2)
    print(f"{len(confirmed)} scores confirmed, {torn} writes cut short")
    assert len(confirmed) >= 100
    check_nothing_lost(tmp_path, confirmed)
