"""What the Overview may ask to be done to runs; nothing that is posted is taken on trust."""

from __future__ import annotations

from typing import Any

import pytest
from dashboard_views import FakeLabels
from lrwatch_dashboard.pages.run_requests import answered
from lrwatch_dashboard.views import LabelChange


def test_a_pin_can_be_undone() -> None:
    labels = FakeLabels()
    said, undo = answered(labels, {"do": "pin", "runs": ["a", "b"]})
    assert (said, undo) == ("Pinned 2 runs", {"do": "unpin", "runs": ["a", "b"]})
    answered(labels, undo or {})
    assert labels.said[1] == (["a", "b"], LabelChange(pinned=False))


def test_what_was_deleted_comes_back_by_its_receipt() -> None:
    labels = FakeLabels()
    said, undo = answered(labels, {"do": "delete", "runs": ["a"]})
    assert (said, undo) == ("Deleted 1 run", {"do": "restore", "receipt": "receipt"})
    assert answered(labels, undo or {}) == ("Taken back", None)
    assert labels.said == [["a"], "receipt"]


def test_names_tags_and_notes_are_given_as_texts() -> None:
    labels = FakeLabels()
    asked = {
        "do": "label",
        "runs": ["a"],
        "add": "keep, best",
        "drop": "old",
        "note": " n ",
        "name": 3,
    }
    assert answered(labels, asked) == ("Saved 1 run", None)
    change = LabelChange(add_tags=("keep", "best"), drop_tags=("old",), note="n")
    assert labels.said == [(["a"], change)]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"do": "delete"},
        {"do": "delete", "runs": "a"},
        {"do": "delete", "runs": []},
        {"do": "nothing", "runs": ["a"]},
        {"do": ["pin"], "runs": ["a"]},
        {"do": "pin", "runs": ["a"] * 6000},
    ],
)
def test_anything_else_does_nothing(asked: dict[str, Any]) -> None:
    labels = FakeLabels()
    assert answered(labels, asked)[1] is None
    assert labels.said == []


def test_a_problem_is_said_and_offers_no_undo() -> None:
    assert answered(FakeLabels("No"), {"do": "archive", "runs": ["a"]}) == ("No", None)
