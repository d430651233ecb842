"""A module says what it holds by its name, and what is public by ``__all__``."""

from __future__ import annotations

import ast
from pathlib import Path

from sources import ROOT, modules, nodes, tree

FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def exported(path: Path) -> list[str] | None:
    """Return ``__all__`` as it stands in the text; ``None`` if there is none."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def defined(path: Path) -> set[str]:
    """Return the names that a module defines or imports at its top level."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def test_no_file_is_named_after_nothing() -> None:
    found = {path for path in [*modules(), *TESTS] if path.stem in FORBIDDEN}
    assert not found | {path for path in modules() if FORBIDDEN & set(path.parts)}


def test_every_module_says_what_is_public() -> None:
    named = [path for path in modules() if not path.stem.startswith("__")]
    assert not [path for path in named if not exported(path)]


def test_public_names_exist() -> None:
    absent = {path: set(exported(path) or ()) - defined(path) for path in modules()}
    assert not {path: names for path, names in absent.items() if names}


def test_public_names_are_sorted() -> None:
    public = {path: exported(path) or [] for path in modules()}
    assert not [path for path, names in public.items() if names != sorted(names, key=_order)]


def test_every_module_says_in_its_first_line_what_it_is() -> None:
    assert not [path for path in modules() if not ast.get_docstring(tree(path))]


def test_every_detector_names_its_source_and_shows_how_it_is_used() -> None:
    """As docs say in "Add a detector"; the examples themselves run as doctests."""
    bare = []
    for path in (ROOT / "lrwatch" / "detect").glob("[a-z]*.py"):
        text = path.read_text(encoding="utf-8")
        said = ast.get_docstring(tree(path)) or ""
        if path.stem != "wording" and not (
            ("Source: " in said or "Own" in said) and ">>> " in text
        ):
            bare.append(path.stem)
    assert not bare


def _order(name: str) -> tuple[int, str]:
    """Sort as ruff does (RUF022): constants, then classes, then the rest."""
    if name.isupper():
        return 0, name
    return (1 if name[0].isupper() else 2), name
