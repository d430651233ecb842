"""Find runs by what is known of them: one filter language for the pages and the commands."""

from lrwatch.finding.completion import completions
from lrwatch.finding.facts import RunFacts
from lrwatch.finding.run_filter import RunFilter

__all__ = ["RunFacts", "RunFilter", "completions"]
