"""``lrwatch log``: what people did, as text and as JSON."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest
from stores import write_run

from lrwatch.activity import Actor, acting
from lrwatch.cli import main


def test_commands_and_the_dashboard_are_in_one_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    write_run(runs, "a")
    write_run(runs / "sweep", "b")
    assert main(["log", str(runs)]) == 0
    assert "nobody has changed anything" in capsys.readouterr().err
    assert main(["tag", str(runs / "a"), "keep", "good"]) == 0
    with acting(Actor("ann", "editor", "dashboard")):
        assert main(["rename", str(runs / "sweep/b"), "The\x1b[31m one"]) == 2
        assert main(["rename", str(runs / "sweep/b"), "The one"]) == 0
    silenced = ["silence", str(runs), "--rule", "too_low", "--for", "1h", "--reason", "known"]
    assert main(["alert", *silenced]) == 0
    assert main(["rm", "--yes", str(runs / "a")]) == 0
    capsys.readouterr()

    assert main(["log", str(runs)]) == 0
    me = getpass.getuser()
    lines = [line.split("  ")[1:] for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [
        [me, "a", "tagged keep, good"],
        ["ann (editor)", "sweep/b", "renamed to The one"],
    ]
    assert lines[2][2].startswith("too low on every run silenced until 20")
    assert lines[3] == [me, "a", "deleted"]

    assert main(["log", str(runs), "--json", "--user", "ann"]) == 0
    (done,) = json.loads(capsys.readouterr().out)
    assert (done["action"], done["run"], done["after"]) == (
        "rename",
        "sweep/b",
        {"name": "The one"},
    )
    assert main(["log", str(runs / "sweep/b")]) == 0
    assert capsys.readouterr().out.endswith("ann (editor)  .  renamed to The one\n")
    assert main(["log", str(runs), "--last", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert main(["log", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["log", str(runs), "--last", "0"]) == 2
