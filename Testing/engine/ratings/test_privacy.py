from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ct_series_builder import write_series
from PediatricAbdomenSegLib.engine.errors import InputError
from PediatricAbdomenSegLib.engine.ratings.case_files import image_reference
from PediatricAbdomenSegLib.engine.ratings.privacy import PatientStrings, check_records, patient_strings, texts_of
from PediatricAbdomenSegLib.engine.ratings.record import new_record


@pytest.fixture
def strings(tmp_path):
    """Of a child with a long and a short name, an umlaut, ids and a birth date."""

    def named(index, dataset):
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.PatientID = "Müller-Lüdenscheidt^Eva^Jo", "48151"
        dataset.PatientBirthDate, dataset.PatientSex = "20190307", "F"
        dataset.OtherPatientNames = ["Иванова^Ева", "Petrow^Boris"]
        dataset.TypeOfPatientID = "TEXT"
        dataset.PatientAddress = "Upper Lane 7^^Neustadt^^69120^DE"
        dataset.AdditionalPatientHistory, dataset.Allergies = "twin of a donor", "contrast"
        dataset.MedicalAlerts, dataset.EthnicGroup = "tumour", "Sorbian"
        dataset.PatientMotherBirthName = ""
        other = Dataset()
        other.PatientID, other.IssuerOfPatientID = "Z-99/7", "St. Elsewhere"
        dataset.OtherPatientIDsSequence = Sequence([other])

    folder = write_series(tmp_path / "ct", (2, 4, 4), change=named)
    return patient_strings(folder, image_reference(folder, tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "MÜLLER",
        "too much, tell Mueller",
        "muller's liver",
        "C:/data/lüdenscheidt_01/ct",
        "Eva's kidney",
        "this is EVA.",
        "иванова",
        "id 48151",
        "eva01",
        "the Müllers",
        "of boriss",
        "the girl from Neustadt",
        "D-69120",
        "upper lane 7",
        "z-99/7",
        "st. elsewhere",
        "she is the twin of a donor",
        "a sorbian child",
        "born 2019-03-07",
        "07.03.2019",
        "7.3.2019",
        "7.3.19",
        "03/07/2019",
        "20190307",
    ],
)
def test_names_ids_and_birth_dates_are_found_in_every_spelling(strings, text):
    assert strings.appear_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evaluation of the medieval vessel",
        "jo",  # two letters
        "148151 voxels",
        "text",
        "F",
        "cut 3 slices too low, 2019",
        "look elsewhere",
        "upper pole, 7 slices",
        "tumour not included, contrast good",
        "twin peaks of the donor",
        "C01",
    ],
)
def test_ordinary_words_pass(strings, text):
    assert not strings.appear_in(text)


def test_the_strings_do_not_show_in_what_is_printed(strings):
    assert "ller" not in repr(strings) and "48151" not in f"{strings}"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"comment": "ask Eva"}, "comment"),
        ({"score": None, "not_assessable": "Eva moved"}, "not_assessable"),
        ({"case": "eva"}, "case"),
        ({"rater": "Dr. Müller"}, "rater"),
        ({"extra": {"note": ["x", {"y": "48151"}]}}, "note"),
    ],
)
def test_a_record_that_names_the_patient_is_refused_by_field_and_id_without_the_string(strings, values, field):
    given = {"study_id": "s", "case": "C01", "source_token": "t", "organ": "liver", "rater": "RO-1", "score": 3}
    good = new_record(**given)
    bad = new_record(**{**given, **values})
    check_records([good], strings)
    with pytest.raises(InputError) as caught:
        check_records([good, bad], strings)
    assert f"field {field} " in caught.value.message and bad.id in caught.value.message
    assert "eva" not in str(caught.value).lower() and "48151" not in str(caught.value)
    assert field in texts_of(bad)


def test_strings_of_several_cases_are_joined():
    both = PatientStrings(frozenset({"berg"})) | PatientStrings(frozenset({"stein"}))
    assert both.appear_in("Berg") and both.appear_in("Stein") and not both.appear_in("Tal")
    assert not PatientStrings().appear_in("anything")


def test_an_image_file_has_no_patient_module(tmp_path):
    (tmp_path / "ct.nii.gz").write_bytes(b"x")
    reference = image_reference(tmp_path / "ct.nii.gz", tmp_path)
    assert patient_strings(tmp_path / "ct.nii.gz", reference) == PatientStrings()


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
@pytest.mark.parametrize("day", ["", "00000000"])
def test_a_birth_date_that_was_taken_out_is_nothing_to_look_for(tmp_path, day):
    def without(index, dataset):
        dataset.PatientName = dataset.PatientID = ""
        dataset.PatientBirthDate = day

    folder = write_series(tmp_path / "ct", (2, 4, 4), change=without)
    assert patient_strings(folder, image_reference(folder, tmp_path)) == PatientStrings()
