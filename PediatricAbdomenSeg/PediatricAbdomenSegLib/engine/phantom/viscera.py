"""The solid organs and great vessels of a phantom, and the tumour in its liver.

Positions are ``(u, v, w)`` as in `trunk`. Every function returns parts in the order they are painted.
"""

from __future__ import annotations

import numpy as np

from ..organs import HEPATOBLASTOMA
from .shapes import FAR_OUTSIDE_MM, bend, ellipsoid, resample_axis, rotation, smooth_noise, tube
from .trunk import NOT_CONTOURED, Part, Trunk, label_of


def heart_parts(trunk: Trunk) -> list[Part]:
    """Heart on the diaphragm with two blood pools, in a little mediastinal fat."""
    rng = trunk.rng
    centre = trunk.at(0.17, -0.30, 0.815, 0.04)
    radii = np.array([0.45 * trunk.a, 0.50 * trunk.b, 0.115 * trunk.length]) * rng.uniform(0.93, 1.07, 3)
    turn = rotation(rng.uniform(-10, 10), rng.uniform(15, 35), rng.uniform(-25, -5))
    region = trunk.grid.around(centre - radii.max(), centre + radii.max())
    rest = np.minimum(region.z - trunk.dome[region.box] - 0.5, trunk.cavity[region.box] - 2)
    heart = np.minimum(ellipsoid(region, centre, radii, turn), rest)
    left = ellipsoid(region, centre + turn @ [0.30 * radii[0], 0.12 * radii[1], 0], radii * 0.46, turn)
    right = ellipsoid(region, centre + turn @ [-0.42 * radii[0], -0.15 * radii[1], 0], radii * [0.42, 0.6, 0.6], turn)
    fat = np.minimum(heart + 2.0, trunk.cavity[region.box] - 1)
    return [
        Part("visceral_fat", NOT_CONTOURED, region.box, fat.astype(np.float32)),
        Part("myocardium", label_of("heart"), region.box, heart),
        Part(
            "heart_blood",
            label_of("heart"),
            region.box,
            np.minimum(np.maximum(left, right), heart - 2.0).astype(np.float32),
        ),
    ]


def liver_parts(trunk: Trunk) -> list[Part]:
    """Both lobes under the right dome, portal and hepatic veins, gall bladder."""
    rng, a, b, length = trunk.rng, trunk.a, trunk.b, trunk.length
    size = rng.uniform(0.92, 1.1)
    region = trunk.grid.around(trunk.at(-1.15, -1.15, 0.30), trunk.at(0.85, 1.1, 0.80))
    right = ellipsoid(
        region,
        trunk.at(-0.44, 0.0, 0.585, 0.05),
        np.array([0.64 * a, 0.95 * b, 0.168 * length]) * size,
        rotation(0, rng.uniform(-14, 0), 0),
    )
    left = ellipsoid(
        region,
        trunk.at(rng.uniform(0.04, 0.18), -0.46, 0.625, 0.04),
        np.array([0.55 * a, 0.40 * b, 0.085 * length]) * size,
        rotation(0, rng.uniform(5, 20), 0),
    )
    under = np.minimum((trunk.dome[region.box] - region.z - 1.0) * 0.8, trunk.cavity[region.box] - 1.0)
    liver = np.minimum(_smooth_union(right, left, 6.0), under)
    parts = [Part("liver", label_of("liver"), region.box, liver.astype(np.float32))]
    hilum = [-0.18, 0.0, 0.55, 0.050]
    branches = (
        [hilum, [-0.35, 0.0, 0.58, 0.035], [-0.62, 0.25, 0.60, 0.020], [-0.8, 0.4, 0.62, 0.012]],
        [hilum, [-0.42, -0.20, 0.60, 0.028], [-0.68, -0.45, 0.62, 0.014]],
        [hilum, [-0.05, -0.35, 0.60, 0.030], [0.18, -0.5, 0.63, 0.014]],
        [[-0.19, 0.12, 0.68, 0.045], [-0.42, 0.02, 0.66, 0.028], [-0.72, -0.05, 0.61, 0.014]],
        [[-0.19, 0.10, 0.68, 0.040], [-0.30, -0.30, 0.66, 0.024], [-0.45, -0.62, 0.61, 0.012]],
    )
    for waypoints in branches:
        vessel_region, vessel, _ = tube(trunk.grid, trunk.path(waypoints, 0.05))
        inside = np.minimum(vessel, trunk.grid.embed(region.box, liver)[vessel_region.box] - 1.5)
        parts.append(Part("portal_vein", label_of("liver"), vessel_region.box, inside))
    bladder = trunk.at(-0.40, -0.42, 0.465, 0.06)
    radii = np.array([0.13 * a, 0.19 * b, 0.045 * length]) * rng.uniform(0.6, 1.1)
    around = trunk.grid.around(bladder - radii.max(), bladder + radii.max())
    gall = np.minimum(ellipsoid(around, bladder, radii), trunk.cavity[around.box] - 2)
    parts.append(Part("gall_bladder", NOT_CONTOURED, around.box, gall))
    return parts


