"""Where a run came from, as ``run.json`` has it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import lrwatch
from lrwatch.recording.provenance import code_version, masked
from lrwatch.store import read_run_info

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--token", SECRET],
        [f"--token={SECRET}"],
        ["--hf_token", SECRET],
        ["--apiKey", SECRET],
        ["--WANDB-API-KEY", SECRET],
        [f"wandb.password={SECRET}"],
        ["--db", f"postgres://me:{SECRET}@host/db"],
        [f"AWS_SECRET_ACCESS_KEY={SECRET}"],
        ["--password", f"-{SECRET}"],
    ],
    ids=" ".join,
)
def test_secrets_are_left_out(arguments: list[str]) -> None:
    said = masked(["python", "train.py", *arguments, "--lr", "0.1"])
    assert SECRET not in said
    assert said.startswith("python train.py ")
    assert said.endswith(" --lr 0.1")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tokenizer", "bert"],
        ["--max-tokens", "512"],
        ["--num-key-value-heads", "8"],
        ["--author", "me"],
        ["--token", "--lr"],
        ["two words", "a=b c"],
    ],
    ids=" ".join,
)
def test_everything_else_is_kept(arguments: list[str]) -> None:
    said = masked(arguments)
    assert all(argument in said for argument in arguments)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.delenv("LRWATCH_NO_GIT")
    folder = tmp_path / "code"
    folder.mkdir()
    git(folder, "init")
    return folder


def test_the_commit_is_known_and_whether_the_code_differs_from_it(repository: Path) -> None:
    assert code_version(repository) == {}  # nothing was committed
    (repository / "train.py").write_text("lr = 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "first")
    (repository / "runs").mkdir()
    (repository / "runs" / "result").write_text("not tracked")
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert code_version(repository) == {"git_commit": commit, "git_dirty": False}
    (repository / "train.py").write_text("lr = 2\n")
    assert code_version(repository / "runs") == {"git_commit": commit, "git_dirty": True}


def test_without_a_repository_or_git_nothing_is_known(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert code_version(tmp_path) == {}
    assert code_version(tmp_path / "gone") == {}
    git(repository, "commit", "--allow-empty", "-m", "first")
    assert code_version(repository)
    monkeypatch.setenv("PATH", "")
    assert code_version(repository) == {}


SCRIPT = """
import lrwatch
run = lrwatch.open_run(dir="runs", name="r")
run.record(loss=1.0)
raise ValueError("shapes (3,)\\nand (4,) differ")
"""


@pytest.mark.e2e
def test_a_run_knows_its_host_command_commit_and_error(repository: Path) -> None:
    (repository / "train.py").write_text(SCRIPT)
    git(repository, "add", ".")
    git(repository, "commit", "-m", "first")
    command = [sys.executable, "train.py", "--api-key", SECRET, "--lr", "0.1"]
    subprocess.run(command, cwd=repository, check=False, capture_output=True, timeout=120)
    info = read_run_info(repository / "runs" / "r")
    assert info.host == socket.gethostname()
    assert info.command.endswith(" train.py --api-key *** --lr 0.1")
    assert info.cwd == str(repository)
    assert (info.status, info.error) == ("failed", "ValueError: shapes (3,) and (4,) differ")
    assert (info.git_commit, info.git_dirty) == (
        git(repository, "rev-parse", "HEAD").strip(),
        False,
    )


def test_a_resumed_run_has_no_error_any_more(tmp_path: Path) -> None:
    run = lrwatch.open_run(dir=tmp_path, name="r")
    with pytest.raises(ValueError, match="once"), run:
        raise ValueError("once")
    assert read_run_info(run.path).error == "ValueError: once"
    run = lrwatch.open_run(dir=tmp_path, name="r", resume=True)
    assert read_run_info(run.path).error is None
    run.finish()
