"""Help and acknowledgement of the module, as Slicer shows them above the panel."""

from __future__ import annotations

from slicer.i18n import tr as _

PUBLICATIONS = (
    (
        "Ding M., Knoll M., Harrabi S. et al., Overcoming data scarcity through multi-center federated learning for "
        "organs-at-risk segmentation in pediatric upper abdominal radiotherapy, 2026",
        "https://arxiv.org/abs/2605.06820",
    ),
    (
        "Salimi Y., Shiri I., Mansouri Z., Zaidi H., Development and validation of fully automated robust deep "
        "learning models for multi-organ segmentation from whole-body CT images, Physica Medica, 2025",
        "https://doi.org/10.1016/j.ejmp.2025.104911",
    ),
    (
        "Modanwal G. et al., Pediatric Personalized Deep Learning Models for Segmentation of Hepatoblastoma at CT and "
        "MRI, Radiology: Imaging Cancer 2026;8(2):e250041",
        "https://doi.org/10.1148/rycan.250041",
    ),
    (
        "Isensee F. et al., nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation, "
        "Nature Methods 18, 203-211, 2021",
        "https://doi.org/10.1038/s41592-020-01008-z",
    ),
)


def help_html(version: str) -> str:
    """What the module does and how to begin."""
    intro = _(
        "Contours nineteen organs at risk and hepatoblastoma on a child's CT, for review, correction and RTSTRUCT."
    )
    steps = _(
        "Name a Python with PyTorch on the page Runtime once. Then: Segment a CT, look at every organ on the page "
        "Review, correct it, and write the files on the page Export."
    )
    status = _(
        "The models shipped with the extension are demonstrations, trained on synthetic phantoms: not for clinical "
        "use. Nothing leaves this computer."
    )
    return f"<p>{intro}</p><p>{steps}</p><p><b>{status}</b></p><p>{_('Version')} {version}</p>"


def acknowledgement_html() -> str:
    """The publications the module follows."""
    items = "".join(f'<li><a href="{link}">{title}</a></li>' for title, link in PUBLICATIONS)
    note = _("None of these groups' weights or data are included.")
    return f"<p>{_('Follows these publications:')}</p><ul>{items}</ul><p>{note}</p>"
