"""One run of a store and its alerts: those on its verdict, and those on its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lrwatch.alert import Alert
from lrwatch.alerts.file_alerts import FileAlerts
from lrwatch.alerts.rules import NO_DATA, RULES, Rule
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.following import Clock, FollowedRun, RunSummary
from lrwatch.store import RunEntry
from lrwatch.verdicts import Diagnosis

__all__ = ["WatchedRun"]


class WatchedRun(FollowedRun[Alert]):
    """Follows one run for its alerts; the watcher and the dashboard see the same ones.

    Parameters
    ----------
    entry
        Where it is.
    rules
        Which verdicts become alerts, and whether missing rows and unreadable files do.
    clock
        Does not jump.
    earlier
        Alerts by id as the last watcher left them.
    """

    def __init__(
        self,
        entry: RunEntry,
        rules: Sequence[Rule] = RULES,
        clock: Clock | None = None,
        earlier: Mapping[str, Alert] | None = None,
    ) -> None:
        self._on_files = FileAlerts(rules, earlier or {})
        self._at_rest: tuple[Alert, ...] = ()
        super().__init__(
            entry,
            lambda info: RunAlerts(info, rules),
            patience=next((r.for_seconds for r in rules if r.name == NO_DATA), None),
            clock=clock,
        )

    @property
    def is_over(self) -> bool:
        """Whether the run has ended and was judged to its end."""
        return self.has_ended and not self.problem and not self.is_behind

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Every alert that is in a state."""
        return (*self.verdict_alerts, *self._on_files.alerts)

    @property
    def verdict_alerts(self) -> tuple[Alert, ...]:
        """Those that the rows alone decide."""
        return tuple(self.judge.alerts) if isinstance(self.judge, RunAlerts) else self._at_rest

    def beside(self, found: Diagnosis) -> None:
        """Take the verdict on the run beside its siblings."""
        is_compared = any(
            test.name == "siblings" and test.value is not None for test in found.evidence
        )
        if is_compared and isinstance(self.judge, RunAlerts):
            self.judge.beside(found, is_final=self.is_over)

    def settle(self) -> None:
        """Bring the alerts up to date with the rows that were read, and with the clock."""
        if self.is_over and isinstance(self.judge, RunAlerts):
            self.judge.end()
        self._on_files.see(self, self._clock())

    def rest_on(
        self, summary: RunSummary, diagnosis: Diagnosis, alerts: Sequence[Alert] | None = None
    ) -> None:
        """Keep only these; the alerts as they are, unless others are given."""
        self._at_rest = self.verdict_alerts if alerts is None else tuple(alerts)
        super().rest_on(summary, diagnosis)
