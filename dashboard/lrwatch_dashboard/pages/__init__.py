"""The pages: one module each, listed here, nothing at import time.

A page asks the source, hands view models to components and figures, and says which callbacks
join them. It reads no files and draws nothing itself.
"""

from __future__ import annotations

from typing import Final

from lrwatch_dashboard.address import key_of
from lrwatch_dashboard.pages import alerts, compare, help, overview, run, sweep  # noqa: A004
from lrwatch_dashboard.pages.page import Page

__all__ = ["PAGES", "find_page"]

PAGES: Final = (overview.PAGE, compare.PAGE, sweep.PAGE, alerts.PAGE, help.PAGE, run.PAGE)
"""Every page, in the order of the bar."""


def find_page(path: str) -> tuple[Page, tuple[str, ...]] | None:
    """Return the page at a path, and the key of its run if it is of one; None if there is none.

    Examples
    --------
    >>> [(page.path, run) for page, run in map(find_page, ("/sweep", "/run/a%20b"))]
    [('/sweep', ()), ('/run/', ('a b',))]
    """
    for page in PAGES:
        if page.is_of_run and path.startswith(page.path):
            return page, (key_of(path),)
        if path == page.path:
            return page, ()
    return None
