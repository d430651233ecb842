"""Notice that a script starts other programs: what trains there is not recorded.

Programs that launch trainings are known by name, and by what they put into the environment of
the processes that they start, where the script calls them as a library.
"""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from lrwatch.autowatch.waiting import when_imported

__all__ = ["LAUNCHERS", "follow_programs", "launcher_of", "started"]

LAUNCHERS: Final = {
    "torchrun": "torchrun --no-python lrwatch run train.py",
    "accelerate": "accelerate launch --no_python lrwatch run train.py",
    "deepspeed": "deepspeed --no_python lrwatch run train.py",
    "python": "python -m lrwatch run train.py",
}
"""How to record what a program starts, by its name."""

_MODULES: Final = {
    "torch.distributed.run": "torchrun",
    "torch.distributed.launch": "torchrun",
    "accelerate.commands.launch": "accelerate",
    "deepspeed.launcher.runner": "deepspeed",
}
_MARKS: Final = {"TORCHELASTIC_RUN_ID": "torchrun", "ACCELERATE_MIXED_PRECISION": "accelerate"}

_MOST_WORDS: Final = 12  # of a command line; the launcher comes before its arguments

started: set[str] = set()
"""Which of `LAUNCHERS` the script has started."""


def follow_programs() -> None:
    """Note in `started` what the script starts from now on."""
    when_imported("subprocess", _follow_subprocess)
    run = os.system

    @functools.wraps(run)
    def system(command: Any) -> int:
        _note(command, None)
        return run(command)

    setattr(os, "system", system)  # noqa: B010  mypy forbids the plain way


def launcher_of(command: object, environment: Mapping[str, str] | None = None) -> str | None:
    """Return which of `LAUNCHERS` a command line starts, if one.

    Examples
    --------
    >>> launcher_of("CUDA_VISIBLE_DEVICES=0 torchrun --nproc-per-node 8 train.py")
    'torchrun'
    >>> launcher_of(["/usr/bin/python3", "-m", "torch.distributed.run", "train.py"])
    'torchrun'
    >>> launcher_of(["/usr/bin/python3", "train.py"])
    'python'
    >>> launcher_of(["git", "log"])
    """
    words = _words(command)[:_MOST_WORDS]
    names = [PurePath(word).name.removesuffix(".exe") for word in words]
    for word, name in zip(words, names, strict=True):
        found = _MODULES.get(word, name)
        if found in LAUNCHERS and found != "python":
            return found
    is_python = any(name.rstrip("0123456789.") == "python" for name in names)
    # What this process has got itself, its launcher has put there.
    new = (environment or {}).keys() - os.environ.keys()
    marked = [name for mark, name in _MARKS.items() if mark in new]
    return (marked or ["python"])[0] if is_python else None


def _words(command: object) -> list[str]:
    if isinstance(command, str):
        try:
            return shlex.split(command)
        except ValueError:
            return command.split()
    if isinstance(command, bytes | os.PathLike):
        return [os.fsdecode(command)]
    if isinstance(command, Sequence):
        return [
            os.fsdecode(word) for word in command if isinstance(word, str | bytes | os.PathLike)
        ]
    return []


def _note(command: object, environment: Mapping[str, str] | None) -> None:
    try:
        if found := launcher_of(command, environment):
            started.add(found)
    except Exception:  # noqa: BLE001  what the script starts is started in any case
        return


def _follow_subprocess() -> None:
    import subprocess

    initialize = subprocess.Popen.__init__

    @functools.wraps(initialize)
    def start(process: Any, args: Any, *more: Any, **options: Any) -> None:
        _note(args, options.get("env"))
        initialize(process, args, *more, **options)

    setattr(subprocess.Popen, "__init__", start)  # noqa: B010
