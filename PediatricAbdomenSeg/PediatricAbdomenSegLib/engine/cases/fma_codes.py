"""Foundational Model of Anatomy: the codes by which TG-263 (FMAID) and planning systems know structures."""

from __future__ import annotations

from ..organs import CodedConcept

# By key of the organ table. Side and structure are one concept. Structures that are missing here are none of it (a
# tumour), or several (vertebrae, back muscles).
FMA_CODES = {
    key: CodedConcept(value, "FMA", meaning)
    for key, value, meaning in (
        ("spleen", "7196", "Spleen"),
        ("lung_left", "7310", "Left lung"),
        ("lung_right", "7309", "Right lung"),
        ("kidney_left", "7205", "Left kidney"),
        ("kidney_right", "7204", "Right kidney"),
        ("liver", "7197", "Liver"),
        ("heart", "7088", "Heart"),
        ("pancreas", "7198", "Pancreas"),
        ("stomach_bowel", "71132", "Gastrointestinal tract"),
        ("abdominal_aorta", "3789", "Abdominal aorta"),
        ("inferior_vena_cava", "10951", "Inferior vena cava"),
        ("adrenal_gland_left", "15630", "Left adrenal gland"),
        ("adrenal_gland_right", "15629", "Right adrenal gland"),
    )
}
