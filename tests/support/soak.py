"""Trainings that are killed, stormed by threads, short of memory or disk, as long as one likes.

    python tests/support/soak.py [--seconds 900] [--seed N]

Every round is a process that trains in one of these ways and writes down each step once
`optimizer.step()` has returned: that row counts as acknowledged. Afterwards each of them must be in
its run, with its loss, once; and a training that was not killed must have made all of its steps.
Journals are closed after a few rows, so that most kills hit a compaction or a merge.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

import lrwatch
from lrwatch.capture.update import Updates
from lrwatch.store import journal, keeper, writer
from lrwatch.store.reader import read_table
from lrwatch.system import write_at

_ACK = struct.Struct("<qqd")  # run, step, loss
_MB = 2**20


class Acknowledged:
    """Steps that are recorded, in a file that outlives its writer; any thread may add one."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR)
        self.path = path
        self.at_first: Callable[[], object] | None = None

    def add(self, run: int, step: int, loss: float) -> None:
        os.write(self._file, _ACK.pack(run, step, loss))
        if self.at_first is not None:
            self.at_first()
            self.at_first = None

    def all(self) -> list[tuple[int, int, float]]:
        return list(_ACK.iter_unpack(self.path.read_bytes()))


def train(
    acknowledged: Acknowledged, folder: Path, number: int, n_steps: int, *, width: int = 8
) -> None:
    """Train a net, going on with its run, and acknowledge each step."""
    torch.manual_seed(number)
    net = nn.Sequential(nn.Linear(8, width), nn.Tanh(), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    run = lrwatch.watch(
        optimizer, dir=folder, name=f"run-{number}", resume="auto", alerts=None, system=False
    )
    for i in range(n_steps):
        step = run.next_step
        loss = net(torch.randn(4, 8)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        acknowledged.add(number, step, loss.item())
        if i % 7 == 0:
            run.log(**{f"own-{i % 3}": float(i)})
    run.finish()


def killed(acknowledged: Acknowledged, folder: Path, luck: random.Random) -> None:
    """Train until somebody ends it, mostly once there is something to lose."""
    die = partial(_die_in, luck.expovariate(1 / 0.3))
    if luck.random() < 0.25:
        die()
    else:
        acknowledged.at_first = die
    train(acknowledged, folder, 0, 10**9)


def stormed(acknowledged: Acknowledged, folder: Path, luck: random.Random) -> None:
    """Train on several threads, beside others that only call `backward`, perhaps to be killed."""
    sys.setswitchinterval(1e-4)
    if luck.random() < 0.5:
        _die_in(0.2 + luck.expovariate(1 / 0.5))
    is_over = threading.Event()

    def disturb() -> None:
        net = nn.Linear(8, 8)
        while not is_over.is_set():
            net(torch.randn(4, 8)).sum().backward()
            net.zero_grad()

    disturbing = [threading.Thread(target=disturb) for _ in range(2)]
    for thread in disturbing:
        thread.start()
    n_steps, n_nets = luck.randrange(20, 200), luck.randrange(2, 6)
    try:
        with ThreadPoolExecutor(n_nets) as pool:
            made = [pool.submit(train, acknowledged, folder, i, n_steps) for i in range(n_nets)]
        for each in made:
            each.result()
    finally:
        is_over.set()
        for thread in disturbing:
            thread.join()


def short_of_memory(acknowledged: Acknowledged, folder: Path, luck: random.Random) -> None:
    """Train where little more memory can be had than the training itself needs."""
    width = 2**17  # a copy of the parameters takes 5 MB
    train(acknowledged, folder, 0, 3, width=width)
    used = int(Path("/proc/self/status").read_text().split("VmPeak:")[1].split()[0]) * 1024
    limit = used + luck.randrange(1, 200) * _MB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        train(acknowledged, folder, 1, 40, width=width)
    except (MemoryError, RuntimeError) as error:  # the training itself came short
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise


def refused_memory(acknowledged: Acknowledged, folder: Path, luck: random.Random) -> None:
    """Train where every other large allocation of lrwatch's own fails."""
    for home, name in (
        (Updates, "_begin"), (keeper, "compact_closed"), (keeper, "merge_similar"),
        (writer, "compact_all"), (writer, "merge_all"),
    ):  # fmt: skip
        setattr(home, name, _failing(getattr(home, name), luck))
    train(acknowledged, folder, 0, 300)


def _failing(call: Callable[..., Any], luck: random.Random) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        if luck.random() < 0.5:
            raise MemoryError
        return call(*args, **kwargs)

    return fail


def short_of_disk(acknowledged: Acknowledged, folder: Path, luck: random.Random) -> None:
    """Train on a disk that is full now and then, and has room again before the end."""
    is_full = threading.Event()

    def write(file: int, data: Any, offset: int) -> int:
        if is_full.is_set():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_at(file, data, offset)

    def turn() -> None:
        for _ in range(6):
            time.sleep(luck.random() / 20)
            is_full.clear() if is_full.is_set() else is_full.set()
        is_full.clear()

    vars(journal)["write_at"] = write
    vars(writer)["_RETRY_SECONDS"] = (0.001, 0.01)
    turning = threading.Thread(target=turn)
    torch.manual_seed(0)
    net = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    run = lrwatch.watch(optimizer, dir=folder, name="run-0", alerts=None, system=False)
    turning.start()
    step = 0
    while turning.is_alive() or step < 300:
        loss = net(torch.randn(4, 8)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        acknowledged.add(0, step, loss.item())
        step += 1
    run.finish()


WAYS: dict[str, tuple[Callable[[Acknowledged, Path, random.Random], None], int]] = {
    "killed": (killed, 4),
    "stormed": (stormed, 2),
    "short of memory": (short_of_memory, 1),
    "refused memory": (refused_memory, 1),
    "short of disk": (short_of_disk, 1),
}
"""What may happen to a training, and how many processes in a row it happens to."""


def one_round(way: str, seed: int, folder: Path) -> tuple[int, list[str]]:
    """Return how many steps were acknowledged, and what was wrong afterwards."""
    play, n_lives = WAYS[way]
    acknowledged, problems = Acknowledged(folder / "acknowledged"), list[str]()
    for life in range(n_lives):
        status = _in_a_fork(partial(play, acknowledged, folder, random.Random(seed + life)))
        if status not in (0, -signal.SIGKILL):
            problems.append(f"the training ended with {status}")
    rows: Counter[int] = Counter()
    for number, frame in _losses(folder).items():
        rows[number] = len(frame)
        steps = [step for step, _ in frame]
        if steps != list(range(len(steps))):
            problems.append(f"run {number} has steps twice, or not at all")
    said = acknowledged.all()
    kept = {number: dict(frame) for number, frame in _losses(folder).items()}
    lost = [ack for ack in said if kept.get(ack[0], {}).get(ack[1]) != ack[2]]
    if lost:
        problems.append(f"{len(lost)} of {len(said)} acknowledged rows are lost: {lost[:3]}")
    return len(said), problems


def _losses(folder: Path) -> dict[int, list[tuple[int, float]]]:
    found = {}
    for run in folder.glob("run-*"):
        with contextlib.suppress(lrwatch.LrwatchError):  # killed before its first row
            table = read_table(run)
            pairs = zip(table["step"].to_pylist(), table["loss"].to_pylist(), strict=True)
            found[int(run.name.split("-")[1])] = list(pairs)
    return found


def _die_in(seconds: float) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()


def _in_a_fork(play: Callable[[], None]) -> int:
    """Return the status of a process that does it; one that a signal ended has minus its number."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            play()
            status = 0
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _load() -> None:
    """Load here what each process would load by itself, without beginning a thread."""
    import pyarrow.parquet  # noqa: F401

    import lrwatch.capture.recorder
    import lrwatch.recording.watcher  # noqa: F401

    net = nn.Linear(1, 1)
    net(torch.ones(1, 1)).sum().backward()
    torch.optim.Adam(net.parameters()).step()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["LRWATCH_NO_GIT"] = "1"
    _load()
    vars(writer)["JOURNAL_ROWS"] = 48
    vars(keeper)["_WAKE_SECONDS"] = 0.01
    luck = random.Random(options.seed)
    rounds, steps, n_wrong = Counter[str](), Counter[str](), 0
    say(f"seed {options.seed}")
    end = time.monotonic() + options.seconds
    while time.monotonic() < end or len(rounds) < len(WAYS):
        ways = [way for way in WAYS if not rounds[way]] or list(WAYS)
        way, seed = luck.choice(ways), luck.randrange(2**32)
        with tempfile.TemporaryDirectory() as folder:
            n, problems = one_round(way, seed, Path(folder))
        rounds[way] += 1
        steps[way] += n
        for problem in problems:
            n_wrong += 1
            say(f"{way}, seed {seed}: {problem}")
    for way in WAYS:
        say(f"{way}: {rounds[way]} rounds, {steps[way]} acknowledged steps")
    say(f"{n_wrong} problems")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
