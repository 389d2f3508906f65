"""Paths that C libraries can open."""

from __future__ import annotations

import locale

from PediatricAbdomenSegLib.engine.runtime.path_encoding import use_utf8_paths


def test_on_windows_paths_are_utf_8_and_numbers_stay_as_they_are():
    calls = []
    use_utf8_paths("win32", lambda category, name: calls.append((category, name)))
    assert calls == [(locale.LC_CTYPE, ".UTF-8")]


def test_elsewhere_the_users_locale_stays():
    calls = []
    for platform in ("linux", "darwin"):
        use_utf8_paths(platform, lambda *call: calls.append(call))
    assert calls == []


def test_a_windows_without_a_utf_8_locale_works_as_before():
    def refuse(category, name):
        calls.append(name)
        raise locale.Error("unsupported locale setting")

    calls = []
    use_utf8_paths("win32", refuse)
    assert calls == [".UTF-8"]
