"""What pages read of a store, and what of it changed since they read it last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lrwatch_dashboard.views import RunView

__all__ = ["Published"]


@dataclass(slots=True)
class Published:
    """What is shown of each run, and at which revision that changed; replaced piece by piece.

    Attributes
    ----------
    views
        The runs, by key.
    changed_at, gone_at
        Revision at which a run was last changed, or went.
    revision
        Counts up with every change.
    problem
        Why the store cannot be listed; empty if it can.
    """

    views: dict[str, RunView] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)
    gone_at: dict[str, int] = field(default_factory=dict)
    revision: int = 0
    problem: str = ""

    def replace(self, views: Mapping[str, RunView], gone: Collection[str] = ()) -> None:
        """Take over what changed, and let go of runs that are gone."""
        self.revision += bool(views or gone)
        self.views.update(views)
        for key in views:
            self.changed_at[key] = self.revision
            self.gone_at.pop(key, None)
        for key in gone:
            self.gone_at[key] = self.revision
            self.views.pop(key, None)
            self.changed_at.pop(key, None)
