"""Grids as scanners make them, for tests of the scene: index (x, y, z, 1) to RAS mm."""

from __future__ import annotations

import numpy as np

SHAPE = (24, 40, 50)  # (z, y, x)

_SUPINE = np.array([[-0.9, 0, 0, 22], [0, -0.9, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1.0]])
_FEET_FIRST = np.array([[0.9, 0, 0, -22], [0, -0.9, 0, 18], [0, 0, -2.5, 30], [0, 0, 0, 1.0]])
_PRONE = np.array([[0.9, 0, 0, -22], [0, 0.9, 0, -18], [0, 0, 2.5, -30], [0, 0, 0, 1.0]])
_ANGLE = np.deg2rad(17)
_TILT = np.eye(4)
_TILT[1:3, 1:3] = [[np.cos(_ANGLE), -np.sin(_ANGLE)], [np.sin(_ANGLE), np.cos(_ANGLE)]]

AFFINES = {"supine": _SUPINE, "feet first": _FEET_FIRST, "prone": _PRONE, "oblique": _TILT @ _SUPINE}
