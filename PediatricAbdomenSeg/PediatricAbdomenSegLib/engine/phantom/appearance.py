"""What each tissue of a phantom looks like in Hounsfield units.

Values without and with contrast (portal-venous phase) are textbook ranges for CT at 70–120 kV. The randomised
appearance, for training, moves every structure away from them independently, so that a network cannot rely on one
scanner's or one phase's values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# tissue: (HU without contrast, HU in the portal-venous phase, texture standard deviation)
TISSUES: dict[str, tuple[float, float, float]] = {
    "blanket": (-780, -780, 40),
    "skin": (20, 25, 10),
    "fat": (-102, -100, 8),
    "wall_muscle": (50, 60, 12),
    "visceral_fat": (-95, -92, 12),
    "lung": (-800, -790, 30),
    "lung_vessel": (20, 60, 20),
    "bone": (420, 430, 90),
    "marrow": (190, 210, 45),
    "cartilage": (95, 100, 15),
    "disc": (75, 85, 8),
    "canal": (22, 26, 6),
    "cord": (38, 42, 4),
    "back_muscle": (55, 64, 10),
    "muscle": (54, 62, 8),
    "myocardium": (45, 100, 6),
    "heart_blood": (40, 155, 6),
    "liver": (58, 108, 5),
    "portal_vein": (42, 150, 4),
    "gall_bladder": (8, 8, 3),
    "spleen": (50, 120, 4),
    "kidney_cortex": (34, 190, 7),
    "kidney_medulla": (30, 150, 8),
    "urine": (8, 30, 4),
    "adrenal": (32, 82, 5),
    "artery": (40, 165, 4),
    "vein": (40, 150, 6),
    "pancreas": (40, 96, 8),
    "bowel_wall": (38, 82, 8),
    "gas": (-980, -980, 8),
    "tumour": (42, 74, 13),
    "necrosis": (22, 26, 6),
    "calcification": (320, 330, 60),
}
# Contents by the codes of `bowel`: fluid, stool, gas, oral contrast.
CONTENTS: tuple[tuple[float, float], ...] = ((18, 10), (25, 55), (-960, 15), (210, 30))

# Half-width of the uniform shift a structure's value gets when the appearance is randomised, where it is not 25 HU.
_SHIFT = {
    "lung": 90,
    "bone": 160,
    "marrow": 90,
    "calcification": 120,
    "blanket": 150,
    "gas": 15,
    "fat": 18,
    "visceral_fat": 22,
    "kidney_cortex": 45,
    "kidney_medulla": 45,
    "artery": 50,
    "vein": 45,
    "heart_blood": 45,
    "lung_vessel": 40,
}


@dataclass(frozen=True)
class Appearance:
    """Hounsfield values of one phantom.

    Attributes:
        hu: mean per tissue.
        texture_hu: standard deviation of the slow texture per tissue.
        contents_hu: mean and spread per code of bowel contents.
        noise_hu: standard deviation of the image noise.
        kernel_mm: width over which an edge is blurred (partial volume and reconstruction kernel).
    """

    hu: dict[str, float]
    texture_hu: dict[str, float]
    contents_hu: tuple[tuple[float, float], ...]
    noise_hu: float
    kernel_mm: float


def typical_appearance(rng: np.random.Generator, contrast: bool) -> Appearance:
    """Values of an ordinary scan with slight differences between children."""
    phase = rng.uniform(0.85, 1.12) if contrast else 0.0
    hu = {
        tissue: native + phase * (late - native) + rng.uniform(-4, 4) for tissue, (native, late, _) in TISSUES.items()
    }
    texture = {tissue: deviation for tissue, (_, _, deviation) in TISSUES.items()}
    return Appearance(hu, texture, CONTENTS, float(rng.uniform(9, 15)), 1.3)


def randomised_appearance(rng: np.random.Generator, contrast: bool) -> Appearance:
    """Values for training: phase, every structure, texture, noise and sharpness drawn independently."""
    phase = rng.uniform(0.3, 1.35) if contrast else rng.uniform(0.0, 0.15)
    hu, texture = {}, {}
    for tissue, (native, late, deviation) in TISSUES.items():
        shift = _SHIFT.get(tissue, 25)
        hu[tissue] = native + phase * (late - native) + rng.uniform(-shift, shift)
        texture[tissue] = deviation * rng.uniform(0.4, 2.2)
    # A tumour is seen by its contrast to the liver, whatever both values are.
    gap = rng.uniform(12, 60) * (1 if rng.uniform() < 0.9 else -1)
    hu["tumour"] = hu["liver"] - gap
    hu["necrosis"] = min(hu["tumour"] - rng.uniform(8, 45), 45.0)
    contents = tuple((mean + rng.uniform(-spread, spread), spread) for mean, spread in CONTENTS)
    return Appearance(hu, texture, contents, float(rng.uniform(4, 26)), float(rng.uniform(0.8, 2.6)))
