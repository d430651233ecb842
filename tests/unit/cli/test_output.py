"""What is printed is whole, strict, and no trouble for who reads it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from lrwatch.cli.output import emit, strict_json
from lrwatch.verdicts import Evidence


def test_a_text_ends_in_one_line_break(capsys: pytest.CaptureFixture[str]) -> None:
    emit("one")
    emit("two\n")
    assert capsys.readouterr().out == "one\ntwo\n"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_know_become_null(number: float) -> None:
    assert json.loads(strict_json({"a": [number, (number, 1)]})) == {"a": [None, [None, 1]]}


def test_dataclasses_become_objects() -> None:
    written = json.loads(strict_json([Evidence("spike", math.inf, 1.0, interval=(0, 9))]))
    assert (written[0]["name"], written[0]["value"], written[0]["interval"]) == (
        "spike",
        None,
        [0, 9],
    )


def test_json_is_ascii_whatever_the_terminal_knows(tmp_path: Path) -> None:
    assert strict_json("größe – ✗").isascii()
