from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from lrwatch_dashboard.security.token import TokenError, read_token

GOOD = "a-token-of-some-length"


def _file(folder: Path, content: str = GOOD, mode: int = 0o600) -> str:
    path = folder / "token"
    path.write_text(content + "\n", encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    assert read_token({"LRWATCH_TOKEN": GOOD}) == GOOD
    assert read_token({"LRWATCH_TOKEN_FILE": _file(tmp_path)}) == GOOD
    assert read_token({"LRWATCH_TOKEN": "x" * 20}, _file(tmp_path)) == GOOD
    assert read_token({}) == ""


@pytest.mark.parametrize("weak", ["", "   ", "password", "x" * 15, " " * 20])
def test_a_token_that_keeps_nobody_out_is_refused_and_not_repeated(weak: str) -> None:
    with pytest.raises(TokenError, match="at least 16 characters long") as caught:
        read_token({"LRWATCH_TOKEN": weak})
    assert "secrets.token_urlsafe" in str(caught.value)
    assert not weak.strip() or weak not in str(caught.value)


@pytest.mark.parametrize("odd", ["two words and no more", "näher am Wasser gebaut", "x" * 2000])
def test_a_token_that_cannot_be_typed_is_refused(odd: str) -> None:
    with pytest.raises(TokenError, match="one line of at most"):
        read_token({"LRWATCH_TOKEN": odd})


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(TokenError, match="by others") as caught:
        read_token({}, _file(tmp_path, mode=mode))
    assert "chmod 600" in str(caught.value)
    assert GOOD not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
def test_a_link_is_as_open_as_the_file_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(_file(tmp_path, mode=0o644))
    with pytest.raises(TokenError, match="by others"):
        read_token({}, str(tmp_path / "link"))


def test_a_file_that_is_missing_is_said_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="cannot be read \\(No such file") as caught:
        read_token({}, str(tmp_path / "none"))
    assert "umask 077" in str(caught.value)


def test_the_advice_makes_a_token_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(TokenError) as caught:
        read_token({}, str(tmp_path / "token"))
    command = str(caught.value).split("make one with ")[1]
    python = f"{sys.executable} -c"
    assert os.system(command.replace("python -c", python)) == 0
    assert len(read_token({}, str(tmp_path / "token"))) > 40
