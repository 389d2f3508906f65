"""The report a user copies into a forum: nothing about a patient, enough to help."""

from __future__ import annotations


def test_the_report_holds_versions_and_what_the_worker_said_but_no_path_a_library_named(a_panel):
    from PediatricAbdomenSegLib.panel.report import report_text

    kept = (
        "240101-120000-ab12: queued",
        "worker: UserWarning (/venv/lib/pydicom/charset.py:738)",
        "  read_series (C:\\Slicer\\engine\\cases\\dicom_series.py:80)",
        "terminate called after throwing an instance of 'std::bad_alloc'",
    )
    left_out = ("** failed to open '/data/ZZPATIENT^Anna/ct.nii'", "cannot read D:\\ZZPATIENT\\ct.nrrd")
    a_panel.session.runner.log.extend([*kept, *left_out])
    text = report_text(a_panel.session)
    assert all(line in text for line in ("PediatricAbdomenSeg ", "Python ", *kept))
    assert "ZZPATIENT" not in text and text.count("left out") == len(left_out)
