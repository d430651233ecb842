"""Every snippet of the pages is run, or says in the page's source why it is not."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from snippets import CODE, evaluated, fences, pages, workplace
from sources import ROOT

from lrwatch.cli.program import program

PAGES = pages()
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]
PLAIN = ("text",)  # what a program prints, a picture in characters
_COMMAND = re.compile(r"^ *(?:lrwatch|make|pip|python|gunicorn) ", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", [p for p in PAGES if set(fences(p)) & set(CODE)], ids=str)
def test_each_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workplace(tmp_path)
    monkeypatch.chdir(tmp_path)
    for example, why in evaluated(page):
        if why is None:
            continue
        elsewhere = re.search(r"tests/\S+\.py", why)
        if elsewhere is not None:
            name = page.relative_to(ROOT).as_posix()
            assert name in (ROOT / elsewhere[0]).read_text(encoding="utf-8"), (why, example.line)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_each_fence_says_what_it_holds(page: Path) -> None:
    assert not set(fences(page)) - {*CODE, *PLAIN}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_no_command_hides_in_an_indented_block(page: Path) -> None:
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    assert not [block for block in _INDENTED.findall(text) if _COMMAND.search(block)]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_each_command_is_there_with_its_options(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of blocks that are not run as well; addresses in them are not looked at."""
    monkeypatch.setattr("lrwatch.store.mirroring.places.local_folder", Path)
    for line in commands(page.read_text(encoding="utf-8")):
        understood(line)


def commands(text: str) -> Iterator[str]:
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from (line for line in block.replace("\\\n", "").splitlines() if "lrwatch " in line)


def understood(line: str) -> None:
    """Have click take a command line apart; raise what it finds wrong with it."""
    words = shlex.split(line, comments=True)
    if "lrwatch" not in words:
        return
    words = words[words.index("lrwatch") + 1 :]
    ends = [at for at, word in enumerate(words) if word in ("|", "&", ">", "&&", ";")]
    words = words[: min(ends, default=len(words))]
    with contextlib.suppress(click.BadParameter):  # a folder that is not there
        context = program.make_context("lrwatch", words)
        while isinstance(context.command, click.Group):
            left = [*context._protected_args, *context.args]
            name, command, words = context.command.resolve_command(context, left)
            assert command is not None
            context = command.make_context(name, words, parent=context)


@pytest.mark.parametrize("line", ["lrwatch lst runs", "lrwatch check runs --fail runs x --jsn"])
def test_a_command_that_is_not_there_is_noticed(line: str) -> None:
    with pytest.raises(click.ClickException):
        understood(line)
