"""Pictures of the panel in every state and of a segmented CT: ``python Testing/screenshots.py [folder]``.

Without a folder the pictures that are kept are written to ``Resources/Screenshots``: every state in the light look, the
page Review in the others too. A folder receives every state in every look: light, dark, and with text twice as large.

The panel runs in the stand-in Slicer on a phantom, with the models that come with the extension; its worker is
scripted. Texts that do not fit are listed at the end, and the exit status is 1 if there are any. The slice views are
drawn by Slicer's own displayable managers; the Segment Editor in the pictures is the stand-in's.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "PediatricAbdomenSeg"))

from PediatricAbdomenSegLib.engine.phantom.make import make_phantom
from PediatricAbdomenSegLib.engine.phantom.spec import Phantom, PhantomSpec
from screenshot_rating import choose_study, finish, leave_off, miss_a_case, score_some_organs
from screenshot_stage import Stage, open_stage
from slicer_host.host import SlicerHost, the_host
from slicer_host.slice_rendering import save_slice_view
from widget_pictures import Look, save_picture, texts_cut_off, wear

REPOSITORY = Path(__file__).resolve().parents[1]

# On a screen of 1366 × 768 the panel has about 420 × 640; with text twice as large its owner gives it half the screen.
LOOKS = (
    Look("light", is_dark=False, text_scale=1.0, width_px=420),
    Look("dark", is_dark=True, text_scale=1.0, width_px=420),
    Look("large-text", is_dark=False, text_scale=2.0, width_px=683),
)
HEIGHT_PX = 640
KEPT_IN_EVERY_LOOK = "review"
SLICE_VIEWS = (("Red", (480, 480), 230.0), ("Green", (360, 480), 320.0), ("Yellow", (280, 480), 320.0))
"""View, its size in pixels, and the height of its field of view in mm."""
SPACING_MM = (3.0, 1.5, 1.5)


@dataclass(frozen=True)
class State:
    """One picture: its name, its page, and what brings the panel there from the state before."""

    name: str
    page: int
    reach: Any


SEGMENT, REVIEW, EXPORT, RATING, MODELS, RUNTIME = range(6)
STATES = (
    State("runtime-none", RUNTIME, lambda stage: None),
    State("review-empty", REVIEW, lambda stage: None),
    State("segment-no-volume", SEGMENT, lambda stage: None),
    State("runtime", RUNTIME, Stage.name_an_interpreter),
    State("segment-ready", SEGMENT, Stage.choose_ct),
    State("segment-advanced", SEGMENT, Stage.unfold_advanced),
    State("segment-doubts", SEGMENT, Stage.ask_for_thick_slices),
    State("segment-running", SEGMENT, Stage.run),
    State("segment-queued", SEGMENT, Stage.queue),
    State("segment-failed", SEGMENT, Stage.fail),
    State("review", REVIEW, Stage.show_result),
    State("review-editing", REVIEW, Stage.edit_an_organ),
    State("export", EXPORT, Stage.choose_export_folder),
    State("export-written", EXPORT, Stage.export),
    State("rating-start", RATING, choose_study),
    State("rating", RATING, score_some_organs),
    State("rating-moved", RATING, miss_a_case),
    State("rating-finished", RATING, finish),
    State("models", MODELS, lambda stage: (leave_off(stage), stage.choose_a_model())),
)


def picture_states(host: SlicerHost, look: Look, phantom: Phantom, out: Path, wanted: str | None = None) -> list[str]:
    """Write the pictures of one look; returns the texts that do not fit.

    Args:
        wanted: the only state whose picture is kept; None keeps all.
    """
    cut_off = []
    host.fresh_scene()
    with tempfile.TemporaryDirectory() as folder, host.installed(), wear(look):
        stage = open_stage(host, phantom, Path(folder))
        try:
            for state in STATES:
                state.reach(stage)
                stage.tabs.setCurrentIndex(state.page)
                widget = stage.raw_tabs
                folder_of_picture = out if wanted in (None, state.name) else Path(folder)
                save_picture(widget, folder_of_picture / f"{state.name}-{look.name}.png", look.width_px, HEIGHT_PX)
                cut_off += [f"{state.name}-{look.name}: {text}" for text in texts_cut_off(widget)]
        finally:
            stage.close()
    return cut_off


def picture_slices(host: SlicerHost, phantom: Phantom, out: Path) -> None:
    """Write one picture of the three slice views with the outlines of all organs."""
    from PIL import Image

    host.fresh_scene()
    with tempfile.TemporaryDirectory() as folder, host.installed():
        stage = open_stage(host, phantom, Path(folder))
        try:
            stage.choose_ct()
            stage.show_result()
            stage.show_soft_tissue()
            sheet = Image.new("RGB", (sum(size[0] for _, size, _ in SLICE_VIEWS), SLICE_VIEWS[0][1][1]))
            left = 0
            for name, size, height_mm in SLICE_VIEWS:
                view = host.open_slice_view(name, size, stage.ct)
                view.logic.GetSliceNode().SetFieldOfView(height_mm * size[0] / size[1], height_mm, 1.0)
                stage.jump_to_organ("spinal_canal" if name == "Red" else "kidney_left")
                save_slice_view(view, Path(folder) / "view.png")
                with Image.open(Path(folder) / "view.png") as picture:
                    sheet.paste(picture, (left, 0))
                left += size[0]
            sheet.quantize(256).save(out / "slices.png", optimize=True)
        finally:
            stage.close()


def main(arguments: list[str]) -> int:
    """Write all pictures into the folder named; without one those that are kept."""
    if arguments and arguments[0].startswith("-"):
        print(__doc__)
        return 0
    out = Path(arguments[0]) if arguments else REPOSITORY / "Resources" / "Screenshots"
    out.mkdir(parents=True, exist_ok=True)
    phantom = make_phantom(PhantomSpec(spacing_mm=SPACING_MM, tumour_ml=60.0))
    host = the_host()
    picture_slices(host, phantom, out)
    cut_off = []
    for look in LOOKS:
        wanted = None if arguments or look is LOOKS[0] else KEPT_IN_EVERY_LOOK
        cut_off += picture_states(host, look, phantom, out, wanted)
    print("\n".join(cut_off) or f"{len(list(out.glob('*.png')))} pictures in {out}, every text fits")
    return 1 if cut_off else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
