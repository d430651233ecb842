"""Prints constraints for pip: of each package that pyproject.toml asks for, the lowest version."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
extras = project["optional-dependencies"]
for wanted in (*project["dependencies"], *extras["dashboard"], *extras["notify"]):
    found = re.fullmatch(r"([\w-]+)>=([\d.]+)(,<[\d.]+)?", wanted)
    if found is None:
        sys.exit(f"{wanted} has no lower bound that this can read")
    print(f"{found[1]}=={found[2]}")
