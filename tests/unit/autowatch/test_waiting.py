"""Something happens once a module was imported, and the import is as it would be."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lrwatch.autowatch.waiting import when_imported

NAME = "a_module_to_wait_for"


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    yield tmp_path / f"{NAME}.py"
    sys.modules.pop(NAME, None)


def waiting() -> int:
    return sum(type(finder).__module__.startswith("lrwatch") for finder in sys.meta_path)


def load() -> Any:
    importlib.invalidate_caches()
    return importlib.import_module(NAME)


def test_it_happens_after_the_import_and_once(path: Path) -> None:
    path.write_text("x = 1")
    seen: list[int] = []
    when_imported(NAME, lambda: seen.append(sys.modules[NAME].x))
    assert not seen
    module = load()
    assert seen == [1]
    assert waiting() == 0
    assert "exec_module" not in vars(module.__loader__)
    assert module.__loader__.get_source(NAME) == "x = 1"
    importlib.reload(module)
    assert seen == [1]


def test_a_module_that_is_there_already_is_not_waited_for() -> None:
    seen: list[int] = []
    when_imported("sys", lambda: seen.append(1))
    assert seen == [1]
    assert waiting() == 0


def test_a_module_that_cannot_be_imported_yet_may_come_later(path: Path) -> None:
    seen: list[int] = []
    when_imported(NAME, lambda: seen.append(1))
    with pytest.raises(ModuleNotFoundError, match=NAME):
        load()
    path.write_text("raise ValueError('half installed')")
    with pytest.raises(ValueError, match="half installed"):
        load()
    assert not seen
    path.write_text("x = 1  # whole")
    load()
    assert seen == [1]


def test_an_error_of_ours_does_not_break_the_import(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("x = 1")
    when_imported(NAME, lambda: int("a"))  # type: ignore[arg-type]
    assert load().x == 1
    assert capsys.readouterr().err.startswith("lrwatch: nothing is recorded: invalid literal")
