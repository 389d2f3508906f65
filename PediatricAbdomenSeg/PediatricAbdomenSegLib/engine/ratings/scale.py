"""The 5-point scale, the error tags and the reasons not to score.

The steps are those of the studies this follows [Ding-OAR]: whether a contour needs edits, how large, and whether a
treatment plan could do without them. The wording is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True)
class Anchor:
    """What one score means.

    Attributes:
        score: 1 to 5.
        short: a few words, for a button.
        wording: the sentence a rater decides by.
    """

    score: int
    short: str
    wording: str


ANCHORS: tuple[Anchor, ...] = (
    Anchor(1, "Unusable", "Nothing of this contour is worth keeping: I would start from an empty slice."),
    Anchor(2, "Major edits", "Large or many errors: correcting takes about as long as contouring anew."),
    Anchor(3, "Minor edits, necessary", "Small errors that matter for the plan: I would not use it uncorrected."),
    Anchor(4, "Minor edits, not necessary", "Small errors that do not matter for the plan: usable as it is."),
    Anchor(5, "Use as is", "I would not change anything; it could be mine."),
)

# A mean of at least 4 is clinically acceptable with minor modification, of at least 3 usable [Ding-OAR].
ACCEPTABLE_MEAN = 4.0
USABLE_MEAN = 3.0

# key → what a rater reads
ERROR_TAGS: dict[str, str] = {
    "over_contoured": "Over-contoured: more than the organ",
    "under_contoured": "Under-contoured: less than the organ",
    "wrong_level_start": "Starts at the wrong level (cranial end)",
    "wrong_level_end": "Ends at the wrong level (caudal end)",
    "wrong_organ": "Wrong organ",
    "missing": "Missing although the organ is there",
    "left_right_swapped": "Left and right swapped",
}

# What a page offers; a rater may write a reason of their own.
NOT_ASSESSABLE_REASONS: tuple[str, ...] = (
    "Organ absent (removed or never formed)",
    "Organ outside the scan",
    "Image quality too poor",
    "Displaced or infiltrated: no agreed boundary",
    "Outside my expertise",
)
