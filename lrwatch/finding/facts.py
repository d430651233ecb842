"""What a filter may ask of a run, by the names that it is asked by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lrwatch.finding.metric_summary import MetricSummary, wants_least
from lrwatch.verdicts import CLASSES

__all__ = ["FIELDS", "RunFacts"]

FIELDS: Final = (
    "name",
    "verdict",
    "rate",
    "reason",
    "status",
    "is",
    "optimizer",
    "group",
    "tag",
    "note",
    "lr",
    "loss",
    "steps",
)
"""Names that every run has; any other name is that of a setting, or of a metric."""

_BEST: Final = "best:"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run.

    Attributes
    ----------
    name, folder
        What it is called, and its path in the store.
    verdict, learning_rate, reason
        As in `lrwatch.verdicts.Diagnosis`.
    state
        As in `lrwatch.records.RunState`.
    optimizer, group, config
        As in `lrwatch.records.RunInfo`; the settings flat, nested names joined by dots.
    tags, note, is_pinned, is_archived
        What people said of it.
    lr, loss, steps
        Peak learning rate, best loss, and steps recorded; ``None`` where there is none.
    metrics
        What its user's own metrics came to, by name.
    """

    name: str
    folder: str = ""
    verdict: str = ""
    learning_rate: str = ""
    reason: str = ""
    state: str = ""
    optimizer: str = ""
    group: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    note: str = ""
    is_pinned: bool = False
    is_archived: bool = False
    lr: float | None = None
    loss: float | None = None
    steps: int = 0
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict)

    def values(self, name: str) -> list[Any]:
        """Return what a name in lower case means for this run: settings of the name, too.

        That of a metric means its last value, and after ``best:`` its best one.
        """
        if name.startswith(_BEST):
            name = name.removeprefix(_BEST)
            return [m.best(least=wants_least(key)) for key, m in self._metrics_called(name)]
        found = list(self._of_every_run(name)) if name in FIELDS else []
        name = name.removeprefix("config.")
        for key, value in self.config.items():
            known = key.lower()
            if known == name or known.endswith(f".{name}"):
                found += value if isinstance(value, list | tuple) else [value]
        return found + [metric.last for _, metric in self._metrics_called(name)]

    def text(self) -> str:
        """Return what a plain word is looked for in, in lower case."""
        said = [self.name, self.folder, self.verdict, self.verdict.replace("_", " ")]
        said += [self.reason, self.state, self.optimizer, self.group, *self.tags, self.note]
        said += [str(value) for value in self.config.values()]
        return "\n".join(said).lower()

    def _metrics_called(self, name: str) -> list[tuple[str, MetricSummary]]:
        return [(key, metric) for key, metric in self.metrics.items() if key.lower() == name]

    def _of_every_run(self, name: str) -> tuple[Any, ...]:
        if name == "name":
            return self.name, self.folder
        if name == "verdict":
            return self._verdicts()
        if name == "is":
            return self._standings()
        if name == "tag":
            return self.tags
        return (getattr(self, {"rate": "learning_rate", "status": "state"}.get(name, name)),)

    def _verdicts(self) -> tuple[str, ...]:
        """Return the verdict, and its class where no verdict has that name."""
        is_class = self.learning_rate not in CLASSES and self.learning_rate != "ok"
        return (self.verdict, self.learning_rate) if is_class else (self.verdict,)

    def _standings(self) -> tuple[str, ...]:
        said = {
            "all": True,
            "archived": self.is_archived,
            "pinned": self.is_pinned,
            "noted": bool(self.note),
            "tagged": bool(self.tags),
            "flagged": self.learning_rate in ("too_high", "too_low"),
        }
        return (self.state, *(word for word, is_so in said.items() if is_so))
