"""How often good runs are alarmed."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.accuracy.corpus import loss_and_rate
from lrwatch.monitor import Monitor
from lrwatch.records import StepBlock
from lrwatch.verdicts import Alarm

__all__ = ["Tally", "judge"]


@dataclass
class Tally:
    """Alarms over many runs.

    Attributes
    ----------
    n_runs, n_steps, n_alarmed, n_alarms, n_flagged
        Runs, their steps, runs with an alarm, alarms, runs whose last verdict is against them.
    lines
        What was said of each that is alarmed or flagged.
    """

    n_runs: int = 0
    n_steps: int = 0
    n_alarmed: int = 0
    n_alarms: int = 0
    n_flagged: int = 0
    lines: list[str] = field(default_factory=list)

    def add(self, name: str, steps: StepBlock) -> None:
        """Judge one more run."""
        alarms, verdict, is_flagged = judge(steps)
        self.n_runs += 1
        self.n_steps += len(steps)
        self.n_alarmed += bool(alarms)
        self.n_alarms += len(alarms)
        self.n_flagged += is_flagged
        if alarms or is_flagged:
            said = [f"{alarm.verdict}@{alarm.step} ({alarm.confidence:.2f})" for alarm in alarms]
            self.lines.append(f"{name}: {', '.join(said[:4]) or 'no alarm'}; ends {verdict}")

    def __str__(self) -> str:
        """Everything in a line."""
        per_million = 1e6 * self.n_alarms / max(self.n_steps, 1)
        return (
            f"{self.n_alarmed} of {self.n_runs} runs alarmed, {self.n_alarms} alarms, "
            f"{per_million:.2f} per million steps; {self.n_flagged} flagged at the end"
        )


def judge(steps: StepBlock) -> tuple[list[Alarm], str, bool]:
    """Alarms of a run while it is watched, its last verdict, and whether that is against it."""
    monitor = Monitor()
    alarms = monitor.update(steps)
    found = monitor.diagnosis()
    return alarms, found.verdict, found.learning_rate in ("too_high", "too_low")


VIEWS = {"all norms": lambda steps: steps, "loss and rate": loss_and_rate}
