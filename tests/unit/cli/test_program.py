"""The program: help, errors in one line, commands of other packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from lrwatch.cli import main, program
from lrwatch.errors import LrwatchError

Plug = Callable[[str, object], None]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Register a command as another package would."""

    def register(name: str, loaded: object) -> None:
        def load() -> object:
            if isinstance(loaded, Exception):
                raise loaded
            return loaded

        entry = SimpleNamespace(name=name, value=f"other:{name}", load=load)

        class Entries(list[SimpleNamespace]):
            names = frozenset({name})

        def entry_points(*, group: str, name: str | None = None) -> Entries:
            assert group == "lrwatch.commands"
            return Entries([entry] if name in (None, entry.name) else [])

        monkeypatch.setattr(program, "entry_points", entry_points)

    return register


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage: lrwatch" in capsys.readouterr().out


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("lrwatch 0.")


@pytest.mark.parametrize(
    ("arguments", "given", "hint"),
    [
        (["frobnicate"], "frobnicate", "see lrwatch --help"),
        (["ls", "--frob"], "--frob", "see lrwatch ls --help"),
        (["check"], "PATH", "see lrwatch check --help"),
        (["ls", "one", "two"], "two", "see lrwatch ls --help"),
    ],
)
def test_a_wrong_use_is_answered_in_one_line(
    arguments: list[str], given: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("lrwatch: ")
    assert given in err
    assert err.endswith(f"; {hint}\n")


def test_an_error_with_line_breaks_and_control_signs_stays_on_one_line(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def fails() -> None:
        raise LrwatchError("two\nlines and \x1b[31mred")

    plug("fails", fails)
    assert main(["fails"]) == 2
    assert capsys.readouterr().err == "lrwatch: two lines and \\x1b[31mred\n"


def test_an_error_of_the_system_names_the_file(
    plug: Plug, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    @click.command()
    def fails() -> None:
        (tmp_path / "gone").read_text()

    plug("fails", fails)
    assert main(["fails"]) == 2
    expected = f"lrwatch: {tmp_path / 'gone'}: No such file or directory\n"
    assert capsys.readouterr().err == expected


def test_an_unexpected_error_keeps_its_traceback(plug: Plug) -> None:
    @click.command()
    def fails() -> None:
        raise RuntimeError("a mistake of ours")

    plug("fails", fails)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        main(["fails"])


def test_ctrl_c_ends_quietly(plug: Plug, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def waits() -> None:
        raise KeyboardInterrupt

    plug("waits", waits)
    assert main(["waits"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_a_command_of_another_package_is_listed_and_runs(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command(short_help="Says hello.")
    def hello() -> None:
        click.echo("hello")

    plug("hello", hello)
    assert main(["--help"]) == 0
    assert "Says hello." in capsys.readouterr().out
    assert main(["hello"]) == 0
    assert capsys.readouterr().out == "hello\n"


def test_a_command_of_another_package_never_replaces_one_of_ours(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    plug("ls", click.Command("ls", callback=lambda: click.echo("not ours")))
    assert main(["ls", "--help"]) == 0
    assert "List the runs" in capsys.readouterr().out


def test_a_command_that_cannot_be_loaded_spoils_neither_help_nor_the_others(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    plug("broken", ModuleNotFoundError("No module named 'other'", name="other"))
    assert main(["--help"]) == 0
    assert "ls " in capsys.readouterr().out
    assert main(["broken", "runs", "--port", "1"]) == 2
    assert "lrwatch broken needs other, which is not installed" in capsys.readouterr().err


def test_without_its_extra_the_dashboard_says_how_to_install_it(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def dashboard() -> None:
        raise ModuleNotFoundError("No module named 'dash'", name="dash")

    plug("dashboard", dashboard)
    assert main(["dashboard"]) == 2
    assert capsys.readouterr().err == (
        "lrwatch: lrwatch dashboard needs dash, which is not installed; "
        "run pip install 'lrwatch[dashboard]'\n"
    )


def test_a_registered_object_that_is_no_command_is_named(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    plug("odd", object())
    assert main(["odd"]) == 2
    assert "other:odd is not a click command" in capsys.readouterr().err


@pytest.mark.slow
def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from lrwatch.cli import main; main(['--help']);"
        "heavy = {'torch', 'pandas', 'pyarrow', 'numpy', 'rich', 'dash'} & set(sys.modules);"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
