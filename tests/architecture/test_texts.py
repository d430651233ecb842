"""The texts about the project speak of files that are there."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
from sources import ROOT, SOURCE_ROOTS

TEXTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("sample_runs/*.md")})
FOLDERS = ("lrwatch", "dashboard", "tests", "docs", "sample_runs", "benchmarks", ".ci")

# A column of a run, which only looks like a path.
COLUMNS = {"lrwatch/lr_cut"}

# `lrwatch/store/`, `tests/unit/cli/test_ls.py`: what stands in backticks or code blocks.
_PATH = re.compile(rf"(?<![\w./*-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*[\w/]")
_VARIABLE = re.compile(r"\bLRWATCH_[A-Z_]+\b")
_SET = re.compile(r'"LRWATCH_[A-Z_]+"[,:] *f?"')
_TEXTUAL = (".py", ".yaml", ".yml", ".env")
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_texts() -> None:
    assert ROOT / "CONTRIBUTING.md" in TEXTS


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_every_path_that_is_named_exists(text: Path) -> None:
    named = set(_PATH.findall(text.read_text(encoding="utf-8")))
    missing = {path for path in named - COLUMNS if not (ROOT / path).exists()}
    assert not missing


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_every_link_to_a_file_leads_somewhere(text: Path) -> None:
    links = set(_LINK.findall(text.read_text(encoding="utf-8")))
    missing = {link for link in links if not (text.parent / link).exists()}
    assert not missing


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_every_variable_that_is_named_is_read_somewhere(text: Path) -> None:
    named = set(_VARIABLE.findall(text.read_text(encoding="utf-8")))
    assert not named - _variables_read()


@functools.cache
def _variables_read() -> set[str]:
    folders = [*SOURCE_ROOTS, ROOT / "tests", ROOT / "deploy"]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in _TEXTUAL]
    # What a test only sets is not read by it.
    texts = [
        _SET.sub("", path.read_text(encoding="utf-8")) for path in [*files, ROOT / "Dockerfile"]
    ]
    return {name for each in texts for name in _VARIABLE.findall(each)}
