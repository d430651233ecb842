"""How often each verdict is right, and what each test fires on, into docs/verdicts.md.

A verdict is right where the learning rate is as it says: too high, too low or fine. Runs are
judged by models that never saw their source, as on docs/accuracy.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from benchmarks.accuracy import score
from benchmarks.accuracy.report import BARE, WHOLE, Measured
from lrwatch.verdicts import CLASSES

BEGIN, END = "<!-- how often: begin -->", "<!-- how often: end -->"
VERDICTS = (
    "| verdict | of runs with norms: given | right | from loss and rate only: given | right |",
    "|---|---|---|---|---|",
)
TESTS = (
    "| test | fired | rate too high | rate fine | rate too low |",
    "|---|---|---|---|---|",
)
Judged = tuple[pd.DataFrame, pd.DataFrame | None]


def lines(judged: Iterable[Judged]) -> list[str]:
    """Both tables.

    Parameters
    ----------
    judged
        A pair a source, as from `replay`: its runs as they were logged, and judged without their
        norms; ``None`` for the second where there are none to leave out.
    """
    pairs = list(judged)
    whole = score.grid(pd.concat([full for full, bare in pairs if bare is not None]))
    least = score.grid(pd.concat([full if bare is None else bare for full, bare in pairs]))
    return [
        f"Of {len(whole):,} labelled runs with norms, from {sum(b is not None for _, b in pairs)} "
        f"sources, and of {len(least):,} from {len(pairs)} sources by loss and rate only:",
        "",
        *VERDICTS,
        *[f"| `{word}` | {_given(whole, word)} | {_given(least, word)} |" for word in CLASSES],
        "",
        "What a test that fired has to do with the rate, of the same runs with norms. One that "
        "speaks for neither side, or together with others, is not wrong by firing on a good run:",
        "",
        *TESTS,
        *_tests(whole),
    ]


def write(measured: Measured, page: Path) -> None:
    """Put the tables between the marks in a page."""
    pairs = [
        (found[WHOLE], None if found[WHOLE] is found[BARE] else found[BARE])
        for found in measured.judged.values()
    ]
    head, begins, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, ends, tail = rest.partition(END)
    if not (begins and ends):
        raise SystemExit(f"{page} has no place for the tables: {BEGIN} and {END}")
    text = "\n".join(lines(pairs))
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}", encoding="utf-8")


def _given(runs: pd.DataFrame, verdict: str) -> str:
    said = runs[runs.verdict == verdict]
    if verdict == "insufficient_data" or said.empty:
        return f"{len(said):,} | -"
    return f"{len(said):,} | {(said.label_class == said.said).mean():.0%}"


def _tests(runs: pd.DataFrame) -> list[str]:
    fired = runs.explode("fired")
    counts = fired.groupby(["fired", "label_class"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=score.CLASSES, fill_value=0)
    return [
        f"| `{name}` | {sum(row):,} | " + " | ".join(f"{n / sum(row):.0%}" for n in row) + " |"
        for name, row in zip(counts.index, counts.to_numpy().tolist(), strict=True)
    ]
