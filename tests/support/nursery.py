"""Scripts that train, each in a process forked from one that has loaded what they need.

A new interpreter would spend five seconds of a processor on torch and the first optimizer. A script
is ``__main__``, has its own arguments, folder and environment, and ends as any program; only what
it imports is there already. Where that is the question, `scripts.python` starts an interpreter.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scripts import Ended

__all__ = ["Ended", "Script", "forked"]

PATIENCE_SECONDS = 300.0

_PROGRAM = """
import json, os, sys
import torch, torch.distributed.fsdp, torch.distributed.pipelining
import torch.distributed.tensor.parallel
import pandas, psutil, pyarrow.compute, pyarrow.parquet
import lrwatch.delivery, lrwatch.monitor, lrwatch.recording.watcher

torch.set_num_threads(1)
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))])  # the first one loads as much again
for line in sys.stdin:
    children = []
    for given in json.loads(line):
        child = os.fork()
        if child == 0:
            break
        children.append(child)
    else:
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(ended), flush=True)
        continue
    break
else:
    os._exit(0)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for number, path in enumerate(given["streams"], 1):
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
os.chdir(given["folder"])
os.environ.clear()
os.environ.update(given["environment"])
sys.argv[:] = given["words"]
__file__ = sys.argv[0]
sys.path[0] = os.path.dirname(os.path.abspath(__file__))
exec(compile(open(__file__, "rb").read(), __file__, "exec"))
"""


class Script(NamedTuple):
    """A script and its arguments, and what its environment has beside ours."""

    words: Sequence[str]
    environment: dict[str, str]


def forked(*scripts: Script, folder: Path) -> list[Ended]:
    """Run scripts at the same time, and wait for them all.

    Raises
    ------
    subprocess.TimeoutExpired
        If one of them hangs; all are killed then.
    """
    nursery = _nursery()
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    with tempfile.TemporaryDirectory() as said:
        streams = [[f"{said}/{i}.out", f"{said}/{i}.err"] for i in range(len(scripts))]
        given = [
            {
                "words": script.words,
                "folder": str(folder),
                "environment": {**os.environ, **script.environment},
                "streams": each,
            }
            for script, each in zip(scripts, streams, strict=True)
        ]
        nursery.stdin.write(json.dumps(given) + "\n")
        nursery.stdin.flush()
        if not select.select([nursery.stdout], [], [], PATIENCE_SECONDS)[0]:
            _close(nursery)
            raise subprocess.TimeoutExpired([*scripts[0].words], PATIENCE_SECONDS)
        ended = json.loads(nursery.stdout.readline())
        texts = [[Path(path).read_text(encoding="utf-8") for path in each] for each in streams]
    return [Ended(status, *text) for status, text in zip(ended, texts, strict=True)]


@functools.cache
def _nursery() -> subprocess.Popen[str]:
    nursery = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    atexit.register(_close, nursery)
    return nursery


def _close(nursery: subprocess.Popen[str]) -> None:
    """End it with all that it started."""
    if nursery.poll() is None:
        os.killpg(nursery.pid, signal.SIGKILL)
    nursery.communicate()
    _nursery.cache_clear()
