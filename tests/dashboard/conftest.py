"""Apps are made by the hundred, and Dash looks through all installed packages for each."""

from __future__ import annotations

from dash._hooks import HooksManager

# Dash means to look once, and never says that it has.
HooksManager._registered = True
