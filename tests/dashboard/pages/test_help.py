from __future__ import annotations

from dashboard_views import text_of
from lrwatch_dashboard.components.key_list import KEYS
from lrwatch_dashboard.pages import help as help_page
from lrwatch_dashboard.theme import MARK_LABELS, VERDICTS


def test_every_verdict_is_explained_in_two_sentences() -> None:
    said = text_of(help_page.layout())
    for shown in VERDICTS.values():
        assert f"{shown.word} {shown.meaning}. {shown.sign}." in said
        assert shown.sign
        assert not (shown.meaning + shown.sign).endswith(".")


def test_every_mark_is_named_and_every_key_listed() -> None:
    said = text_of(help_page.layout())
    assert all(label.capitalize() in said for label in MARK_LABELS.values())
    assert all(meaning in said for _, meaning in KEYS)
