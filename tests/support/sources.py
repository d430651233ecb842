"""The project's own source text, for the tests that hold its shape."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "ROOT",
    "SOURCE_ROOTS",
    "code_lines",
    "functions",
    "module_name",
    "modules",
    "nodes",
    "tree",
]

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = (ROOT / "lrwatch", ROOT / "dashboard" / "lrwatch_dashboard")


def modules() -> list[Path]:
    """Return every module of both packages."""
    return sorted(path for root in SOURCE_ROOTS for path in root.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return what a module is imported as."""
    root = next(root for root in SOURCE_ROOTS if path.is_relative_to(root))
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return what a module's text means, parsed once for all tests of a process."""
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return all that a module's text is made of."""
    return tuple(ast.walk(tree(path)))


@functools.cache
def code_lines(path: Path) -> int:
    """Count the lines that carry code: none that are blank, a comment or a docstring."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    code = {number for number, line in lines if line.strip() and line.lstrip()[0] != "#"}
    return len(code - set(_docstring_lines(path)))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its length in lines, docstring included."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_lines(path: Path) -> Iterator[int]:
    for node in nodes(path):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)
