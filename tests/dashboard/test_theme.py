from __future__ import annotations

import re
from pathlib import Path

import lrwatch_dashboard
import pytest
from lrwatch_dashboard.theme import DARK, LIGHT, MARKS, VERDICTS, Palette, look, palette

from lrwatch.verdicts import CLASSES, SEVERITY

STYLE = (Path(lrwatch_dashboard.__file__).parent / "assets" / "lrwatch.css").read_text("utf-8")


def _variables(theme: str) -> dict[str, str]:
    block = re.search(rf'data-theme="{theme}"\] {{(.*?)}}', STYLE, re.DOTALL)
    assert block
    return dict(re.findall(r"--(\w+): (#\w+);", block.group(1)))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(a: str, b: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_the_style_sheet_has_the_colours_of_the_charts(theme: str, colours: Palette) -> None:
    styled = _variables(theme)
    for name in ("ground", "ink", "muted", "line"):
        assert styled[name] == getattr(colours, name)
    assert {mark: styled[mark] for mark in MARKS} == dict(colours.marks)
    assert tuple(styled[f"hue{i}"] for i in range(len(colours.hues))) == colours.hues


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_texts_and_marks_are_readable_on_their_ground(colours: Palette) -> None:
    for text in (colours.ink, colours.muted, *colours.marks.values()):
        assert _contrast(text, colours.ground) >= 4.5
    for line in colours.hues:
        assert _contrast(line, colours.ground) >= 3.0


def test_every_verdict_of_lrwatch_has_a_look_in_its_order() -> None:
    assert list(VERDICTS) == list(SEVERITY)
    assert [verdict for verdict in VERDICTS if verdict in CLASSES] == list(CLASSES)


def test_marks_go_with_what_a_verdict_says_of_the_learning_rate() -> None:
    marks = {"too_high": {"cross", "up"}, "too_low": {"down"}, "ok": {"disc"}, "unknown": {"ring"}}
    for verdict, learning_rate in CLASSES.items():
        assert look(verdict).mark in marks[learning_rate]


def test_anything_but_dark_is_light() -> None:
    assert palette("dark") is DARK
    assert palette(None) is palette("light") is LIGHT
