from __future__ import annotations

from dataclasses import replace

from PediatricAbdomenSegLib.engine.inference.memory import needed_memory_mb
from PediatricAbdomenSegLib.engine.models.nnunet_folder import read_network_plan


def test_larger_patches_and_images_need_more(a_toy_bundle):
    plan = read_network_plan(a_toy_bundle.folder, "3d_fullres")
    small = needed_memory_mb(plan, (16, 32, 32), (20, 40, 40), 4, 1)
    assert needed_memory_mb(plan, (16, 320, 320), (20, 40, 40), 4, 1) > small
    assert needed_memory_mb(plan, (16, 32, 32), (200, 400, 400), 4, 1) > small
    assert needed_memory_mb(replace(plan, patch_size=(64, 192, 192)), (16, 32, 32), (20, 40, 40), 4, 1) > small
