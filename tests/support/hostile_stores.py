"""Stores in which somebody, or a broken disk, has put what no writer writes.

`make_hostile_store` is seeded: two good runs, and some of `HOSTILE` beside them.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from stores import new_writer, row, write_run

__all__ = ["GOOD_RUNS", "GOOD_STEPS", "HOSTILE", "make_hostile_store"]

GOOD_RUNS: Final = ("good-1", "good-2")
GOOD_STEPS: Final = 40

Hostile = Callable[[Path, random.Random], None]
"""Puts something of a name of its own into a store."""


def make_hostile_store(folder: Path, seed: int) -> list[str]:
    """Make a store of two good runs, of 40 steps each, and one to four hostile entries.

    Returns
    -------
    The names of the kinds in it, from `HOSTILE`.
    """
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name in GOOD_RUNS:
        losses = [2.0 * math.exp(-i / 20) + 0.01 * chance.random() for i in range(GOOD_STEPS)]
        write_run(folder, name, steps=range(GOOD_STEPS), values={"loss": losses})
    kinds = chance.sample(sorted(HOSTILE), chance.randint(1, 4))
    for kind in kinds:
        HOSTILE[kind](folder, chance)
    return kinds


# -- links and names ------------------------------------------------------------------------------


def _link_loops(store: Path, chance: random.Random) -> None:
    (store / "loop-a").symlink_to("loop-b")
    (store / "loop-b").symlink_to("loop-a")
    (store / "to-itself").symlink_to("to-itself")


def _link_to(target: str) -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        (store / f"link-{zlib.crc32(target.encode())}").symlink_to(target)

    return make


def _link_to_a_good_run(store: Path, chance: random.Random) -> None:
    (store / "linked").symlink_to(store / chance.choice(GOOD_RUNS))


def _steps_that_lead_to_themselves(store: Path, chance: random.Random) -> None:
    run = _run(store, "steps-loop")
    shutil.rmtree(run / "steps")
    (run / "steps").symlink_to("steps")


def _odd_names(store: Path, chance: random.Random) -> None:
    odd = [
        b"line\nbreak", b"\x1b[31mred\x1b[0m", b"\xff\xfe not utf-8", b"..\\..\\etc", b"...x",
        b"x" * 200, "\u202eevil".encode(), b"<b>bold</b>", b"a:b|c?d*", b" ", b"-rf",
        b"'; drop table runs; --", b"%s%n{}", "ﷺ".encode() * 60,
    ]  # fmt: skip
    for name in chance.sample(odd, 3):
        good = write_run(store / ".made", "x", steps=range(12))
        os.rename(os.fsencode(good), os.path.join(os.fsencode(store), name))  # noqa: PTH104, PTH118


def _runs_in_runs(store: Path, chance: random.Random) -> None:
    write_run(_run(store, "outer") / "inner", "innermost")


def _a_forbidden_folder(store: Path, chance: random.Random) -> None:
    run = _run(store, "forbidden")
    run.chmod(0)  # root may look into it all the same


def _deep_folders(store: Path, chance: random.Random) -> None:
    (store / "/".join(["deep"] * 60)).mkdir(parents=True)


def _many_empty_folders(store: Path, chance: random.Random) -> None:
    for number in range(2_000):
        (store / "many" / str(number)).mkdir(parents=True)


def _same_identity(store: Path, chance: random.Random) -> None:
    shutil.copytree(store / GOOD_RUNS[0], store / "twin")


# -- run.json -------------------------------------------------------------------------------------


def _description(**changed: Any) -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        run = _run(store, f"json-{zlib.crc32(repr(changed).encode())}")
        content = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**content, **changed}))

    return make


def _description_of(text: bytes) -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        run = _run(store, f"text-{zlib.crc32(text)}")
        (run / "run.json").write_bytes(text)

    return make


def _instead_of(name: str, put: Callable[[Path], None]) -> Hostile:
    """Put something else in the place of a file of a run; PART is its only part."""

    def make(store: Path, chance: random.Random) -> None:
        run = _run(store, f"odd-{name[:8]}-{put.__name__.strip('_')}")
        path = _part(run) if name == "PART" else run / name
        path.unlink(missing_ok=True)
        put(path)

    return make


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _folder(path: Path) -> None:
    path.mkdir()


def _empty(path: Path) -> None:
    path.touch()


def _ten_gigabytes_of_holes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


# -- parts ----------------------------------------------------------------------------------------


def _flipped_bits(store: Path, chance: random.Random) -> None:
    part = _part(_run(store, "flipped"))
    content = bytearray(part.read_bytes())
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    part.write_bytes(content)


def _cut_part(store: Path, chance: random.Random) -> None:
    part = _part(_run(store, "cut"))
    part.write_bytes(part.read_bytes()[: chance.randrange(part.stat().st_size)])


def _part_of(columns: dict[str, Any]) -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        run = _run(store, f"part-{zlib.crc32(repr(columns).encode())}")
        pq.write_table(pa.table(columns), _part(run))

    return make


def _values(**values: float) -> Hostile:
    """Make a run that is whole, and whose numbers are hard on whoever judges it."""

    def make(store: Path, chance: random.Random) -> None:
        name = f"values-{zlib.crc32(repr(values).encode())}"
        n_steps = 60
        # From some step on, so that there is a before.
        columns = {
            key: [0.1 + 0.001 * i if i < 20 else value for i in range(n_steps)]
            for key, value in values.items()
        }
        write_run(store, name, steps=range(n_steps), values=columns)

    return make


def _steps(*steps: int) -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        writer = new_writer(store, f"steps-{zlib.crc32(repr(steps).encode())}")
        for number, step in enumerate(steps):
            writer.append(row(step, writer)._replace(time=number))
        writer.close("finished")

    return make


def _far_future(store: Path, chance: random.Random) -> None:
    run = _run(store, "future", created_at=2**37)
    for path in [*run.rglob("*"), run]:
        os.utime(path, (2**33, 2**33))


def _part_names(store: Path, chance: random.Random) -> None:
    part = _part(_run(store, "names"))
    for name in ("part-999999999999-999999999999", "part-000000000050-000000000010", "part-x"):
        shutil.copy(part, part.with_name(f"{name}.parquet"))


# -- journals -------------------------------------------------------------------------------------


def _journal_of(text: bytes, length: int | None = None, tail: bytes = b"") -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        run = _run(store, f"journal-{zlib.crc32(text + tail)}-{length}")
        prefix = struct.pack("<8sII", b"LRWJRNL1", length or 16 + len(text), zlib.crc32(text))
        (run / "journal-000000000012.bin").write_bytes(prefix + text + tail)

    return make


def _damaged_records(store: Path, chance: random.Random) -> None:
    run = write_run(store, "records", steps=range(100), status=None)
    journal = run / "journal-000000000000.bin"
    content = bytearray(journal.read_bytes())
    for _ in range(chance.randint(1, 5)):
        content[-chance.randrange(1, 100 * 72)] ^= 0xFF
    journal.write_bytes(content)


def _lock_of(text: str) -> Hostile:
    def make(store: Path, chance: random.Random) -> None:
        run = write_run(store, f"lock-{zlib.crc32(text.encode())}", status=None)
        (run / "writer.lock").write_text(text)

    return make


def _run(store: Path, name: str, **info: Any) -> Path:
    return write_run(store, name, steps=range(12), **info)


def _part(run: Path) -> Path:
    return next((run / "steps").iterdir())


HOSTILE: Final[dict[str, Hostile]] = {
    "link loops": _link_loops,
    "link to the whole disk": _link_to("/"),
    "link to the store": _link_to("."),
    "link to its parent": _link_to(".."),
    "link to nothing": _link_to("nowhere"),
    "link to a device": _link_to("/dev/zero"),
    "link to a run": _link_to_a_good_run,
    "steps that lead to themselves": _steps_that_lead_to_themselves,
    "odd names": _odd_names,
    "runs in runs": _runs_in_runs,
    "forbidden folder": _a_forbidden_folder,
    "deep folders": _deep_folders,
    "many empty folders": _many_empty_folders,
    "same identity": _same_identity,
    **{
        f"run.json: {next(iter(changed))} {value!r:.20}": _description(**changed)
        for changed in (
            {"total_steps": 0}, {"total_steps": -3}, {"total_steps": "many"},
            {"total_steps": 1e300},
            {"total_steps": 2**62}, {"total_steps": True}, {"status": ["finished"]},
            {"status": "paused"}, {"status": None}, {"status": "\x1b[2J"}, {"name": {"a": 1}},
            {"name": "\ud800"}, {"name": "n" * 100_000}, {"name": "\x1b]0;x\x07"}, {"id": 7},
            {"id": ""}, {"created_at": math.nan}, {"created_at": 1e300}, {"created_at": -1e9},
            {"ended_at": math.inf}, {"ended_at": "now"}, {"config": [1, 2]},
            {"config": {"lr": math.nan, "x": 10**300, "y": {"z": [None, "\ud800"]}}},
            {"config": {str(i): i for i in range(5_000)}}, {"config": {"": {"": {"": 1}}}},
            {"parameter_groups": "ab"}, {"parameter_groups": [1]}, {"group": 5}, {"group": "\n"},
            {"environment": {"python": 3}}, {"lost_rows": -1}, {"lost_rows": 2**70},
            {"format": 99}, {"format": "1"}, {"format": None}, {"optimizer": ["SGD"]},
        )
        for value in changed.values()
    },
    "run.json: deep": _description_of(b"[" * 200_000),
    "run.json: deep config": _description_of(
        b'{"format": 1, "config": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}"
    ),
    "run.json: huge": _description_of(b'{"format": 1, "config": {"a": "' + b"x" * 10**7 + b'"}}'),
    "run.json: not UTF-8": _description_of(b'{"format": 1, "name": "\xff\xfe"}'),
    "run.json: a list": _description_of(b"[]"),
    "run.json: a long number": _description_of(b'{"format": ' + b"9" * 10_000 + b"}"),
    "run.json: one twice": _description_of(b'{"format": 1, "name": "a", "name": "b"}'),
    **{
        f"{name}: {put.__name__.strip('_')}": _instead_of(name, put)
        for name in ("run.json", "PART", "journal-000000000012.bin", "writer.lock")
        for put in (
            _pipe, _link_to_zero, _link_to_nothing, _link_to_itself, _folder, _empty,
            _ten_gigabytes_of_holes,
        )
    },
    "part: flipped bits": _flipped_bits,
    "part: cut": _cut_part,
    "part: strings": _part_of({"step": ["a"] * 12, "loss": ["b"] * 12}),
    "part: nested": _part_of({"step": [1], "loss": [[1.0, 2.0]]}),
    "part: no step": _part_of({"loss": [1.0] * 12}),
    "part: null steps": _part_of({"step": pa.array([None] * 12, pa.int64())}),
    "part: more rows than named": _part_of({"step": pa.array(range(100_000), pa.int64())}),
    "part: fewer rows than named": _part_of({"step": [1, 2, 3]}),
    "part: no rows": _part_of({"step": pa.array([], pa.int64())}),
    "part: names": _part_names,
    "values: huge losses": _values(loss=1e308),
    "values: tiny losses": _values(loss=5e-324),
    "values: infinite losses": _values(loss=-math.inf),
    "values: NaN": _values(loss=math.nan, lr=math.nan, grad_norm=math.nan),
    "values: negative rate": _values(lr=-1.0),
    "values: infinite rate": _values(lr=math.inf),
    "values: rate 0": _values(lr=0.0, grad_norm=0.0),
    "values: huge norms": _values(grad_norm=1e308, param_norm=1e308, update_norm=1e308),
    "values: tiny norms": _values(grad_norm=5e-324, param_norm=5e-324, update_norm=5e-324),
    "steps: at the limits": _steps(-(2**63), -1, 0, 2**62, 2**63 - 1),
    "steps: backwards": _steps(*range(50, 0, -1)),
    "steps: all the same": _steps(*[7] * 50),
    "clock: far in the future": _far_future,
    "journal: absurd length": _journal_of(b'{"columns": ["loss"]}', 2**32 - 1),
    "journal: length 0": _journal_of(b"{}", 1),
    "journal: no columns": _journal_of(b"{}"),
    "journal: columns of numbers": _journal_of(b'{"columns": [1, 2]}'),
    "journal: own columns": _journal_of(b'{"columns": ["step", "time", "skipped"]}'),
    "journal: one column twice": _journal_of(b'{"columns": ["loss", "loss"]}'),
    "journal: deep": _journal_of(b'{"columns": ' + b"[" * 100_000),
    "journal: garbage rows": _journal_of(b'{"columns": ["loss"]}', tail=b"\xa5" * 32_000),
    "journal: damaged records": _damaged_records,
    "lock: garbage": _lock_of("[" * 100_000),
    "lock: odd numbers": _lock_of('{"host": [], "pid": -1e999, "started": {}}'),
    "lock: init": _lock_of('{"host": "localhost", "pid": 1, "started": "x y"}'),
}  # fmt: skip