def spleen_parts(trunk: Trunk) -> list[Part]:
    """A crescent under the left dome."""
    rng, a, b, length = trunk.rng, trunk.a, trunk.b, trunk.length
    centre = trunk.at(0.66, 0.40, 0.595, 0.05)
    radii = np.array([0.27 * a, 0.52 * b, 0.118 * length]) * rng.uniform(0.88, 1.15)
    region = trunk.grid.around(centre - radii * 1.3, centre + radii * 1.3)
    turn = rotation(rng.uniform(-20, 5), 0, rng.uniform(5, 25))
    hollow = ellipsoid(region, centre + [-0.30 * a, -0.20 * b, 0], radii * [0.85, 0.8, 0.95], turn)
    spleen = np.minimum(ellipsoid(region, centre, radii, turn), -hollow)
    fits = np.minimum(trunk.cavity[region.box] - 1.5, (trunk.dome[region.box] - region.z - 1.0) * 0.8)
    return [Part("spleen", label_of("spleen"), region.box, np.minimum(spleen, fits).astype(np.float32))]


def kidney_parts(trunk: Trunk, side: float, label: int, removed: bool, relative_length: float) -> list[Part]:
    """One kidney in its fat, cortex brighter than medulla, the renal sinus left open towards the spine.

    A removed kidney leaves its fat behind; the random draws are the same, so the rest of the child does not change.
    """
    rng = trunk.rng
    half = trunk.size.kidney_mm / 2 * relative_length * rng.uniform(0.95, 1.05)
    radii = np.array([half * rng.uniform(0.45, 0.52), half * rng.uniform(0.42, 0.5), half])
    centre = trunk.at(side * 0.50, 0.42, 0.462 if side > 0 else 0.432, 0.04)
    turn = rotation(rng.uniform(-14, -2), side * rng.uniform(6, 16), side * rng.uniform(10, 30))
    region = trunk.grid.around(centre - half * 1.1, centre + half * 1.1)
    kidney = ellipsoid(region, centre, radii, turn)
    behind = trunk.cavity[region.box] + 0.5 * trunk.wall
    fat = Part("visceral_fat", NOT_CONTOURED, region.box, np.minimum(kidney + 3.0, behind).astype(np.float32))
    opening = centre + turn @ [-side * radii[0] * 0.80, -radii[1] * 0.15, 0]
    sinus = ellipsoid(region, opening, radii * [0.62, 0.42, 0.36], turn)
    pelvis = ellipsoid(region, opening + [-side * 0.1 * radii[0], 0, 0], radii * [0.42, 0.25, 0.22], turn)
    cortex = np.minimum(np.minimum(kidney, -sinus), behind)
    lobes = 0.10 * half * np.sin(4.2 * np.arctan2(region.z - centre[2], region.x - opening[0]))
    medulla = np.minimum(kidney - 0.20 * half + lobes, -sinus - 0.02 * half)
    if removed:
        return [fat]
    return [
        fat,
        Part("kidney_cortex", label, region.box, cortex.astype(np.float32)),
        Part("kidney_medulla", label, region.box, np.minimum(medulla, cortex - 1.0).astype(np.float32)),
        Part("urine", NOT_CONTOURED, region.box, pelvis.astype(np.float32)),
    ]


def adrenal_parts(trunk: Trunk, side: float, label: int) -> list[Part]:
    """Two limbs that meet in a ridge, above and medial to the kidney."""
    from scipy.spatial import cKDTree

    rng, a, length = trunk.rng, trunk.a, trunk.length
    top = trunk.at(side * 0.275, 0.36 if side > 0 else 0.38, 0.532 if side > 0 else 0.540, 0.025)
    tall = 0.042 * length * rng.uniform(0.85, 1.15)
    limb = 0.17 * a * rng.uniform(0.85, 1.15)
    thick = max(2.3, 0.034 * a) * rng.uniform(0.95, 1.15)
    up, out = np.meshgrid(np.linspace(-tall, tall, 24), np.linspace(0, limb, 14), indexing="ij")
    points = []
    for degrees in (rng.uniform(48, 66), rng.uniform(96, 118)):
        direction = np.array([np.cos(np.deg2rad(degrees)) * side, np.sin(np.deg2rad(degrees))])
        shorter = out * (1 - 0.35 * np.abs(up) / tall)
        points.append(np.stack([top[0] + direction[0] * shorter, top[1] + direction[1] * shorter, top[2] + up], -1))
    cloud = np.concatenate([p.reshape(-1, 3) for p in points])
    region = trunk.grid.around(cloud.min(0) - thick, cloud.max(0) + thick)
    distance, _ = cKDTree(cloud).query(region.points)
    gland = (thick - distance).reshape(region.x.shape).astype(np.float32)
    return [
        Part("visceral_fat", NOT_CONTOURED, region.box, gland + 1.8),
        Part("adrenal", label, region.box, gland),
    ]


