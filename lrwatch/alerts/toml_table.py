"""A TOML file whose keys know their line: every error says where to look."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from lrwatch.errors import InvalidArgument
from lrwatch.formats import printable

__all__ = ["Table", "read_toml"]

_HEADER: Final = re.compile(r"\s*\[\[?([^\]#]+)\]")
_KEY: Final = re.compile(
    r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART: Final = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")

_Keys = tuple[str, ...]


class Table:
    """A table of a TOML file, which takes its keys with their types.

    Parameters
    ----------
    path
        The file, for errors.
    lines
        Line of each key, by its full path.
    content
        What the table holds.
    keys
        Path of the table itself.
    """

    def __init__(
        self, path: Path, lines: Mapping[_Keys, int], content: Mapping[str, Any], keys: _Keys = ()
    ) -> None:
        self._path = path
        self._lines = lines
        self._content = content
        self._keys = keys

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def allow(self, names: Collection[str]) -> None:
        """Check that there are no keys but these.

        Raises
        ------
        InvalidArgument
            If there is another one.
        """
        for name in self._content:
            if name not in names:
                self.refuse(name, f"is not known; allowed: {', '.join(sorted(names))}")

    def table(self, name: str) -> Table:
        """Return the table of that name, empty if it is not there."""
        content = self._content.get(name, {})
        if not isinstance(content, dict):
            self.refuse(name, f"must be a table, [{'.'.join((*self._keys, name))}]")
        return Table(self._path, self._lines, content, (*self._keys, name))

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Yield every key as a table."""
        for name in self._content:
            yield name, self.table(name)

    def text(self, name: str, otherwise: str = "") -> str:
        """Return a text that is not empty, or `otherwise` where there is none."""
        value = self._content.get(name, otherwise)
        if not isinstance(value, str) or (name in self._content and not value.strip()):
            self.refuse(name, "must be a text that is not empty")  # it may be a secret
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return one text, or a list of them."""
        value = self._content.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            self.refuse(name, "must be a text or a list of texts")
        return tuple(values)

    def choice(self, name: str, allowed: Collection[str], otherwise: str) -> str:
        """Return one of the allowed words."""
        value = self._content.get(name, otherwise)
        if not isinstance(value, str) or value not in allowed:
            self.refuse(name, f"must be one of {', '.join(allowed)}, got {value!r}")
        return value

    def flag(self, name: str, *, otherwise: bool) -> bool:
        """Return true or false."""
        value = self._content.get(name, otherwise)
        if not isinstance(value, bool):
            self.refuse(name, f"must be true or false, got {value!r}")
        return value

    def number(self, name: str, otherwise: float, *, whole: bool = False) -> float:
        """Return a number from 0 on."""
        value = self._content.get(name, otherwise)
        kinds = (int,) if whole else (int, float)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        if not is_number or not 0 <= value < float("inf"):
            what = "whole number" if whole else "number"
            self.refuse(name, f"must be a {what} from 0 on, got {value!r}")
        return value  # type: ignore[no-any-return]

    def refuse(self, name: str, why: str) -> NoReturn:
        """Raise an error about a key, or, with an empty name, about the table.

        Raises
        ------
        InvalidArgument
            Always.
        """
        keys = (*self._keys, name) if name else self._keys
        raise InvalidArgument(f"{self._path}{_where(keys, self._lines)}: {'.'.join(keys)} {why}")


def read_toml(path: Path) -> Table:
    """Read a TOML file.

    Raises
    ------
    InvalidArgument
        If it is no TOML, or cannot be read.
    """
    try:
        text = path.read_bytes().decode()
        content = tomllib.loads(text)
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{path} must be text in UTF-8: {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgument(f"{path} is no TOML: {printable(str(error))}") from error
    except RecursionError as error:
        raise InvalidArgument(f"{path} is no TOML: it is nested too deeply") from error
    return Table(path, _lines(text), content)


def _where(keys: _Keys, lines: Mapping[_Keys, int]) -> str:
    while keys:
        if keys in lines:
            return f" line {lines[keys]}"
        keys = keys[:-1]  # written within its table, on that line
    return ""


def _lines(text: str) -> dict[_Keys, int]:
    """Return the line of every key that stands at the beginning of one."""
    found: dict[_Keys, int] = {}
    header: _Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            header = _parts(match[1])
            found.setdefault(header, number)
        elif match := _KEY.match(line):
            found.setdefault((*header, *_parts(match[1])), number)
    return found


def _parts(dotted: str) -> _Keys:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
