"""Settings of all tests."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The garbage collector would look through torch, Dash and pandas again and again.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what has been imported out of all that the collector looks through."""
    gc.freeze()
    gc.enable()


# What tests share holds none.
collect_ignore = ["support"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file, and the libraries that it needs, if none of its tests is to run."""
    parts = config.option.markexpr.split(" and ")
    left_out = {part.removeprefix("not ") for part in parts if part.startswith("not ")}
    if not left_out or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8")
    marks = re.findall(r"^pytestmark = .*", text, re.MULTILINE)
    return any(f"pytest.mark.{name}" in line for name in left_out for line in marks) or None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, list[Any], list[Any]]:
    """Look here for tests alone: examples in docstrings are in the packages."""
    return [collector for collector in (yield) if type(collector) is pytest.Module]


# They reach little of what coverage is measured of, and take up to twice their time under it.
UNMEASURED = {
    Path(__file__).parent / name
    for name in (
        "architecture",
        "dashboard",
        "deploy",
        "docs",
        "unit/delivery",
    )
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Measure no coverage where there is next to none to be found."""
    if config.pluginmanager.hasplugin("_cov"):
        for item in items:
            if not UNMEASURED.isdisjoint(item.path.parents) or _goes_on(item):
                item.add_marker("no_cover")


def _goes_on(item: pytest.Item) -> bool:
    """Return whether it is of the many rounds of hostile stores after the first five."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    return item.path.name == "test_hostile_stores.py" and given.get("first", 0) >= 50


# A deadline would time tests, and a loaded machine would fail them.
settings.register_profile("lrwatch", deadline=None)
settings.load_profile("lrwatch")

# Each of some thousand runs would ask git for the commit of this repository.
os.environ.setdefault("LRWATCH_NO_GIT", "1")

# One that takes longer than expected would find columns in its run that it did not write.
os.environ.setdefault("LRWATCH_NO_SYSTEM", "1")
