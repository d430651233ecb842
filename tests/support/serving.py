"""The dashboard's command, each in a process forked from one that has loaded what they need.

A new interpreter would spend two seconds of a processor on that, a hundred times. Nothing that a
server learns or keeps is shared.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

__all__ = ["served"]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["lrwatch_dashboard.server"])


@contextmanager
def served(*arguments: str | Path, **environment: str) -> Iterator[str]:
    """Run ``python -m lrwatch_dashboard`` with the arguments, and yield where it serves."""
    known = {"PYTHONPATH": os.pathsep.join(sys.path), "LRWATCH_CACHE_DIR": ""}
    ours, theirs = _FORKS.Pipe(duplex=False)
    command = ["lrwatch_dashboard", *map(str, arguments)]
    server = _FORKS.Process(target=_serve, args=(theirs, command, {**known, **environment}))
    server.start()
    theirs.close()
    try:
        with ours, open(ours.fileno(), closefd=False, encoding="utf-8") as output:
            said = ""
            while not (found := re.search(r"http://\S+:\d+", said)):
                line = output.readline()
                assert line, f"the server ended: {said}"
                said += line
            yield found.group()
    finally:
        server.terminate()
        server.join()


def _serve(output: Connection, command: list[str], environment: dict[str, str]) -> None:
    os.dup2(output.fileno(), 1)
    output.close()
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.update(environment)
    sys.argv = command
    runpy.run_module("lrwatch_dashboard", run_name="__main__", alter_sys=True)
