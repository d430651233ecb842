"""The suite that every importer must pass, ours and those of other packages.

::

    from lrwatch.testing.importers import IMPORTER_CHECKS

    @pytest.mark.parametrize("check", IMPORTER_CHECKS, ids=lambda check: check.__name__)
    def test_my_importer(check, tmp_path):
        check(MyImporter(), write_a_small_log(tmp_path))

Each check takes an importer and a source that it can read, a file or a folder with at least ten
losses, and raises `AssertionError` where the importer falls short. It needs no test runner.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from lrwatch.errors import LrwatchError
from lrwatch.importing import Choice, ForeignRun, Importer, ordered
from lrwatch.importing.source import head_of

__all__ = ["IMPORTER_CHECKS", "check_importer"]

_LEAST_ROWS: Final = 10
_CUTS: Final = 12
_DAMAGES: Final = 12
_STRANGERS: Final = {
    "empty": b"",
    "words.txt": b"Nothing was trained here.\nOn Monday 12 of 30 people came.\n",
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "zeros.bin": bytes(1000),
    "people.csv": b"name,age\nada,36\ngrace,85\n",
    "settings.json": b'{"lr": 0.1, "layers": [1, 2], "name": "x"}\n',
}
_SURE: Final = 0.5


def check_importer(importer: Importer, source: Path) -> None:
    """Run every check; raises `AssertionError` at the first that fails."""
    for check in IMPORTER_CHECKS:
        check(importer, source)


def has_a_name_for_the_command_line(importer: Importer, _source: Path) -> None:
    """Have a name that can be typed after ``lrwatch import``, and a title of one line."""
    _require(re.fullmatch(r"[a-z][a-z0-9-]*", importer.name), f"name is {importer.name!r}")
    _require(importer.title.isprintable() and importer.title, f"title is {importer.title!r}")


def recognises_its_own(importer: Importer, source: Path) -> None:
    """Be surer of its own source than of none."""
    sure = importer.recognises(source, head_of(source))
    _require(0 < sure <= 1, f"it is {sure} sure of {source.name}; expected more than 0, at most 1")


def is_not_sure_of_strangers(importer: Importer, _source: Path) -> None:
    """Claim neither files that are no logs nor an empty folder, and raise nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in _STRANGERS.items():
            path = Path(folder) / "strangers" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            sure = importer.recognises(path, content)
            _require(0 <= sure < _SURE, f"it is {sure} sure of a file that is no log: {name}")
        empty = Path(folder) / "nothing"
        empty.mkdir()
        _require(importer.recognises(empty, b"") == 0, "it claims an empty folder")


def reads_losses_in_order(importer: Importer, source: Path) -> None:
    """Give runs with a name, losses, steps that rise, and settings that JSON can hold."""
    runs = importer.read(source, Choice())
    _require(runs, "it reads no run")
    _require(len({run.key for run in runs}) == len(runs), "two runs of a source have one key")
    for run in runs:
        _require(run.name and run.title, f"name is {run.name!r}, title is {run.title!r}")
        json.dumps(dict(run.config), allow_nan=True)
        rows = ordered(run, Choice()).rows
        n_losses = int(np.isfinite(rows.loss).sum())
        _require(n_losses >= _LEAST_ROWS, f"{n_losses} losses of {run.name!r}")
        _require(np.all(np.diff(rows.step) > 0), f"steps of {run.name!r} do not rise")


def reads_the_same_twice(importer: Importer, source: Path) -> None:
    """Keep nothing of what was read before: `lrwatch import` again is an update."""
    first, second = (_content(importer.read(source, Choice())) for _ in range(2))
    _require(first == second, "reading twice gives two results")


def changes_nothing(importer: Importer, source: Path) -> None:
    """Change no file, and add none beside it."""
    before = dict(_files(source.parent))
    importer.recognises(source, head_of(source))
    importer.read(source, Choice())
    _require(dict(_files(source.parent)) == before, "files were changed, added or removed")


def survives_a_cut(importer: Importer, source: Path) -> None:
    """Read what is there of a file that ends too early, or say that it cannot."""
    n_rows = _n_rows(importer.read(source, Choice()))
    for part, (copy, largest) in enumerate(_copies(source, _CUTS)):
        content = largest.read_bytes()
        largest.write_bytes(content[: len(content) * (2 * part + 1) // (2 * _CUTS)])
        n_left = _n_rows(_survived(importer, copy))
        _require(n_left <= n_rows, "a part of a file has more rows than the whole")


def survives_damage(importer: Importer, source: Path) -> None:
    """Read what can be read of a file with wrong bytes, or say that it cannot."""
    dice = random.Random(0)  # noqa: S311
    for copy, largest in _copies(source, _DAMAGES):
        content = bytearray(largest.read_bytes())
        for _ in range(8):
            content[dice.randrange(len(content))] = dice.randrange(256)
        largest.write_bytes(content)
        _survived(importer, copy)


def says_what_is_missing(importer: Importer, source: Path) -> None:
    """Answer for a source that is gone with an error of ours."""
    gone = source.with_name(f"{source.name}.gone")
    try:
        importer.read(gone, Choice())
    except (LrwatchError, OSError):
        return
    raise AssertionError("a source that is not there is read")


IMPORTER_CHECKS: Final[tuple[Callable[[Importer, Path], None], ...]] = (
    has_a_name_for_the_command_line,
    recognises_its_own,
    is_not_sure_of_strangers,
    reads_losses_in_order,
    reads_the_same_twice,
    changes_nothing,
    survives_a_cut,
    survives_damage,
    says_what_is_missing,
)
"""Each takes an importer and a source that it can read."""


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)


def _survived(importer: Importer, source: Path) -> list[ForeignRun]:
    """Recognise and read a source that may be damaged; nothing but an error of ours may come."""
    importer.recognises(source, head_of(source))
    try:
        runs = importer.read(source, Choice())
        for run in runs:
            ordered(run, Choice())
    except LrwatchError as error:
        _require(str(error).strip(), "the error says nothing")
        return []
    return runs


def _copies(source: Path, n: int) -> Iterator[tuple[Path, Path]]:
    """Yield copies of a source, and the largest file of each."""
    for _ in range(n):
        with tempfile.TemporaryDirectory() as folder:
            beside = Path(folder) / source.parent.name
            shutil.copytree(source.parent, beside)
            copy = beside / source.name
            files = [path for path in copy.rglob("*") if path.is_file()] or [copy]
            yield copy, max(files, key=lambda path: path.stat().st_size)


def _files(folder: Path) -> Iterator[tuple[Path, tuple[bytes, int]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, (path.read_bytes(), path.stat().st_mtime_ns)


def _content(runs: list[ForeignRun]) -> list[tuple[str, str, str]]:
    return [(run.name, run.key, str(run.table.to_pydict())) for run in runs]


def _n_rows(runs: list[ForeignRun]) -> int:
    return sum(run.table.num_rows for run in runs)
