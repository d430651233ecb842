"""Ids of components that several modules or a script of the assets speak to.

Those of a single page stand in its module.
"""

from typing import Final

__all__ = [
    "ALERT_COUNT",
    "BEAT",
    "GRID",
    "HELP",
    "MARK_COUNT",
    "PAGE",
    "SILENCE_BY",
    "SILENCE_PROBLEM",
    "SILENCE_REASON",
    "SILENCE_RUN",
    "THEME",
    "THEME_TOGGLE",
    "URL",
    "VIEW",
]

URL: Final = "url"
PAGE: Final = "page"
THEME: Final = "theme"
THEME_TOGGLE: Final = "theme-toggle"
HELP: Final = "help"
ALERT_COUNT: Final = "alert-count"
VIEW: Final = "view"
"""How the charts of a page are shown, in the words of `lrwatch_dashboard.address`."""

BEAT: Final = "beat"
"""Receives the server's clock at every poll; silence here shows the banner."""

GRID: Final = "runs"
MARK_COUNT: Final = "mark-count"

SILENCE_RUN: Final = "silence-run"
SILENCE_REASON: Final = "silence-reason"
SILENCE_BY: Final = "silence-by"
SILENCE_PROBLEM: Final = "silence-problem"
