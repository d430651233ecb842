"""What ``lrwatch check`` prints: a paragraph for each run that needs one, and a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from lrwatch.cli.appearance import run_name, verdict_text
from lrwatch.cli.judging import ListedRun, worst_first
from lrwatch.cli.place import known_as
from lrwatch.formats import count, number, printable
from lrwatch.verdicts import Diagnosis, LearningRate

__all__ = ["as_object", "summary", "text"]


def text(runs: Sequence[ListedRun]) -> str:
    """Return the report on runs, worst first; one line for each with nothing to do."""
    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as captured:
        for run in worst_first(runs):
            console.print(Text.assemble(verdict_text(run), "  ", run_name(run)))
            for line in _details(run):
                console.print(Text(f"    {printable(line)}"))
        if len(runs) > 1:
            console.print(summary(runs))
    return captured.get()


def summary(runs: Sequence[ListedRun]) -> str:
    """Count runs by what is said of their learning rates.

    Examples
    --------
    >>> from pathlib import Path
    >>> summary([ListedRun("a", Path("a"), problem="damaged")])
    '1 run: 1 cannot tell'
    """
    words: dict[LearningRate, str] = {
        "too_high": "too high",
        "too_low": "too low",
        "unknown": "cannot tell",
        "ok": "nothing to do",
    }
    found = Counter(run.learning_rate for run in runs)
    parts = [f"{found[key]} {word}" for key, word in words.items() if key in found]
    return f"{count(len(runs))} run{'s' * (len(runs) != 1)}: {', '.join(parts)}"


def as_object(run: ListedRun) -> dict[str, Any]:
    """Return a run's diagnosis as JSON; the keys are part of the public interface.

    A run that cannot be read has the verdict ``null``; its reason says why.
    """
    diagnosis = run.diagnosis
    return {
        "run": run.run,
        "path": known_as(run.path),
        "verdict": None if diagnosis is None else diagnosis.verdict,
        "learning_rate": run.learning_rate,
        "confidence": None if diagnosis is None else diagnosis.confidence,
        "first_alarm_step": None if diagnosis is None else diagnosis.first_alarm_step,
        "interval": None if diagnosis is None else diagnosis.interval,
        "reason": run.reason,
        "advice": "" if diagnosis is None else diagnosis.advice,
        "suggested_lr": None if diagnosis is None else diagnosis.suggested_lr,
        "evidence": [] if diagnosis is None else diagnosis.evidence,
        "problem": run.problem or None,
        "assumed": run.assumed,
        "kind": run.kind,
        "recognised": run.recognised or None,
        "troubles": run.troubles,
    }


def _details(run: ListedRun) -> Iterator[str]:
    diagnosis = run.diagnosis
    if run.problem:
        yield run.problem
    if run.recognised:
        yield run.recognised
    if diagnosis is None:
        return
    yield diagnosis.reason + _certainty(diagnosis)
    if diagnosis.advice:
        yield diagnosis.advice
    if run.assumed:
        yield f"Read so: {'; '.join(run.assumed)}"
    for trouble in run.troubles:
        yield f"Left out: {trouble}"


def _certainty(diagnosis: Diagnosis) -> str:
    """Return how sure the verdict is, and since when it could be known."""
    if diagnosis.learning_rate not in ("too_high", "too_low"):
        return ""
    since = diagnosis.first_alarm_step
    seen = "" if since is None else f", seen from step {count(since)} on"
    return f" (confidence {number(diagnosis.confidence, 2)}{seen})"
