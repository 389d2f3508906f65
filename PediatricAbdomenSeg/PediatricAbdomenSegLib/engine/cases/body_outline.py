"""The outline of the patient's body in a CT, without table and blanket, which dose calculation starts from."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..organs import CodedConcept, Organ, OrganType
from .body_region import TISSUE_HU, coarse_body
from .volume import Volume

# In no label map, hence 0; volumes are not judged.
BODY = Organ(
    label=0,
    key="body",
    display_name="Body outline",
    tg263_name="External",
    short_name="External",
    snomed=CodedConcept("38266002", "SCT", "Entire body"),
    laterality=None,
    color=(0, 255, 255),
    type=OrganType.EXTERNAL,
    priority=0,
    partner=None,
    reference_volume_ml=(),
    volume_factors=(0.0, 0.0),
)


def body_outline(volume: Volume) -> np.ndarray:
    """Everything within the skin, lungs and bowel gas included; bool ``(z, y, x)``.

    Tissue on and beside the coarse body, filled slice by slice: what leans on the skin can add a rim of at most 4 mm.

    Raises:
        InputError: nothing of a body's size is found.
    """
    from scipy import ndimage

    body = coarse_body(volume.array, volume.geometry.spacing_mm)
    if body is None:
        raise InputError(
            f"No body is found in {volume.source}.", "Check that it is a CT in Hounsfield units, or leave the body out."
        )
    # A voxel of the coarse grid stands for its neighbourhood, and skin may pass between two of them.
    near = ndimage.binary_dilation(body.mask, ndimage.generate_binary_structure(3, 3))
    rows, columns = (
        np.arange(length) // step for length, step in zip(volume.array.shape[1:], body.stride[1:], strict=True)
    )
    outline = np.empty(volume.array.shape, bool)
    for z, (plane, target) in enumerate(zip(volume.array, outline, strict=True)):
        tissue = (plane > TISSUE_HU) & near[z // body.stride[0]][rows][:, columns]
        # Opening cuts threads of noise and blanket; at the border the body goes on.
        opened = ndimage.binary_dilation(ndimage.binary_erosion(tissue, border_value=1), mask=tissue)
        target[...] = ndimage.binary_fill_holes(opened)
    return outline
