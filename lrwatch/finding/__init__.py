"""Find runs by what is known of them: one filter language for the pages and the commands."""

from lrwatch.finding.facts import RunFacts
from lrwatch.finding.metric_summary import (
    EVENTS,
    LAYERS,
    MetricSummary,
    is_event,
    is_layer,
    is_own,
    wants_least,
)
from lrwatch.finding.run_filter import RunFilter, completions

__all__ = [
    "EVENTS",
    "LAYERS",
    "MetricSummary",
    "RunFacts",
    "RunFilter",
    "completions",
    "is_event",
    "is_layer",
    "is_own",
    "wants_least",
]
