"""Stomach, duodenum, colon and small bowel: one organ at risk, with wall, gas, fluid and stool.

Gas collects opposite to gravity. Contents are coded per voxel; what a code looks like is the appearance's business.
"""

from __future__ import annotations

import numpy as np

from .shapes import bend, ellipsoid, rotation, tube
from .trunk import Part, Trunk, label_of

LABEL = label_of("stomach_bowel")
FLUID, STOOL, GAS, ORAL_CONTRAST = 0, 1, 2, 3


def bowel_parts(trunk: Trunk, up: tuple[float, float]) -> list[Part]:
    """Small and large bowel in painting order.

    Args:
        up: unit vector (x, y) against gravity, in patient coordinates.
    """
    behind = _small_bowel(trunk, up, depth=-0.02)
    return behind + _small_bowel(trunk, up, depth=-0.46) + _large_bowel(trunk, up) + _duodenum(trunk, up)


def _loop(trunk: Trunk, curve: np.ndarray, up: tuple[float, float], gas_share: float, stool_share: float) -> list[Part]:
    """One tube with wall and contents that change along its course."""
    rng = trunk.rng
    region, distance, nearest = tube(trunk.grid, curve)
    distance = np.minimum(distance, trunk.cavity[region.box] - 1.5).astype(np.float32)
    stretch = max(4, len(curve) // max(1, int(len(curve) / 22)))
    stretches = len(curve) // stretch + 1
    kind = rng.choice([FLUID, STOOL], stretches, p=[1 - stool_share, stool_share])
    kind = np.where(rng.uniform(size=stretches) < 0.06, ORAL_CONTRAST, kind)
    # Height of the fluid level in units of the radius: +1 no gas at all, -1 nothing but gas.
    level = np.where(rng.uniform(size=stretches) < gas_share, rng.uniform(-0.6, 0.5, stretches), 2.0)
    where = np.minimum(nearest, len(curve) - 1)
    height = (region.x - curve[where, 0]) * up[0] + (region.y - curve[where, 1]) * up[1]
    piece = where // stretch
    content = np.where(height > level[piece] * curve[where, 3], GAS, kind[piece]).astype(np.int16)
    return [
        Part("bowel_wall", LABEL, region.box, distance),
        Part("bowel_content", LABEL, region.box, distance - _wall_mm(trunk), content),
    ]


def _wall_mm(trunk: Trunk) -> float:
    """Thickness of the bowel's wall, growing with the child."""
    return 1.2 + 0.006 * trunk.a


def _small_bowel(trunk: Trunk, up: tuple[float, float], depth: float) -> list[Part]:
    """Loops in one layer of the abdomen; ``depth`` is the layer's v."""
    rng = trunk.rng
    turns = rng.integers(4, 7)
    t = np.linspace(0, 1, 60 * int(turns))
    phase = rng.uniform(0, 2 * np.pi, 4)
    sway = np.sin(2 * np.pi * turns * t + phase[0]) * (0.50 + 0.10 * np.sin(2 * np.pi * 1.3 * t + phase[1]))
    u = sway + 0.06 * np.sin(2 * np.pi * 9 * t + phase[2])
    v = depth + 0.20 * np.sin(2 * np.pi * (turns * 0.5 + 0.31) * t + phase[3]) + 0.05 * np.cos(40 * t + phase[1])
    w = 0.03 + 0.33 * t + 0.02 * np.sin(2 * np.pi * turns * 2 * t)
    radius = 0.125 + 0.025 * np.sin(2 * np.pi * 23 * t + phase[2])
    points = np.stack([u * trunk.a, v * trunk.b, w * trunk.length, radius * trunk.a], 1)
    return _loop(trunk, bend(points, 1.5), up, gas_share=0.25, stool_share=0.15)


def _large_bowel(trunk: Trunk, up: tuple[float, float]) -> list[Part]:
    course = [
        [-0.66, -0.02, 0.10, 0.15],
        [-0.74, 0.10, 0.20, 0.15],
        [-0.72, 0.12, 0.32, 0.135],
        [-0.60, -0.18, 0.385, 0.125],
        [-0.30, -0.62, 0.375, 0.12],
        [0.08, -0.70, 0.370, 0.12],
        [0.42, -0.58, 0.42, 0.115],
        [0.70, -0.08, 0.485, 0.11],
        [0.80, 0.26, 0.42, 0.10],
        [0.79, 0.30, 0.27, 0.10],
        [0.68, 0.12, 0.15, 0.10],
        [0.34, 0.02, 0.06, 0.11],
        [0.05, 0.25, 0.02, 0.11],
        [0.0, 0.40, -0.1, 0.12],
    ]
    curve = trunk.path(course, 0.06, step_mm=1.5)
    haustra = 1 + 0.13 * np.sin(np.arange(len(curve)) * 1.5 * 2 * np.pi / (0.22 * trunk.a))
    curve[:, 3] *= haustra * trunk.rng.uniform(0.9, 1.15)
    return _loop(trunk, curve, up, gas_share=0.55, stool_share=0.65)


def _duodenum(trunk: Trunk, up: tuple[float, float]) -> list[Part]:
    course = [
        [-0.24, -0.32, 0.478, 0.09],
        [-0.40, -0.10, 0.462, 0.085],
        [-0.40, 0.10, 0.40, 0.08],
        [-0.26, 0.10, 0.352, 0.075],
        [0.05, -0.12, 0.350, 0.07],
        [0.24, -0.14, 0.385, 0.07],
    ]
    return _loop(trunk, trunk.path(course, 0.03), up, gas_share=0.1, stool_share=0.1)


def stomach_parts(trunk: Trunk, up: tuple[float, float]) -> list[Part]:
    """Fundus, body and antrum with one fluid level; painted over the left lobe of the liver."""
    rng, a, b, length = trunk.rng, trunk.a, trunk.b, trunk.length
    filling = rng.uniform(0.72, 1.12)
    centre = trunk.at(0.44, -0.22, 0.605, 0.04)
    radii = np.array([0.34 * a, 0.46 * b, 0.098 * length]) * filling
    course = [
        [0.44, -0.30, 0.585, 0.20 * filling],
        [0.34, -0.50, 0.53, 0.17 * filling],
        [0.10, -0.58, 0.487, 0.13],
        [-0.14, -0.46, 0.478, 0.105],
        [-0.24, -0.34, 0.48, 0.075],
    ]
    curve = trunk.path(course, 0.03)
    region = trunk.grid.around(
        np.minimum(centre - radii, curve[:, :3].min(0) - 0.2 * a),
        np.maximum(centre + radii, curve[:, :3].max(0) + 0.2 * a),
    )
    fundus = ellipsoid(region, centre, radii, rotation(rng.uniform(-15, 15), rng.uniform(-20, 10), 0))
    tube_region, antrum, _ = tube(trunk.grid, curve)
    body = np.maximum(fundus, trunk.grid.embed(tube_region.box, antrum)[region.box])
    fits = np.minimum(trunk.cavity[region.box] - 1.5, (trunk.dome[region.box] - region.z - 1.5) * 0.8)
    stomach = np.minimum(body, fits).astype(np.float32)
    height = (region.x - centre[0]) * up[0] + (region.y - centre[1]) * up[1]
    level = rng.uniform(0.0, 1.1) * 0.5 * (radii[0] + radii[1])
    fluid = rng.choice([FLUID, FLUID, STOOL, ORAL_CONTRAST])
    content = np.where(height > level, GAS, fluid).astype(np.int16)
    return [
        Part("bowel_wall", LABEL, region.box, stomach),
        Part("bowel_content", LABEL, region.box, stomach - 1.8 * _wall_mm(trunk), content),
    ]
