"""The dashboard's own scripts, checked by TypeScript against what they find in a page."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

ROOT = Path(__file__).parents[2]
TYPESCRIPT = "typescript@5.9.3"


def _compiler(*arguments: str) -> subprocess.CompletedProcess[str]:
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("Node.js is not installed; continuous integration has it")
    command = [npx, "--yes", f"--package={TYPESCRIPT}", "--", "tsc", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_scripts_call_only_what_there_is() -> None:
    if _compiler("--version").returncode:
        pytest.skip(f"npx cannot fetch {TYPESCRIPT}")
    checked = _compiler("--project", "tests/javascript")
    assert checked.returncode == 0, checked.stdout
