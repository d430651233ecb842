"""The texts of figures, which are a kind of HTML, as elements that can do no harm."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final
from xml.etree.ElementTree import Element, SubElement

__all__ = ["rich_text"]

_ALLOWED: Final = frozenset({"b", "i", "sup", "sub", "span"})


class _Reader(HTMLParser):
    """Keeps a few tags without their attributes; all else is text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("span")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag == "br":
            SubElement(self._open[-1], "br")
        elif tag in _ALLOWED:
            # The only spans are those that step back behind the text around them.
            look = {"class": "quiet"} if tag == "span" else {}
            self._open.append(SubElement(self._open[-1], tag, look))

    def handle_endtag(self, tag: str) -> None:
        if tag in _ALLOWED and len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        inner = self._open[-1]
        if len(inner):
            inner[-1].tail = (inner[-1].tail or "") + data
        else:
            inner.text = (inner.text or "") + data


def rich_text(text: str) -> Element:
    """Return the element of a text of a figure."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.root
