"""The command line and the environment with which ``lrwatch run`` becomes Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lrwatch.autowatch.launch import prepare
from lrwatch.autowatch.optimizers import run_name
from lrwatch.autowatch.settings import VARIABLE, Settings
from lrwatch.errors import InvalidArgument
from lrwatch.store.run_names import check_run_name


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").touch()
    Path("package/deep").mkdir(parents=True)
    Path("package/deep/train.py").touch()


def settings(*arguments: str, **options: object) -> Settings:
    launch = prepare(arguments[0], arguments[1:], **options)  # type: ignore[arg-type]
    return Settings.from_text(launch.environment[VARIABLE])


def test_a_script_and_its_arguments_are_given_on_as_they_are() -> None:
    launch = prepare("train.py", ["--dir", "x", "", "-m"])
    assert launch.arguments[0] == sys.executable
    assert launch.arguments[-5:] == ("train.py", "--dir", "x", "", "-m")


def test_a_module_is_run_as_one() -> None:
    launch = prepare("package.deep.train", ["x"], is_module=True)
    assert launch.arguments[-3:] == ("-m", "package.deep.train", "x")


@pytest.mark.parametrize("path", [None, "", "/a", f"/a{os.pathsep}/b"])
def test_the_path_of_the_environment_is_kept_and_found_again(
    monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", path)
    first, *rest = prepare("train.py", []).environment["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "sitecustomize.py").is_file()
    assert rest == (path.split(os.pathsep) if path else [])
    assert settings("train.py").python_path == path


def test_the_folder_stays_where_it_is_when_the_script_moves(tmp_path: Path) -> None:
    kept = settings("train.py", folder=Path("kept"))
    assert (kept.folder, kept.shown_folder) == (str(tmp_path / "kept"), "kept")


@pytest.mark.parametrize(
    ("program", "is_module", "stem"),
    [
        ("train.py", False, "train"),
        ("./package/deep/train.py", False, "train"),
        ("-", False, "stdin"),
        ("package.deep.train", True, "train"),
        ("json.tool", True, "tool"),
        ("unittest.__main__", True, "unittest"),
        ("sys", True, "sys"),
    ],
)
def test_runs_are_named_after_the_program(program: str, is_module: bool, stem: str) -> None:
    assert settings(program, is_module=is_module).program == stem


@pytest.mark.parametrize("name", ["absent", "package.absent", "train.absent", "", ".", "package."])
def test_a_module_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(InvalidArgument, match=f"there is no module {name}"):
        prepare(name, [], is_module=True)


def test_looking_for_a_module_imports_nothing() -> None:
    Path("package/__init__.py").write_text("raise AssertionError")
    launch = prepare("package.deep.train", [], is_module=True)
    assert launch.arguments[-1] == "package.deep.train"
    assert "package" not in sys.modules


def test_the_command_can_be_pasted_into_a_shell() -> None:
    assert settings("train.py", "a b", "$x").command == "train.py 'a b' '$x'"
    assert settings("json.tool", "-h", is_module=True).command == "-m json.tool -h"


@pytest.mark.parametrize("program", ["..", "../..", "-x-", "a\tb:c", "é" * 300, ""])
def test_any_script_gives_a_name_that_a_folder_can_have(program: str) -> None:
    name = run_name(program, "sgd-0.1")
    Path(name).mkdir()
    assert Path(name).parent == Path()
    check_run_name(name)
