"""What pages read of a store, and what of it changed since they read it last."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lrwatch_dashboard.views import RunView

__all__ = ["Published"]


@dataclass(slots=True)
class Published:
    """What is shown of each run, and at which revision that changed; replaced piece by piece.

    Attributes
    ----------
    identity
        Of the process: its revisions mean nothing to another one.
    views
        The runs, by key; the token of each stands for the revision at which it was changed.
    changed_at, gone_at
        Revision at which a run was last changed, or went.
    revision
        Counts up with every change.
    problem
        Why the store cannot be listed; empty if it can.
    """

    identity: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    views: dict[str, RunView] = field(default_factory=dict)
    changed_at: dict[str, int] = field(default_factory=dict)
    gone_at: dict[str, int] = field(default_factory=dict)
    revision: int = 0
    problem: str = ""

    @property
    def token(self) -> str:
        """Stands for the revision."""
        return f"{self.identity}:{self.revision}"

    def replace(self, views: Mapping[str, RunView], gone: Collection[str] = ()) -> None:
        """Take over what changed, and let go of runs that are gone."""
        self.revision += bool(views or gone)
        for key, view in views.items():
            self.views[key] = dataclasses.replace(view, token=self.token)
            self.changed_at[key] = self.revision
            self.gone_at.pop(key, None)
        for key in gone:
            self.gone_at[key] = self.revision
            self.views.pop(key, None)
            self.changed_at.pop(key, None)