def vessel_parts(trunk: Trunk) -> list[Part]:
    """Aorta and vena cava; labelled only below the diaphragm and above the bifurcation."""
    a, length = trunk.a, trunk.length
    _, half_depth, _ = trunk.vertebra
    rng = trunk.rng
    aorta_radius, cava_radius = 0.078 * a * rng.uniform(0.93, 1.1), 0.088 * a * rng.uniform(0.9, 1.12)

    def before_spine(w: float, u: float, radius: float, lift: float = 0.0) -> list[float]:
        x, y = trunk.spine(w * length)
        return [float(x) + u * a, float(y) - half_depth * 1.02 - radius - lift, w * length]

    shift = rng.uniform(-0.02, 0.03)
    aorta = bend(
        [
            [*before_spine(w, 0.075 + shift, aorta_radius), aorta_radius * f]
            for w, f in ((1.3, 1.15), (0.9, 1.12), (0.66, 1.08), (0.5, 1.0), (0.36, 0.93), (0.235, 0.85))
        ],
        1.0,
    )
    cava = bend(
        [
            [*before_spine(w, -0.165 + shift / 2, cava_radius, -0.4 * cava_radius), cava_radius]
            for w in (0.225, 0.3, 0.45)
        ]
        + [
            [*trunk.at(-0.20, 0.14, 0.565), cava_radius * 1.05],
            [*trunk.at(-0.19, 0.05, 0.64), cava_radius * 1.1],
            [*trunk.at(-0.14, -0.08, 0.72), cava_radius * 1.1],
        ],
        1.0,
    )
    parts = []
    for side in (1.0, -1.0):
        for tissue, radius, u in (("artery", aorta_radius * 0.62, 0.075), ("vein", cava_radius * 0.66, -0.165)):
            start = before_spine(0.235, u + side * 0.03, radius)
            middle = before_spine(0.13, u * 0.6 + side * 0.24, radius, -0.1 * a)
            low = before_spine(-0.1, side * 0.42, radius, 0.10 * a)
            region, iliac, _ = tube(trunk.grid, bend([[*p, radius] for p in (start, middle, low)], 1.0))
            parts.append(Part(tissue, NOT_CONTOURED, region.box, iliac))
    region, cava_distance, _ = tube(trunk.grid, cava)
    parts.append(Part("vein", label_of("inferior_vena_cava"), region.box, cava_distance))
    region, aorta_distance, _ = tube(trunk.grid, aorta)
    hiatus = 0.615 * length
    parts.append(Part("artery", NOT_CONTOURED, region.box, aorta_distance))
    abdominal = np.where(region.z <= hiatus, aorta_distance, FAR_OUTSIDE_MM)
    parts.append(Part("artery", label_of("abdominal_aorta"), region.box, abdominal.astype(np.float32)))
    gullet = [[0.10, 0.20, 1.3, 0.055], [0.08, 0.16, 0.85, 0.055], [0.14, 0.02, 0.70, 0.05], [0.26, -0.1, 0.645, 0.06]]
    region, oesophagus, _ = tube(trunk.grid, trunk.path(gullet))
    windpipe = [[0.0, 0.0, 1.3, 0.10], [0.0, 0.02, 1.06, 0.09], [0.0, 0.04, 0.985, 0.05]]
    air_region, trachea, _ = tube(trunk.grid, trunk.path(windpipe))
    return [
        Part("muscle", NOT_CONTOURED, region.box, oesophagus),
        Part("gas", NOT_CONTOURED, air_region.box, trachea),
        *parts,
    ]


def pancreas_parts(trunk: Trunk) -> list[Part]:
    """Head in the duodenal loop, body over the great vessels, tail to the spleen; lobulated."""
    curve = trunk.path(
        [
            [-0.24, 0.03, 0.425, 0.125],
            [-0.19, -0.06, 0.465, 0.125],
            [-0.02, -0.20, 0.490, 0.092],
            [0.22, -0.06, 0.510, 0.092],
            [0.44, 0.18, 0.530, 0.080],
        ],
        0.035,
    )
    curve[:, 3] *= trunk.rng.uniform(0.92, 1.12)
    region, distance, _ = tube(trunk.grid, curve)
    own = np.random.default_rng(trunk.rng.integers(2**63))
    lobules = smooth_noise(own, region.x.shape, 1.6) if region.x.size else np.zeros(region.x.shape)
    gland = (distance + 0.5 * lobules).astype(np.float32)
    return [
        Part("visceral_fat", NOT_CONTOURED, region.box, gland + 1.5),
        Part("pancreas", label_of("pancreas"), region.box, gland),
    ]


