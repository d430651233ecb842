"""A run that was trained in a notebook ends as its training did, whatever else went wrong there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from lrwatch.store import read_run_info

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(importlib.util.find_spec("IPython") is None, reason="needs IPython"),
]

SESSION = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in sys.stdin.read().split("---"):
    shell.run_cell(cell)
"""
BEGIN = "import lrwatch\nrun = lrwatch.open_run(dir='runs', name='r', alerts=False)"
TRAIN = "for step in range(5): run.record(loss=1.0)"
FAIL = "raise ValueError('in a cell')"
SCRIPT = "%run -i script.py"


@pytest.mark.parametrize(
    ("cells", "end"),
    [
        ([BEGIN, TRAIN], ("finished", None)),
        ([BEGIN, TRAIN, FAIL], ("finished", None)),
        ([FAIL, BEGIN, TRAIN], ("finished", None)),
        ([BEGIN, FAIL, TRAIN, "1 +", "run"], ("finished", None)),
        ([BEGIN, f"{TRAIN}\n{FAIL}"], ("failed", "ValueError: in a cell")),
        ([BEGIN, f"{TRAIN}\n{FAIL}", "2 + 2"], ("failed", "ValueError: in a cell")),
        ([BEGIN, f"{TRAIN}\n{FAIL}", TRAIN], ("finished", None)),
        ([BEGIN, f"{TRAIN}\nraise KeyboardInterrupt"], ("interrupted", "KeyboardInterrupt")),
        ([f"{BEGIN}\n{FAIL}"], ("failed", "ValueError: in a cell")),
        ([BEGIN, SCRIPT], ("failed", "ValueError: in a cell")),
        ([BEGIN, TRAIN, "run.finish()", FAIL], ("finished", None)),
    ],
)
def test_a_run_ends_as_the_last_cell_did_that_trained_it(
    tmp_path: Path, cells: list[str], end: tuple[str, str | None]
) -> None:
    (tmp_path / "script.py").write_text(f"{TRAIN}\n{FAIL}")
    ended = subprocess.run(
        [sys.executable, "-c", SESSION],
        input="---".join(cells),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert ended.returncode == 0, ended.stderr
    info = read_run_info(tmp_path / "runs" / "r")
    assert (info.status, info.error) == end
