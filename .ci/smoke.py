"""What an installed lrwatch must do: ``python smoke.py SAMPLE_RUNS [--dashboard]``.

Run by the Python of a fresh environment, into which nothing was installed but the wheel and what
it asks for, so only the standard library is used. torch is in none of them.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from importlib.metadata import files
from pathlib import Path

import lrwatch

STORE = Path(sys.argv[1])
RUN = STORE / "chars-momentum-cosine-1"
TESTS = Path(__file__).parents[1] / "tests"
COMMAND = Path(sys.executable).with_name("lrwatch")


def main() -> None:
    """Read, judge, list and export the sample runs; then serve them, or say what that needs."""
    assert "site-packages" in lrwatch.__file__, f"not what was installed: {lrwatch.__file__}"
    installed = {path.parts[0] for path in files("lrwatch") or ()}
    assert {"lrwatch", "lrwatch_dashboard"} <= installed, installed
    assert importlib.util.find_spec("torch") is None, "torch came along"

    manifest = json.loads((STORE / "manifest.json").read_text("utf-8"))
    assert len(lrwatch.read(RUN)) == manifest[RUN.name]["made"]["n_steps"]
    assert lrwatch.diagnose(RUN).verdict == manifest[RUN.name]["verdict"]
    assert {run["run"] for run in json.loads(ran("ls", STORE, "--json"))} == set(manifest)
    for run in json.loads(ran("check", STORE, "--json", status=1)):
        assert run["verdict"] == manifest[run["run"]]["verdict"], run
    assert RUN.name in ran("ls", STORE), "the table for people needs rich"
    assert "diverging" in ran("alert", "replay", RUN)
    judge_logs_of_other_tools()
    if "--dashboard" in sys.argv:
        serve()
    else:
        assert "pip install 'lrwatch[dashboard]'" in ran("dashboard", STORE, status=2)


def judge_logs_of_other_tools() -> None:
    """Judge a log of each kind, in one command, with nothing of the tool that wrote it."""
    sys.path.append(str(TESTS / "support"))
    from log_samples import SAMPLES

    for kind, write in SAMPLES.items():
        with tempfile.TemporaryDirectory() as folder:
            said = ran("check", write(Path(folder)), status=None)
        print(f"{kind}: {' '.join(said.split())[:100]}")
        assert " 40 rows" in said, said
    for logs in sorted(path for path in (TESTS / "golden" / "logs").iterdir() if path.is_dir()):
        if not any(logs.glob("*.gz")):  # which the unit tests unpack
            assert " rows" in ran("check", logs, status=None)


def serve() -> None:
    """Ask the dashboard for its pages' parts, and for its metrics."""
    with subprocess.Popen(
        [COMMAND, "dashboard", STORE, "--port", "18650"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = None
        while address is None:
            line = server.stdout.readline()
            assert line, "the dashboard ended"
            address = re.search(r"http://\S+:\d+", line)
        for path in ("/", "/_dash-layout", "/_dash-dependencies", "/metrics"):
            with urllib.request.urlopen(address[0] + path, timeout=60) as answer:
                assert answer.status == 200, f"{path}: {answer.status}"
        server.terminate()


def ran(*arguments: object, status: int | None = 0) -> str:
    """Run the command that was installed; return what it said, or on standard error.

    A `status` of ``None`` is that of a verdict, whichever it is.
    """
    command = [str(COMMAND), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    allowed = (0, 1) if status is None else (status,)
    assert ended.returncode in allowed, f"{command}: {ended.returncode}\n{ended.stderr}"
    return ended.stdout or ended.stderr


if __name__ == "__main__":
    main()
