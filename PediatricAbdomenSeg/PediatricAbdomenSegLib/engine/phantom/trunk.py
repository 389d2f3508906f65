"""The trunk of a phantom: skin to peritoneum, skeleton, back muscles, diaphragm, lungs.

Proportions were chosen by eye from sectional anatomy and checked on the rendered pictures; they carry no claim beyond
"arranged as in a child". Positions are given as ``(u, v, w)``: u to the left and v to posterior in units of the
cavity's half-breadth and half-depth, w from the pelvis (0) to mid-chest (1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..organs import organ_by_key
from .shapes import DeformedGrid, Region, bend, ellipsoid, tube
from .spec import BodySize

NOT_CONTOURED = 0
"""Label of a part that takes its place from the organs under it, such as fat."""

LABELS_KEPT = -1
"""Label of a part that belongs to the organ under it, such as a vessel in a lung."""

BOTH_SIDES = ((1.0, "left"), (-1.0, "right"))
"""Sign of x in patient coordinates (LPS) and the word in organ keys."""


def label_of(key: str) -> int:
    """Label of an organ of the organ table."""
    return organ_by_key(key).label


@dataclass(frozen=True)
class Part:
    """One painted solid.

    Attributes:
        tissue: key of the appearance table.
        label: organ-table label, `NOT_CONTOURED` or `LABELS_KEPT`.
        box: where in the grid the solid lies.
        distance_mm: float32 signed distance, positive inside, of the box's shape.
        content: int16 code per voxel into the appearance's bowel contents, or None for one tissue throughout.
    """

    tissue: str
    label: int
    box: tuple[slice, slice, slice]
    distance_mm: np.ndarray
    content: np.ndarray | None = None


@dataclass(frozen=True)
class Trunk:
    """Measures of one child that all structures share; lengths in mm.

    Attributes:
        grid: on which everything is evaluated.
        size: average lengths of the age.
        rng: the phantom's own random generator, used in a fixed order.
        half_breadth, half_depth: of the skin's outline.
        length: from w = 0 to w = 1.
        fat, wall: thickness of subcutaneous fat and of the muscular wall.
        skin, cavity: signed distance from the skin and from the inside of the abdominal wall, on the whole grid.
        dome: height z of the diaphragm above each voxel's place, on the whole grid.
        sway: amplitude (in half-breadths of the cavity) and phase of the spine's scoliosis.
    """

    grid: DeformedGrid
    size: BodySize
    rng: np.random.Generator
    half_breadth: float
    half_depth: float
    length: float
    fat: float
    wall: float
    skin: np.ndarray = field(repr=False)
    cavity: np.ndarray = field(repr=False)
    dome: np.ndarray = field(repr=False)
    sway: tuple[float, float]

    @property
    def a(self) -> float:
        """Half-breadth of the cavity in mm, the unit of u."""
        return self.half_breadth - self.fat - self.wall

    @property
    def b(self) -> float:
        """Half-depth of the cavity in mm, the unit of v."""
        return self.half_depth - self.fat - self.wall

    def at(self, u: float, v: float, w: float, jitter: float = 0.0) -> np.ndarray:
        """Point (x, y, z) in mm, moved at random by ``jitter`` (in units of the cavity's half-depth)."""
        move = self.rng.uniform(-jitter, jitter, 3) * self.b if jitter else np.zeros(3)
        return np.array([u * self.a, v * self.b, w * self.length]) + move

    def path(self, waypoints: Sequence[Sequence[float]], jitter: float = 0.0, step_mm: float = 1.0) -> np.ndarray:
        """Curve through (u, v, w, radius in units of the cavity's half-breadth)."""
        points = [[*self.at(u, v, w, jitter), radius * self.a] for u, v, w, radius in waypoints]
        return bend(points, step_mm)

    def spine(self, z: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Centre (x, y) of the vertebral bodies at heights z: lordosis below, kyphosis above, a little scoliosis."""
        w = np.asarray(z, np.float32) / self.length
        x = self.sway[0] * self.a * np.sin(2 * np.pi * (w + self.sway[1]))
        y = self.b * (0.52 + 0.07 * np.sin(2 * np.pi * (w - 0.5)) + 0.9 * np.clip(0.1 - w, 0, None))
        return x, y

    @property
    def vertebra(self) -> tuple[float, float, float]:
        """Half-breadth and half-depth of a vertebral body and the radius of the canal, mm."""
        canal = 4.6 + 0.052 * self.half_breadth / 2
        return 0.070 * 2 * self.half_breadth, 0.049 * 2 * self.half_breadth, canal


def build_trunk(grid: DeformedGrid, size: BodySize, rng: np.random.Generator, scale: float) -> Trunk:
    """Draw the measures of one child and the three surfaces everything else is fitted to.

    Args:
        scale: factor on the average size of the age.
    """
    half_breadth = size.breadth_mm / 2 * scale * rng.uniform(0.95, 1.06)
    half_depth = size.depth_mm / 2 * scale * rng.uniform(0.94, 1.06)
    length = size.length_mm * scale
    fat = half_breadth * rng.uniform(0.04, 0.13)
    wall = half_breadth * rng.uniform(0.065, 0.085)
    power = rng.uniform(2.2, 2.6)
    everywhere = grid.everywhere()
    w = everywhere.z / length
    waist = 1 - 0.05 * np.exp(-(((w - 0.36) / 0.14) ** 2))
    radius = np.hypot(everywhere.x, everywhere.y)
    relative = (
        np.abs(everywhere.x / (half_breadth * waist)) ** power + np.abs(everywhere.y / half_depth) ** power
    ) ** (1 / power)
    skin = (radius / np.maximum(relative, 1e-3) - radius).astype(np.float32)
    # Superellipses flatten fat at the flanks; children carry more of it behind and at the sides.
    cavity = skin - (fat + wall) * (1 + 0.12 * np.tanh(everywhere.y / half_depth))
    a, b = half_breadth - fat - wall, half_depth - fat - wall
    height = rng.uniform(-0.015, 0.02)
    u, v = everywhere.x / a, everywhere.y / b
    side = 0.5 + 0.5 * np.tanh(u / 0.12)
    peak = 0.735 + height - 0.03 * side
    off_centre = np.hypot(np.abs(u) - 0.42, v + 0.05)
    fall = 0.17 * np.clip(off_centre, 0, 1.2) ** 2.6 + 0.07 * np.clip(v, 0, 1.2) ** 2
    dome = ((peak - fall) * length).astype(np.float32)
    sway = (rng.uniform(-0.04, 0.04), rng.uniform(0, 1))
    return Trunk(grid, size, rng, half_breadth, half_depth, length, fat, wall, skin, cavity, dome, sway)


def outer_parts(trunk: Trunk, blanket_side: tuple[float, float]) -> list[Part]:
    """Blanket, skin, fat, muscular wall and the fat inside it.

    Args:
        blanket_side: unit vector (x, y) pointing away from the table.
    """
    everywhere = trunk.grid.everywhere()
    whole = everywhere.box
    up = everywhere.x * blanket_side[0] + everywhere.y * blanket_side[1]
    ripple = 2.5 * np.sin(everywhere.z / 31.0) + 2.0 * np.sin(everywhere.x / 17.0)
    gap = 7.0 + ripple
    blanket = np.minimum(2.2 - np.abs(trunk.skin + gap), 0.25 * up)
    return [
        Part("blanket", NOT_CONTOURED, whole, blanket.astype(np.float32)),
        Part("skin", NOT_CONTOURED, whole, trunk.skin),
        Part("fat", NOT_CONTOURED, whole, trunk.skin - 1.6),
        Part("wall_muscle", NOT_CONTOURED, whole, trunk.cavity + trunk.wall),
        Part("visceral_fat", NOT_CONTOURED, whole, trunk.cavity),
    ]


def lung_parts(trunk: Trunk) -> list[Part]:
    """Both lungs above the diaphragm with the mediastinum left out, and vessels inside them."""
    from scipy import ndimage

    region = trunk.grid.around(
        trunk.at(-1.1, -1.1, 0.42) - trunk.wall, trunk.at(1.1, 1.1, 1.3) + trunk.wall, margin_mm=2.0
    )
    above = (region.z - trunk.dome[region.box] - 1.5) * 0.75
    chest = np.minimum(trunk.cavity[region.box] - 1.0, above)
    spine_x, spine_y = trunk.spine(region.z)
    body = trunk.vertebra[0]
    mediastinum = 0.13 * trunk.a + 0.08 * trunk.a * np.clip(-region.y / trunk.b, 0, 1)
    column = np.hypot(region.x - spine_x, np.minimum(region.y - spine_y, 0)) - body * 1.2
    parts = []
    for side, name in BOTH_SIDES:
        medial = region.x * side - mediastinum - spine_x * side
        lung = np.minimum(np.minimum(chest, medial), column)
        parts.append(Part("lung", label_of(f"lung_{name}"), region.box, lung.astype(np.float32)))
    own = np.random.default_rng(trunk.rng.integers(2**63))  # what follows must not depend on the grid's size
    streaks = ndimage.gaussian_filter(own.standard_normal(region.x.shape).astype(np.float32), 1.2)
    streaks /= max(float(streaks.std()), 1e-6) if streaks.size else 1.0
    vessels = np.minimum(streaks - 1.75, np.minimum(chest - 3.0, np.abs(region.x) - mediastinum - 2))
    parts.append(Part("lung_vessel", LABELS_KEPT, region.box, vessels.astype(np.float32)))
    return parts


def skeleton_parts(trunk: Trunk) -> list[Part]:
    """Ribs, sternum, iliac wings, vertebrae with discs and canal, and the autochthonous muscles beside them."""
    grid, a, b, length = trunk.grid, trunk.a, trunk.b, trunk.length
    everywhere = grid.everywhere()
    w = everywhere.z / length
    period = length / 14
    mid_wall = np.abs(trunk.cavity + trunk.wall * 0.5)
    slope = everywhere.z + 0.55 * (trunk.b * 0.6 - everywhere.y)
    phase = np.abs(np.mod(slope, period) - period / 2)
    rib = np.minimum(trunk.wall * 0.30 - mid_wall, period * 0.21 - phase)
    lower_margin = (w - 0.50 - 0.16 * np.clip(-everywhere.y / b, 0, 1)) * length
    spine_x, spine_y = trunk.spine(everywhere.z)
    ribs = np.minimum(np.minimum(rib, lower_margin), np.hypot(everywhere.x - spine_x, 0) - 0.24 * a)
    cartilage = np.minimum(ribs, 0.42 * a - np.abs(everywhere.x) - 0.2 * everywhere.y)
    sternum = np.minimum(
        np.minimum(trunk.wall * 0.42 - mid_wall, 0.13 * a - np.abs(everywhere.x)),
        np.minimum(-everywhere.y, (w - 0.70) * length),
    )
    crest = length * (0.165 - 0.10 * ((everywhere.y / b - 0.30) ** 2)) - everywhere.z
    wing = np.minimum(
        np.minimum(0.045 * a + 1.2 - np.abs(trunk.cavity - 0.04 * a), crest),
        np.minimum(np.abs(everywhere.x) - 0.30 * a, 0.78 * b - np.abs(everywhere.y - 0.25 * b)),
    )
    whole = everywhere.box
    parts = [
        Part("bone", NOT_CONTOURED, whole, ribs.astype(np.float32)),
        Part("cartilage", NOT_CONTOURED, whole, np.minimum(cartilage, -everywhere.y - 0.3 * b).astype(np.float32)),
        Part("bone", NOT_CONTOURED, whole, sternum.astype(np.float32)),
        Part("bone", NOT_CONTOURED, whole, wing.astype(np.float32)),
    ]
    return parts + _back(trunk, period)


def _back(trunk: Trunk, period: float) -> list[Part]:
    """Vertebrae with discs, arches and processes, canal and cord, and the muscles beside them.

    Args:
        period: height of one vertebra with its disc, mm.
    """
    a, b = trunk.a, trunk.b
    half_breadth, half_depth, canal_radius = trunk.vertebra
    low = np.array([-0.75 * a, -0.1 * b, -0.3 * trunk.length])
    high = np.array([0.75 * a, 1.3 * b + trunk.wall + trunk.fat, 1.3 * trunk.length])
    region = trunk.grid.around(low, high)
    spine_x, spine_y = trunk.spine(region.z)
    dx, dy = region.x - spine_x, region.y - spine_y
    w = region.z / trunk.length
    canal_y = half_depth + canal_radius * 0.8
    inside_skin = trunk.skin[region.box] - 1.5
    parts = _muscles_beside_spine(trunk, region, dx, dy, canal_y)
    growth = 1.08 - 0.22 * w
    radial = np.hypot(dx / half_breadth, dy / half_depth)
    body = (growth - radial) * half_depth
    canal = canal_radius - np.hypot(dx, dy - canal_y)
    from_gap = np.abs(np.mod(region.z, period) - period / 2) - period * 0.09
    arch_gap = period * 0.36 - np.abs(np.mod(region.z + 0.3 * period, period) - period / 2)
    arch = np.minimum(canal_radius * 1.55 - np.hypot(dx, dy - canal_y), arch_gap + 2.5)
    spinous = np.minimum(
        np.minimum(canal_radius * 0.30 - np.abs(dx), arch_gap),
        np.minimum(dy - canal_y, canal_y + canal_radius * 2.6 - dy),
    )
    transverse = np.minimum(
        np.minimum(canal_radius * 0.42 - np.abs(dy - canal_y * 0.92), arch_gap * 0.8),
        half_breadth * 1.75 - np.abs(dx),
    )
    bone = np.maximum(np.minimum(body, from_gap), np.maximum(arch, np.maximum(spinous, transverse)))
    bone = np.minimum(bone, inside_skin)
    marrow = np.minimum(body - 1.8, from_gap - 1.0)
    cord = canal_radius * 0.5 - np.hypot(dx, dy - canal_y)
    vertebrae, spinal_canal = label_of("vertebrae"), label_of("spinal_canal")
    solids = (
        ("disc", NOT_CONTOURED, np.minimum(body, 0.8 - from_gap)),
        ("bone", vertebrae, bone),
        ("marrow", vertebrae, marrow),
        ("canal", spinal_canal, np.minimum(canal, inside_skin)),
        ("cord", spinal_canal, np.minimum(cord, (w - 0.42) * trunk.length)),
    )
    return parts + [Part(tissue, label, region.box, d.astype(np.float32)) for tissue, label, d in solids]


def _muscles_beside_spine(trunk: Trunk, region: Region, dx: np.ndarray, dy: np.ndarray, canal_y: float) -> list[Part]:
    """Autochthonous (back) muscles in a thin sheath of fat, and quadratus lumborum beside them."""
    a, b = trunk.a, trunk.b
    canal_radius = trunk.vertebra[2]
    w = region.z / trunk.length
    bulk = 1.05 - 0.25 * np.clip((w - 0.5) / 0.5, 0, 1)
    inside = trunk.skin[region.box] - trunk.fat * 0.75
    parts = []
    reach_x, reach_y = 0.235 * a, 0.26 * b
    for side, name in BOTH_SIDES:
        centre_x = side * (reach_x * 0.95)
        centre_y = canal_y + canal_radius * 0.35 + reach_y * 0.55
        radial = np.hypot((dx - centre_x) / reach_x, (dy - centre_y) / reach_y)
        muscle = np.minimum((bulk - radial) * min(reach_x, reach_y), np.minimum(inside, side * dx - 1.5))
        loin = (1 - np.hypot((dx - side * 0.50 * a) / (0.15 * a), (dy - canal_y * 0.9) / (0.13 * b))) * 0.13 * b
        loin = np.minimum(np.minimum(loin, inside), (0.46 - w) * trunk.length)
        parts += [
            Part("wall_muscle", NOT_CONTOURED, region.box, loin.astype(np.float32)),
            Part("fat", NOT_CONTOURED, region.box, np.minimum(muscle + 1.6, inside).astype(np.float32)),
            Part("back_muscle", label_of(f"autochthonous_muscle_{name}"), region.box, muscle.astype(np.float32)),
        ]
    return parts


def iliopsoas_parts(trunk: Trunk) -> list[Part]:
    """Iliopsoas from the first lumbar vertebra down into the pelvis, where it joins the iliacus."""
    half_breadth, half_depth, _ = trunk.vertebra
    parts = []
    for side, name in BOTH_SIDES:
        heights = np.linspace(0.46, -0.2, 14)
        points = []
        for w in heights:
            x, y = trunk.spine(w * trunk.length)
            down = np.clip((0.46 - w) / 0.36, 0, 1.3)
            radius = trunk.a * (0.055 + 0.115 * down**0.9)
            away = half_breadth * 0.78 + radius * 0.85 + trunk.a * 0.35 * np.clip(0.16 - w, 0, None) / 0.16 * 0.6
            forward = half_depth * 0.25 - trunk.b * 0.9 * np.clip(0.18 - w, 0, None)
            points.append([float(x) + side * away, float(y) + forward, w * trunk.length, radius])
        region, muscle, _ = tube(trunk.grid, bend(points, 2.0))
        iliacus = ellipsoid(
            region, trunk.at(side * 0.62, 0.30, 0.02), np.array([0.16 * trunk.a, 0.42 * trunk.b, 0.12 * trunk.length])
        )
        joined = np.minimum(np.maximum(muscle, iliacus), trunk.cavity[region.box] - 0.07 * trunk.a)
        parts.append(Part("muscle", label_of(f"iliopsoas_{name}"), region.box, joined.astype(np.float32)))
    return parts
