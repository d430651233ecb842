"""Who imports whom: the layer picture of docs/architecture.md, and what loads quickly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sources import ROOT

SAMPLE = ROOT / "sample_runs/digits-sgd-constant-0.1"


def loaded_by(code: str) -> set[str]:
    """Return the top-level packages that are loaded after `code` in a new interpreter."""
    report = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    ended = subprocess.run(
        [sys.executable, "-c", code + report],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return set(ended.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import lrwatch", {"torch", "pandas", "pyarrow", "click", "rich"}),
        ("import lrwatch; lrwatch.diagnose", {"torch", "pandas", "click", "rich"}),
        ("import lrwatch; lrwatch.read", {"torch", "pandas", "click", "rich"}),
        ("import lrwatch; lrwatch.watch", {"pandas", "click", "rich"}),
        ("import lrwatch; lrwatch.open_run", {"torch", "pandas", "click", "rich"}),
        ("import lrwatch.cli", {"torch", "pandas", "pyarrow", "numpy", "rich"}),
        (f"import lrwatch; lrwatch.diagnose({str(SAMPLE)!r})", {"torch", "pandas"}),
        ("import lrwatch_dashboard.data", {"torch"}),
        ("import lrwatch_dashboard.command", {"torch", "flask", "dash", "pandas"}),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(code: str, forbidden: set[str]) -> None:
    assert not loaded_by(code) & forbidden


def test_layers_import_only_what_lies_below(tmp_path: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed: pip install import-linter")
    ended = subprocess.run(
        [linter, "--config", ROOT / "pyproject.toml", "--cache-dir", tmp_path],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )
    assert ended.returncode == 0, ended.stdout
