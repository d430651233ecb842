"""The site: built strictly; links and anchors lead somewhere, nothing comes from other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from sources import ROOT

import lrwatch
from lrwatch import alerts
from lrwatch.cli.program import program

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

_ELSEWHERE = re.compile(r"(?:https?:)?//")
_IN_STYLE = re.compile(r"""(?:url\(|@import)\s*['"]?((?:https?:)?//[^'")]+)""")


@dataclass
class SitePage(HTMLParser):
    """What a page has: the names of its places, where it leads, and what it loads."""

    text: str
    places: set[str] = field(default_factory=set)
    leads: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        self.classes |= set(given.get("class", "").split())
        if tag == "a":
            self.leads |= {given["href"]} if "href" in given else set()
        elif tag != "link" or given.get("rel") not in ("canonical", "alternate", "next", "prev"):
            self.loads |= {given[name] for name in ("src", "href", "srcset") if name in given}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site where no network can be reached, as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    nowhere = "http://127.0.0.1:9"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dashboard")]),
        "NO_MKDOCS_2_WARNING": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"), nowhere),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        check=False, capture_output=True, text=True, timeout=900, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def read(site: Path) -> dict[str, SitePage]:
    return {
        path.relative_to(site).as_posix(): SitePage(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
    }


def test_every_page_of_docs_is_in_it(read: dict[str, SitePage]) -> None:
    written = (path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))
    expected = {path.with_suffix(".html").as_posix() for path in written}
    expected |= {"index.html", "tutorial.html", "changelog.html", "contributing.html"}
    assert expected <= set(read)


def test_each_link_leads_to_a_place_that_is_there(site: Path, read: dict[str, SitePage]) -> None:
    lost = [
        (name, link)
        for name, page in read.items()
        if name != "404.html"  # its links begin where it is served
        for link in page.leads | page.loads
        if not _ELSEWHERE.match(link) and not link.startswith(("mailto:", "data:"))
        if not _is_there(site, read, name, link)
    ]
    assert not lost


def _is_there(site: Path, read: dict[str, SitePage], name: str, link: str) -> bool:
    address, place = urldefrag(unquote(link))
    target = (site / name).parent / address if address else site / name
    if not target.is_file():
        return False
    key = target.resolve().relative_to(site.resolve()).as_posix()
    return not place or key not in read or place in read[key].places


def test_nothing_is_loaded_from_another_host(site: Path, read: dict[str, SitePage]) -> None:
    assert not [(name, x) for name, page in read.items() for x in page.loads if _ELSEWHERE.match(x)]
    styles = {path.name: path.read_text(encoding="utf-8") for path in site.rglob("*.css")}
    assert styles
    assert not [(name, found) for name in styles for found in _IN_STYLE.findall(styles[name])]
    # The theme's script fetches what draws such a diagram, where a page has one.
    assert not [name for name, page in read.items() if "mermaid" in page.classes]


def test_every_public_name_is_described(read: dict[str, SitePage]) -> None:
    names = {f"lrwatch.{name}" for name in lrwatch.__all__}
    names |= {f"lrwatch.alerts.{name}" for name in set(alerts.__all__) - set(lrwatch.__all__)}
    assert not names - read["api.html"].places


def test_every_command_is_described(read: dict[str, SitePage]) -> None:
    text = read["command-options.html"].text
    assert not [usage for usage in _usages() if usage not in text]


def _usages() -> Iterator[str]:
    context = program.make_context("lrwatch", ["--help"], resilient_parsing=True)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        assert command is not None
        yield f"lrwatch {name}"
        for option in (option for parameter in command.params for option in parameter.opts):
            if option.startswith("--"):
                yield option


def test_the_tutorial_shows_what_its_cells_gave(read: dict[str, SitePage]) -> None:
    text = read["tutorial.html"].text
    assert text.count("Plotly.newPlot(") == 2
    assert text.count("dataframe") or text.count("<table") >= 2
    for verdict in ("diverging", "too low", "ok"):
        assert f"</span> {verdict}</span>" in text
    assert "Try a peak learning rate of" in text
