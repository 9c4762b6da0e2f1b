"""Foreign text is shown, and steers nothing."""

from __future__ import annotations

import pytest

from harness.plain import ERRORS, in_ascii, plain
from harness.terminal import say


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[31mb", "a [31mb"),
        ("a\nb\tc\rd", "a b c d"),
        ("a\x9b31m", "a 31m"),
        ("\u202eabc\u2066", " abc "),
        ("a\udcffb", "a b"),
        ("± ≤ – 测试", "± ≤ – 测试"),
    ],
)
def test_what_steers_a_terminal_becomes_a_space(text: str, expected: str) -> None:
    assert expected == plain(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("±5 %", "+-5 %"),
        ("3.1–4.2", "3.1-4.2"),
        ("≤ 2 …", "<= 2 ..."),
        ("Größe", "Gro?e"),
        ("10 µs", "10 us"),
        ("测", "?"),
    ],
)
def test_what_an_encoding_lacks_is_spelt_in_ascii(text: str, expected: str) -> None:
    assert expected == in_ascii(text) == text.encode("ascii", errors=ERRORS).decode()


def test_only_what_the_encoding_lacks_is_spelt() -> None:
    assert "Größe ± -".encode("iso-8859-1") == "Größe ± –".encode("iso-8859-1", errors=ERRORS)


def test_each_line_to_the_person_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    say("written: a\nwritten: b\x1b[2J", "c")

    assert ["written: a written: b [2J", "c"] == capsys.readouterr().out.splitlines()
