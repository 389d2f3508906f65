"""How SlicerRT takes keyholes out of a contour when it makes a surface of it.

A model of ``vtkPlanarContourToClosedSurfaceConversionRule::FixKeyholes`` with the values it is called with. Points that
coincide and lie far enough apart along the line are the ends of a channel; a line that runs through a channel is cut
into a line for the outside and one for the hole.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

COINCIDENCE_MM = 0.001
MINIMUM_SEPARATION = 3


def bridge_ends(points_mm: np.ndarray) -> np.ndarray:
    """For each of n + 1 points the index of the one it forms a channel with, -1 for none; the last is the first again.

    ``points_mm`` ``(n, 3)`` is a closed contour.
    """
    closed = np.vstack([points_mm, points_mm[:1]]).astype(np.float32).astype(float)  # vtkPoints holds floats
    last = len(closed) - 1
    partner = np.full(len(closed), -1)
    for first, second in sorted(cKDTree(closed).query_pairs(COINCIDENCE_MM)):
        if min(second - first, last - second + first) > MINIMUM_SEPARATION:
            partner[first], partner[second] = second, first
    return partner


def without_keyholes(points_mm: np.ndarray) -> list[np.ndarray]:
    """The closed loops ``(n, 3)`` that SlicerRT makes of one closed contour: boundary and holes, in any order."""
    partner = bridge_ends(points_mm)
    if (partner < 0).all():
        return [points_mm]
    closed = np.vstack([points_mm, points_mm[:1]])
    open_lines: list[list[int]] = []
    finished: list[list[int]] = []
    layer, in_channel = 0, False
    for index, other in enumerate(partner.tolist()):
        if layer == len(open_lines):
            open_lines.append([])
        if other == -1:
            open_lines[layer].append(index)
            in_channel = False
        elif not in_channel:
            open_lines[layer].append(index)
            if other > index:
                layer += 1
            else:
                finished.append(open_lines.pop())
                layer = max(layer - 1, 0)
            in_channel = True
    return [closed[line] for line in finished + open_lines if len(line) > 1]
