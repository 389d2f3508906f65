"""Reader studies: clinicians score contours; cases, blinded assignment, append-only store of scores, privacy."""
