"""How ``lrwatch run`` becomes ``python train.py``: its command line and its environment.

The script gets an interpreter of its own, in the process of ``lrwatch run``: `__main__`, the
exit status, signals, tracebacks and standard streams are Python's own then, not an imitation.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from lrwatch.autowatch.settings import VARIABLE, Settings
from lrwatch.errors import InvalidArgument

__all__ = ["Launch", "prepare"]

_STARTUP = Path(__file__).with_name("startup")

_BLINDING = frozenset({"-E", "-I", "-S"})
"""Options under which Python would not read ``PYTHONPATH``, or not run what it finds there."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to give to `os.execve`, after the interpreter's path.

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
    alerts: bool = True,
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
    alerts
        Report runs that go wrong on standard error.

    Raises
    ------
    InvalidArgument
        If there is no such program, or the name is not allowed.
    """
    if name is not None:
        from lrwatch.store.creation import check_run_name

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
        alerts=alerts,
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
        raise InvalidArgument(
            f"there is no script {path}; give the path of a script, or -m and the name of a module"
        )
    if Path(path).is_dir() and not Path(path, "__main__.py").exists():
        raise InvalidArgument(f"{path} is a folder without __main__.py; give the path of a script")


def _check_module(name: str) -> None:
    """Look a module up without importing it or its packages."""
    first, *rest = name.split(".")
    here = [str(Path.cwd())]
    spec = PathFinder.find_spec(first, here) if first else None
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


def _stem(program: str, *, is_module: bool) -> str:
    if is_module:
        return program.removesuffix(".__main__").rpartition(".")[2]
    return "stdin" if program == "-" else Path(program).absolute().stem


def _interpreter_options() -> list[str]:
    """Return the options that this interpreter was given, which are meant for the script."""
    options = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001
    is_unbuffered = bool(getattr(sys.stdout, "write_through", False))
    return [o for o in options if o not in _BLINDING] + (["-u"] if is_unbuffered else [])
