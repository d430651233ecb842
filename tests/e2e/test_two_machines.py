"""Two machines that share nothing but a bucket, and one dashboard, as in docs/object-stores.md."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from operator import eq
from pathlib import Path
from typing import Any

import pytest
from browser import LAST_STEP, until
from processes import ran, started

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "object-stores.md").read_text(encoding="utf-8")

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

pytest.importorskip("moto")
pytest.importorskip("obstore")


def _walk_through() -> tuple[str, list[str]]:
    """Return the script and the commands of the section, as printed."""
    section = PAGE.split("## Two machines, one dashboard")[1].split("\n## ")[0]
    (script,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return script, re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)


def _machine(folder: Path, endpoint: str) -> dict[str, str]:
    """Return the environment of a machine: a home of its own, and the way to the bucket."""
    from object_servers import settings

    folder.mkdir()
    own = {
        "HOME": str(folder),
        "XDG_CACHE_HOME": "",
        "LRWATCH_CACHE_DIR": str(folder / "cache"),
        "LRWATCH_SPOOL": str(folder / "spool"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return {**own, **settings(endpoint)}


def test_a_run_of_one_machine_is_shown_live_on_another(browser: Any, tmp_path: Path) -> None:
    from object_servers import moto_server

    script, commands = _walk_through()
    assert commands == ["python train.py", "lrwatch dashboard s3://bucket/runs"]
    with moto_server() as endpoint:
        one, two = (_machine(tmp_path / name, endpoint) for name in ("one", "two"))
        (tmp_path / "one" / "train.py").write_text(script)
        arguments = [*commands[1].split()[1:], "--port", "18070"]
        with started(*arguments, cwd=tmp_path / "two", **two) as server:
            assert server.stdout is not None
            said = server.stdout.readline()
            found = re.search(r"dashboard on s3://bucket/runs: (http://\S+)", said)
            assert found, said
            page = browser.new_page()
            page.set_default_timeout(240_000)
            page.goto(found[1])
            page.locator("h2", has_text="No runs yet").wait_for()
            assert "s3://bucket/runs" in page.locator("#empty").inner_text()
            with subprocess.Popen(
                [sys.executable, *commands[0].split()[1:]],
                cwd=tmp_path / "one",
                env={**os.environ, **one, "LRWATCH_UPLOAD_EVERY": "2"},
            ) as training:
                page.locator(".run-link", has_text="sgd-0.1").click()
                # It is seen while it is written, and all of it once it has ended.
                seen = until(page, LAST_STEP, lambda step: step >= 0)
                assert seen < 599 or training.poll() is not None
                assert training.wait(240) == 0
            until(page, LAST_STEP, partial(eq, 599))
            page.close()
            server.send_signal(signal.SIGINT)
        listed = ran("show", "s3://bucket/runs/sgd-0.1", cwd=tmp_path, **two)
        assert listed.returncode == 0, listed.stderr
        assert "finished, 600 of 600 steps" in listed.stdout
    assert not list((tmp_path / "one").rglob("*mirrors*"))
    assert not list((tmp_path / "two").rglob("spool/*"))
