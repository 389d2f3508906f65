"""ROI names of clinics are matched to the organ table, and what is not certain is left to a person."""

from __future__ import annotations

import pytest

from PediatricAbdomenSegLib.engine.cases.roi_names import match_roi, match_roi_name, organ_of_code, organ_of_roi_name
from PediatricAbdomenSegLib.engine.organs import ALL_STRUCTURES, organ_by_key

CERTAIN = {
    "spleen": "Spleen|SPLEEN| spleen |Milz|Rate|milza|OAR Spleen|Spleen_2|Spleen (2)",
    "lung_left": "Lung_L|L Lung|LungL|Lunge links|left lung|LUNG_LT|Poumon G|Lung, Left|lung-left|LLung|polmone sx",
    "lung_right": "Lung_R|RLung|Rt Lung|Lunge re|Lungenflügel rechts|RIGHT LUNG|poumon droit",
    "kidney_left": "Kidney_L|L Kidney|Lt kidney|kidney left|Niere li|Niere links|linke Niere|LKIDNEY|kidneyleft|"
    "KidneyLt|Rein gauche|Rein G|rene sinistro|riñón izquierdo|Kidney (L)|Kidney_L_2|kidneyL|ren sin",
    "kidney_right": "Kidney_R|Right Kidney|Rt. Kidney|Niere re|NIERE RECHTS|KIDNEYR|Rein droit|riñon der",
    "liver": "Liver|LIVER|Leber|Foie|Fegato|Hígado|Hepar|liver_2|the liver",
    "heart": "Heart|Herz|Cœur|Coeur|cuore|Cor",
    "pancreas": "Pancreas|Pankreas|Páncreas|Bauchspeicheldrüse|BAUCHSPEICHELDRUESE",
    "stomach_bowel": "StomachBowel|Stomach and bowel|stomach_bowel|Magen-Darm|GI tract",
    "vertebrae": "VBs|Vertebrae|Wirbelsäule|vertebral column",
    "spinal_canal": "SpinalCanal|Spinal Canal|SPINAL_CANAL|Spinalkanal|Wirbelkanal",
    "abdominal_aorta": "A_Aorta_Abd|AortaAbd|Abdominal aorta|aorta_abdominalis|Bauchaorta",
    "inferior_vena_cava": "V_Venacava_I|IVC|VCI|Inferior vena cava|vena cava inf.|inferior_vena_cava",
    "autochthonous_muscle_left": "Musc_Autochth_L|autochthon_left|Left autochthonous muscle|Autochthon_L",
    "autochthonous_muscle_right": "Musc_Autochth_R|autochthon_right|autochthone Muskulatur rechts",
    "iliopsoas_left": "Musc_Iliopsoas_L|iliopsoas_left|Left iliopsoas|M. iliopsoas li",
    "iliopsoas_right": "Iliopsoas_R|iliopsoas muscle right|RILIOPSOAS",
    "adrenal_gland_left": "Glnd_Adrenal_L|Adrenal_L|adrenal_gland_left|Nebenniere li|L adrenal|LtAdrenal|surrénale G|"
    "adrenal glandleft",
    "adrenal_gland_right": "Glnd_Adrenal_R|Right adrenal gland|Nebenniere rechts|suprarenal R",
    "hepatoblastoma": "GTV_Hepatobl|Hepatoblastoma|Hepatoblastom",
}

UNCERTAIN = {
    "Kidneys": ("kidney_left", "kidney_right"),
    "Kidney": ("kidney_left", "kidney_right"),
    "Both Kidneys": ("kidney_left", "kidney_right"),
    "Left-right lung": ("lung_left", "lung_right"),
    "Nieren bds": ("kidney_left", "kidney_right"),
    "Kidney_L_PRV05": ("kidney_left",),
    "Lung_R-PTV": ("lung_right",),
    "Liver-GTV": ("liver", "hepatoblastoma"),
    "opt Liver": ("liver",),
    "zLiver": ("liver",),
    "Liver 4": ("liver",),
    "Liver_L": ("liver",),
    "Spleen1": ("spleen",),
    "Aorta": ("abdominal_aorta",),
    "Bowel": ("stomach_bowel",),
    "SpinalCord": ("spinal_canal",),
    "Spine": ("vertebrae", "spinal_canal"),
    "Psoas_L": ("iliopsoas_left",),
    "GTV": ("hepatoblastoma",),
    "BODY": (),
    "PTV 54": (),
    "L": (),
    "": (),
    "___": (),
    "肝臓": (),
}


@pytest.mark.parametrize(("name", "key"), [(name, key) for key, names in CERTAIN.items() for name in names.split("|")])
def test_a_clear_name_is_the_organ(name, key):
    organ = organ_of_roi_name(name)
    assert organ is not None
    assert organ.key == key


@pytest.mark.parametrize(("name", "keys"), UNCERTAIN.items())
def test_an_unclear_name_is_no_organ_but_offers_some(name, keys):
    match = match_roi_name(name)
    assert match.organ is None
    assert tuple(organ.key for organ in match.candidates) == keys


@pytest.mark.parametrize("organ", ALL_STRUCTURES, ids=lambda organ: organ.key)
def test_every_name_and_key_of_the_table_is_its_own_organ(organ):
    for name in (organ.key, organ.display_name, organ.tg263_name, organ.short_name):
        assert organ_of_roi_name(name) is organ
        assert organ_of_roi_name(f"{name}_2") is organ


@pytest.mark.parametrize("organ", ALL_STRUCTURES, ids=lambda organ: organ.key)
def test_the_codes_we_write_are_read(organ):
    modifier = organ.laterality.value if organ.laterality else ""
    assert organ_of_code(organ.snomed.scheme, organ.snomed.value, modifier) is organ


def test_fma_numbers_are_known_with_and_without_prefix():
    assert organ_of_code("FMA", "7205").key == "kidney_left"
    assert organ_of_code("FMA", "FMA:7204").key == "kidney_right"
    assert organ_of_code("FMA", "1") is None
    assert organ_of_code("99LOCAL", "7205") is None


def test_a_code_names_an_roi_whose_name_says_nothing_or_less():
    liver, left = ("SCT", "10200004", ""), ("SCT", "64033007", "7771000")
    assert match_roi("ROI-7", [liver]).organ is organ_by_key("liver")
    assert match_roi("Kidney", [left]).organ is organ_by_key("kidney_left")
    assert match_roi("Kidney_2", [left]).organ is organ_by_key("kidney_left")


def test_a_code_that_contradicts_the_name_leaves_both_to_a_person():
    match = match_roi("Spleen", [("SCT", "10200004", "")])
    assert match.organ is None
    assert [organ.key for organ in match.candidates] == ["spleen", "liver"]


def test_a_derived_structure_is_not_the_organ_whose_code_it_carries():
    match = match_roi("Liver_PRV", [("SCT", "10200004", "")])
    assert match.organ is None
