"""What a script calls an optimizer: the variable that it is kept in, or the net that it trains.

That is read from the source of the line that makes it. Looking at the script's variables instead
would change what `locals()` gives the script, and how long they live.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, TypeAlias

import torch

from lrwatch.formats import words_of

__all__ = ["Site", "called", "site"]

Site: TypeAlias = tuple[tuple[CodeType, int], ...]
"""Where an optimizer is made: code and instruction of each call on the way, the innermost first."""

_MOST_CALLS: Final = 8  # from the script's line to the optimizer's
_MOST_SIGNS: Final = 24
_SKIPPED: Final = tuple(
    str(Path(file).resolve().parent) for file in (torch.__file__, Path(__file__).parent)
)

_SAYS_NOTHING: Final = frozenset(
    {
        *("optimizer", "optimizers", "optimiser", "optimisers", "optim", "opt", "opts", "o"),
        *("self", "my", "the", "main", "nn", "net", "network", "model", "module", "m"),
        *("params", "parameters", "param", "p", "group", "groups", "train", "trainer", "x"),
    }
)
"""Words that tell no optimizer from another one."""

_OTHER_RESULTS: Final = (ast.Call, ast.Lambda, ast.comprehension, ast.ListComp, ast.GeneratorExp)
"""What has a result of its own, which may be no optimizer."""

_PARAMETERS: Final = frozenset({"parameters", "named_parameters"})


def site(frame: FrameType | None) -> Site:
    """Return where an optimizer is made, from the frame that makes it; nothing is read yet."""
    calls: list[tuple[CodeType, int]] = []
    while frame is not None and len(calls) < _MOST_CALLS:
        if not frame.f_code.co_filename.startswith(_SKIPPED):
            calls.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(calls)


def called(where: Site, kind: str = "") -> str:
    """Return what tells an optimizer from others; empty where its source says nothing.

    Parameters
    ----------
    where
        Where it was made.
    kind
        Name of its class, which tells nothing.
    """
    try:
        found = [label for name in _names(where) if (label := _telling(name, kind))]
        return next((label for label in found if not label.isdigit()), (found or [""])[0])
    except Exception:  # noqa: BLE001  the source is no longer what runs, or too much to parse
        return ""


def _telling(name: str, kind: str) -> str:
    """Leave out of a name what says nothing.

    Examples
    --------
    >>> [_telling(name, "Adam") for name in ("opt_G", "optimizerD", "adam_disc", "optimizer")]
    ['G', 'D', 'disc', '']
    """
    words = words_of(name)
    nothing = _SAYS_NOTHING | {kind.lower()}
    return "-".join(word for word in words if word.lower() not in nothing)[:_MOST_SIGNS].strip("-")


def _names(where: Site) -> Iterator[str]:
    """Yield names of an optimizer, the most telling first, as far out as it is handed on."""
    for code, instruction in where:
        found = _call(code, instruction)
        if found is None:
            return
        call, parents = found
        if _is_initialization(call):
            continue
        targets, is_handed_on = _targets(call, parents)
        yield from targets
        yield from _trained(call)
        if not is_handed_on:
            return


def _call(code: CodeType, instruction: int) -> tuple[ast.Call, Sequence[ast.AST]] | None:
    """Return the call that an instruction makes, and the nodes around it, the nearest first."""
    position = next(
        (p for i, p in enumerate(code.co_positions()) if i == instruction // 2), (None,) * 4
    )
    around: list[ast.AST] = []
    node: ast.AST | None = _tree(code.co_filename)
    while node is not None:
        around.insert(0, node)
        if isinstance(node, ast.Call) and _position(node) == position:
            return node, around[1:]
        node = next((n for n in ast.iter_child_nodes(node) if _holds(n, position)), None)
    return None


@functools.lru_cache(maxsize=4)
def _tree(file: str) -> ast.AST | None:
    lines = linecache.getlines(file)
    return ast.parse("".join(lines)) if lines else None


def _position(node: ast.AST) -> tuple[int | None, ...]:
    names = ("lineno", "end_lineno", "col_offset", "end_col_offset")
    return tuple(getattr(node, name, None) for name in names)


def _holds(node: ast.AST, position: tuple[int | None, ...]) -> bool:
    first, last, left, right = position
    if None in position or not hasattr(node, "lineno"):
        # As arguments and comprehensions, which have no place of their own.
        return any(_holds(child, position) for child in ast.iter_child_nodes(node))
    begin, end, start, stop = _position(node)
    return bool((begin, start) <= (first, left) and (last, right) <= (end, stop))


def _is_initialization(call: ast.Call) -> bool:
    """Tell whether it is ``super().__init__(...)`` of an optimizer's own class."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"


def _targets(call: ast.Call, parents: Sequence[ast.AST]) -> tuple[list[str], bool]:
    """Return what a call's result is kept as, and whether it is handed on to the caller."""
    inner: ast.AST = call
    names: list[str] = []
    for node in parents:
        if isinstance(node, _OTHER_RESULTS):
            return names, False
        if isinstance(node, ast.keyword):
            names.append(node.arg or "")
        elif isinstance(node, ast.Dict):
            names += [_name(k) for k, v in zip(node.keys, node.values, strict=True) if v is inner]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            names += _kept_as(node, call, inner)
        if isinstance(node, ast.stmt):
            is_handed_on = isinstance(node, ast.Return) or _is_returned(names, parents)
            return names, is_handed_on
        inner = node
    return names, False


def _kept_as(
    node: ast.Assign | ast.AnnAssign | ast.NamedExpr, call: ast.Call, inner: ast.AST
) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    found = []
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(inner, ast.Tuple):
            pairs = zip(target.elts, inner.elts, strict=False)
            found += [_name(t) for t, value in pairs if value is call]
        elif not isinstance(target, ast.Tuple):
            found.append(target.attr if isinstance(target, ast.Attribute) else _name(target))
    return found


def _is_returned(names: Sequence[str], parents: Sequence[ast.AST]) -> bool:
    """Tell whether the function returns what it calls by one of these names."""
    scope = next(
        (n for n in parents if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)), None
    )
    if scope is None:
        return False
    returned = [node.value for node in ast.walk(scope) if isinstance(node, ast.Return)]
    return any(isinstance(value, ast.Name) and value.id in names for value in returned)


def _trained(call: ast.Call) -> list[str]:
    """Return what the one net is called whose parameters a call is given."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    nets = {
        _name(node.value)
        for argument in given
        for node in ast.walk(argument)
        if isinstance(node, ast.Attribute) and node.attr in _PARAMETERS
    }
    return list(nets) if len(nets) == 1 else []


def _name(node: ast.AST | None) -> str:
    """Return the last part of a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        # `self.D.module` is known as D.
        return node.attr if node.attr.lower() not in _SAYS_NOTHING else _name(node.value)
    if isinstance(node, ast.Subscript):
        return _name(node.slice)
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else ""  # type: ignore[union-attr]
