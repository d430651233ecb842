"""Frames of lrwatch are left out of a traceback where an error only passed through them."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

import lrwatch
from lrwatch.autowatch.tracebacks import hide_own_frames, without_own_frames

OWN = str(Path(lrwatch.__file__).with_name("capture.py"))


def passing(inner: Any, file: str) -> Any:
    """Return a function that calls another one, and lies in some file."""
    names: dict[str, Any] = {"inner": inner}
    exec(compile("def call():\n    inner()\n", file, "exec"), names)
    return names["call"]


def files(entry: TracebackType | None) -> list[str]:
    return [frame.filename for frame in traceback.extract_tb(entry)]


def fail() -> None:
    raise ValueError


def caught(function: Any) -> TracebackType | None:
    with pytest.raises(Exception) as info:  # noqa: PT011  whatever it is
        function()
    return info.value.__traceback__


def test_frames_that_were_passed_through_are_left_out() -> None:
    call = passing(passing(passing(passing(fail, "torch.py"), OWN), OWN), "script.py")
    assert files(without_own_frames(caught(call)))[-3:] == ["script.py", "torch.py", __file__]


def test_an_error_of_lrwatch_keeps_its_frames() -> None:
    call = passing(passing(lambda: lrwatch.read("/nowhere"), OWN), "script.py")
    before = caught(call)
    assert files(without_own_frames(before)) == files(before)


def test_no_traceback_is_none() -> None:
    assert without_own_frames(None) is None


def test_causes_contexts_and_groups_are_cleaned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, tb: shown.append(error))
    hide_own_frames()

    def failing() -> None:
        try:
            passing(fail, OWN)()
        except ValueError as error:
            group = ExceptionGroup("several", [error])
            group.__cause__ = group.__context__ = error
            error.__context__ = group  # in a circle
            raise group from error

    with pytest.raises(ExceptionGroup) as info:
        failing()
    sys.excepthook(info.type, info.value, info.tb)
    assert shown == [info.value]
    assert OWN not in files(info.value.exceptions[0].__traceback__)