def tumour_parts(trunk: Trunk, liver: Part, neighbours: list[Part], volume_ml: float, voxel_ml: float) -> list[Part]:
    """A lobulated mass in the liver of the volume asked for, with necrosis and calcification.

    Args:
        liver: the liver's own part; the tumour grows inside it and may bulge out of it a little.
        neighbours: organs and vessels it must not grow into.
        voxel_ml: volume of one voxel of the grid.
    """
    rng = trunk.rng
    radius = (3 * volume_ml * 1000 / (4 * np.pi)) ** (1 / 3)
    whole = trunk.grid.embed(liver.box, liver.distance_mm)
    # A seat in the right lobe, as deep as the tumour is large: the one nearest to a point drawn at random.
    depth = np.minimum(0.55 * radius, 0.9 * float(whole.max()))
    lateral = (trunk.grid.x < -0.30 * trunk.a) & (
        whole >= min(depth, 0.8 * whole[trunk.grid.x < -0.30 * trunk.a].max())
    )
    seats = np.stack([axis[lateral] for axis in (trunk.grid.x, trunk.grid.y, trunk.grid.z)], 1)
    low, high = seats.min(0), seats.max(0)
    wish = low + (high - low) * rng.uniform(size=3)
    seat = seats[np.argmin(((seats - wish) ** 2).sum(1))]
    region = trunk.grid.around(seat - radius * 2.2, seat + radius * 2.2)
    lobes = [ellipsoid(region, seat, radius * rng.uniform(0.85, 1.15, 3))]
    for _ in range(4):
        offset = rng.standard_normal(3)
        offset *= radius * 0.55 / np.linalg.norm(offset)
        lobes.append(ellipsoid(region, seat + offset, radius * rng.uniform(0.35, 0.6) * np.ones(3)))
    shape = lobes[0]
    for lobe in lobes[1:]:
        shape = _smooth_union(shape, lobe, 4.0)
    # Growth is held back by the capsule and stopped by the abdominal wall.
    shape = np.minimum(shape, 0.5 * shape + 0.5 * (whole[region.box] + 0.12 * radius))
    shape = np.where(trunk.cavity[region.box] > 1.0, shape, FAR_OUTSIDE_MM)
    for neighbour in neighbours:
        apart = trunk.grid.embed(neighbour.box, neighbour.distance_mm)[region.box]
        shape = np.where(apart > -0.5, FAR_OUTSIDE_MM, shape)
    tumour = (shape - _level_enclosing(shape, volume_ml / voxel_ml)).astype(np.float32)
    patches = smooth_noise(rng, region.x.shape, max(2.0, 0.22 * radius / _step(trunk)))
    necrosis = np.minimum((patches - 0.75) * 3.0, tumour - 2.5)
    specks = smooth_noise(rng, region.x.shape, 1.2)
    calcification = np.minimum((specks - 2.6) * 2.0, tumour - 1.5)
    return [
        Part("tumour", HEPATOBLASTOMA.label, region.box, tumour),
        Part("necrosis", HEPATOBLASTOMA.label, region.box, necrosis.astype(np.float32)),
        Part("calcification", HEPATOBLASTOMA.label, region.box, calcification.astype(np.float32)),
    ]


def _level_enclosing(distance: np.ndarray, voxels: float) -> float:
    """The level above which linear interpolation encloses so many voxels' volume.

    Counted on a grid of half the spacing: between samples of a convex shape, interpolation runs below the shape.
    """
    fine = distance
    for axis, n in enumerate(distance.shape):
        fine = resample_axis(fine, np.arange(0, n - 0.5, 0.5, dtype=np.float32), axis)
    wanted = fine.size - int(round(voxels * 8))
    return float(np.partition(fine.ravel(), wanted)[wanted])


def _step(trunk: Trunk) -> float:
    """Distance of the grid's columns in mm."""
    return float(np.diff(trunk.grid.axes_mm[2][:2])[0])


def _smooth_union(first: np.ndarray, second: np.ndarray, blend_mm: float) -> np.ndarray:
    """Signed distance of two solids joined with a fillet of about ``blend_mm``."""
    mix = np.clip(0.5 + 0.5 * (first - second) / blend_mm, 0, 1)
    return second + (first - second) * mix + blend_mm * mix * (1 - mix)
