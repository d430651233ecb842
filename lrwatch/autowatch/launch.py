"""How ``lrwatch run`` becomes ``python train.py``: its command line and its environment.

The script gets an interpreter of its own, in the process of ``lrwatch run``: `__main__`, the
exit status, signals, tracebacks and standard streams are Python's own then, not an imitation.
"""

from __future__ import annotations

import importlib.util
import math
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Final

from lrwatch.autowatch.launchers import LAUNCHERS
from lrwatch.autowatch.settings import VARIABLE, Settings
from lrwatch.errors import InvalidArgument

__all__ = ["Launch", "prepare", "typed"]

_STARTUP = Path(__file__).with_name("startup")

_BLINDING = frozenset({"-E", "-I", "-S"})
"""Options under which Python would not read ``PYTHONPATH``, or not run what it finds there."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to give to `lrwatch.system.become`, after the interpreter's path.

    Attributes
    ----------
    arguments
        Command line, the interpreter's own name first.
    environment
        All environment variables.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def prepare(
    program: str,
    arguments: Sequence[str],
    *,
    is_module: bool = False,
    folder: Path = Path("runs"),
    name: str | None = None,
    **options: Any,
) -> Launch:
    """Return how to run a program with its optimizers watched.

    Parameters
    ----------
    program
        Path of a script, or of anything that ``python PATH`` runs; or a module's name.
    arguments
        The program's own.
    is_module
        Whether `program` is a module, as in ``python -m``.
    folder
        Folder of runs.
    name
        Name of the run; by default from the program, the optimizer and its learning rate.
    options
        ``alerts``, ``resume``, ``total_steps`` and ``config``, as in `Settings`.

    Raises
    ------
    InvalidArgument
        If there is no such program, or the name is not allowed.
    """
    if name is not None:
        from lrwatch.store.run_names import check_run_name

        check_run_name(name)
    if is_module:
        _check_module(program)
    else:
        _check_script(program)
    python_path = os.environ.get("PYTHONPATH")
    settings = Settings(
        folder=str(folder.absolute()),
        shown_folder=str(folder),
        name=name or "",
        program=_stem(program, is_module=is_module),
        command=shlex.join([*(["-m"] if is_module else []), program, *arguments]),
        python_path=python_path,
        started_at=time.time(),
        **options,
    )
    environment = {
        **os.environ,
        VARIABLE: settings.to_text(),
        "PYTHONPATH": os.pathsep.join([str(_STARTUP), *([python_path] if python_path else [])]),
    }
    selected = ("-m", program) if is_module else (program,)
    return Launch((sys.executable, *_interpreter_options(), *selected, *arguments), environment)


def _check_script(path: str) -> None:
    if path != "-" and not Path(path).exists():
        if path in LAUNCHERS:
            raise InvalidArgument(f"{path} is no script; write {LAUNCHERS[path]}")
        raise InvalidArgument(
            f"there is no script {path}; give the path of a script, or -m and the name of a module"
        )
    if Path(path).is_dir() and not Path(path, "__main__.py").exists():
        raise InvalidArgument(f"{path} is a folder without __main__.py; give the path of a script")


def _check_module(name: str) -> None:
    """Look a module up as Python will, without importing it or its packages."""
    first, *rest = name.split(".")
    here = [] if sys.flags.safe_path else [str(Path.cwd())]
    # Over the whole path at once: a plain folder gives way to a package that comes later on it.
    spec = PathFinder.find_spec(first, [*here, *sys.path]) if first else None
    if spec is None and first:
        spec = importlib.util.find_spec(first)
    for part in rest:
        # By the last part of its name alone: the whole one would need the packages imported.
        places = None if spec is None else spec.submodule_search_locations
        spec = PathFinder.find_spec(part, list(places)) if part and places is not None else None
    if spec is None:
        raise InvalidArgument(
            f"there is no module {name}; give one that can be imported from here, "
            "or leave out -m for a script"
        )


_WORDS: Final = {"true": True, "false": False, "none": None, "null": None}


def typed(text: str) -> bool | int | float | str | None:
    """Return the value that a text of the command line stands for.

    Examples
    --------
    >>> [typed(text) for text in ("64", "3e-4", "true", "None", "adam", "1_000", "")]
    [64, 0.0003, True, None, 'adam', '1_000', '']
    """
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if "_" in text or text != text.strip():
        return text
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else text
    return text


def _stem(program: str, *, is_module: bool) -> str:
    if is_module:
        return program.removesuffix(".__main__").rpartition(".")[2]
    return "stdin" if program == "-" else Path(program).absolute().stem


def _interpreter_options() -> list[str]:
    """Return the options that this interpreter was given, which are meant for the script."""
    options = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001
    is_unbuffered = bool(getattr(sys.stdout, "write_through", False))
    return [o for o in options if o not in _BLINDING] + (["-u"] if is_unbuffered else [])
