"""What a model bundle says about itself: in a line, in a few lines beside the chooser, and as a whole card."""

from __future__ import annotations

from html import escape

from slicer.i18n import tr as _

from ..engine.models.manifest import BundleManifest
from ..engine.models.store import Bundle, ListedBundle
from ..engine.organs import organ_by_key
from .wording import status_text

# Background and text of a status badge; both are set, so that it reads on dark and light palettes alike.
BADGE_COLOURS = {
    "demonstration": ("#b54708", "#ffffff"),
    "research": ("#175cd3", "#ffffff"),
    "clinical": ("#067647", "#ffffff"),
}


def model_line(manifest: BundleManifest) -> str:
    """The title without the status, which stands beside it as a badge or in a column, so that it fits."""
    return title_without_status(manifest.title, manifest.status)


def title_without_status(title: str, status: str) -> str:
    """A bundle's title where its status stands beside it."""
    return title.removesuffix(f"({status_text(status)})").strip()


def age_range_text(age_range_years: tuple[float, float]) -> str:
    """For example "0 to 18 years"."""
    low, high = age_range_years
    return _("{low} to {high} years").format(low=f"{low:g}", high=f"{high:g}")


def badge_html(status: str) -> str:
    """The status on a coloured ground."""
    background, text = BADGE_COLOURS.get(status, BADGE_COLOURS["research"])
    return f'<span style="background-color:{background};color:{text}">&nbsp;{escape(status_text(status))}&nbsp;</span>'


def short_card_html(manifest: BundleManifest) -> str:
    """Badge, target, modality and ages: what has to be seen before a model is used."""
    facts = (
        manifest.target,
        manifest.modality,
        age_range_text(manifest.age_range_years),
    )
    return f"{badge_html(manifest.status)} {' · '.join(escape(fact) for fact in facts)}"


def card_html(listed: ListedBundle) -> str:
    """Everything the manifest says; for a bundle that cannot be read, why."""
    if listed.bundle is None:
        error = listed.error
        return f"<h3>{escape(listed.name)}</h3><p>{escape(error.message)}</p><p>{escape(error.hint)}</p>"
    return _full_card(listed.bundle)


def _full_card(bundle: Bundle) -> str:
    manifest = bundle.manifest
    organs = ", ".join(organ_by_key(key).display_name for key in manifest.organs.values())
    rows = (
        (_("Finds"), organs),
        (_("Modality"), manifest.modality),
        (_("Contrast"), manifest.contrast),
        (_("Ages"), age_range_text(manifest.age_range_years)),
        (_("Intended use"), manifest.intended_use),
        (_("Training data"), manifest.training_data),
        (_("Licence"), manifest.licence),
        (_("Citation"), manifest.citation),
        (_("Version"), manifest.version),
        (_("Identity (SHA-256)"), bundle.sha256),
        (_("Folder"), str(bundle.folder)),
    )
    body = "".join(f"<p><b>{escape(name)}</b><br>{escape(value)}</p>" for name, value in rows if value)
    return (
        f"<h3>{escape(model_line(manifest))}</h3><p>{badge_html(manifest.status)} {escape(manifest.target)}</p>{body}"
    )
