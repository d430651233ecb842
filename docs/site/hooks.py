"""What the site has beside the pages of docs/: the texts at the root, pictures, the tutorial.

mkdocs calls these functions (mkdocs.yml, `hooks`). A page is kept in one place: here it is only
shown, with its links turned to where they lead within the site.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from tutorial_page import PLOTLY, page_of

ROOT: Final = Path(__file__).parents[2]
ASSETS: Final = ROOT / "dashboard/lrwatch_dashboard/assets"

AT_THE_ROOT: Final = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
MOVED: Final = (
    (re.compile(r"\]\((?:\.\./)?(README|CHANGELOG|CONTRIBUTING)\.md"), r"](<\1.md>"),
    (re.compile(r"\]\(docs/"), "]("),
    (re.compile(r"\]\((\.\./)?tutorial\.ipynb"), r"](\1tutorial.md"),
    (re.compile(r"\]\(\.\./dashboard/lrwatch_dashboard/assets/"), "](images/"),
    (re.compile(r"\]\(\.\./(Dockerfile|deploy/)"), r"](files/\1"),
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the list of pages."""
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    for section in config.nav or ():
        for entry in section.get("Project", ()):
            if "Decisions" in entry:
                entry["Decisions"] = [f"decisions/{path.name}" for path in decisions]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not lie in docs/."""
    for name, address in AT_THE_ROOT.items():
        files.append(_text(address, (ROOT / name).read_text(encoding="utf-8"), config))
    files.append(_text("tutorial.md", page_of(ROOT / "docs/tutorial.ipynb"), config))
    files.append(File.generated(config, "site/plotly.min.js", abs_src_path=str(PLOTLY)))
    for path in (ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*.yaml")):
        address = f"files/{path.relative_to(ROOT).as_posix()}"
        files.append(File.generated(config, address, abs_src_path=str(path)))
    for picture in (ASSETS / "mark.svg", *(ASSETS / "samples").glob("*.svg")):
        address = f"images/{picture.relative_to(ASSETS).as_posix()}"
        files.append(File.generated(config, address, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Turn links to files that the site has elsewhere."""
    return _turned(markdown)


def _text(address: str, text: str, config: MkDocsConfig) -> File:
    return File.generated(config, address, content=text)


def _turned(text: str) -> str:
    for pattern, replacement in MOVED:
        text = pattern.sub(replacement, text)
    for name, address in AT_THE_ROOT.items():
        text = text.replace(f"](<{name}>", f"]({address}")
    return text
