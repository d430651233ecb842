"""Which runs a filter of the Overview means, and what may be asked of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrwatch.finding import RunFilter, completions
from lrwatch_dashboard.views import RunView

__all__ = ["EVERY_RUN", "FoundRuns", "find_runs", "known_names"]

EVERY_RUN: Final = ("verdict", "optimizer", "group", "status")
"""What rows can be grouped by, beside the settings."""

_MOST_SETTINGS: Final = 200


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """What a filter means among runs.

    Attributes
    ----------
    keys
        The runs; None for every one.
    verdicts
        Number of those runs of each verdict.
    note
        What of the filter no run can answer; empty if all is well.
    n_archived
        Runs that are left out because they were archived.
    """

    keys: tuple[str, ...] | None
    verdicts: Mapping[str, int]
    note: str = ""
    n_archived: int = 0


def find_runs(views: Sequence[RunView], text: str) -> FoundRuns:
    """Return the runs that a text means; see docs/command-line.md for what it may say."""
    wanted = RunFilter(text)
    facts = [view.facts for view in views]
    found = [v for v, known in zip(views, facts, strict=True) if wanted.matches(known)]
    archived = 0 if wanted.sees_archived else sum(view.is_archived for view in views)
    return FoundRuns(
        keys=None if len(found) == len(views) else tuple(view.key for view in found),
        verdicts=Counter(view.verdict for view in found),
        note=next(iter(wanted.unknown(facts)), "") if views else "",
        n_archived=archived,
    )


def known_names(views: Sequence[RunView]) -> dict[str, list[str]]:
    """Return how a filter may go on, the settings there are, and which of them tell runs apart."""
    values: dict[str, set[Any]] = defaultdict(set)
    for view in views:
        for name, value in view.config.items():
            values[name].add(value if isinstance(value, str | float | None) else str(value))
    n_having = Counter(name for view in views for name in view.config)
    telling = [n for n in values if len(values[n]) > 1 or n_having[n] < len(views)]
    # Commas stand between the columns of an address.
    metrics = sorted({name for view in views for name in view.metrics if "," not in name})
    return {
        "metrics": metrics[:_MOST_SETTINGS],
        "terms": completions(view.facts for view in views),
        "settings": sorted(values)[:_MOST_SETTINGS],
        "groups": [*EVERY_RUN, *sorted(telling)[:_MOST_SETTINGS]],
    }
