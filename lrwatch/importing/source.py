"""The files of other tools, opened as what a stranger left: plain files of a bounded size."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from lrwatch.errors import RunUnreadable
from lrwatch.plain_files import open_plain, read_file

__all__ = ["content_of", "decoded", "head_of", "is_text", "run_name", "settings_of", "text_of"]

_HEAD_BYTES: Final = 2**18
_LARGEST: Final = 2**30

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
"""How a text begins that a Windows shell wrote."""

_SAYS_NOTHING: Final = re.compile(
    r"(events\.out\.tfevents.*|metrics|trainer_state|trainer_log|results|progress|log|logs|"
    r"history|output|train|training|run|runs|scalars|vis_data|files|stdout|trackio|mlflow|wandb|"
    r"(version|checkpoint)[-_]\d+|\d+)",
    re.IGNORECASE,
)
"""Names that a tool gives to each run: what is above them tells runs apart."""

_SETTING: Final = re.compile(r"([A-Za-z_][\w.\- ]*):[ \t]+([^#{}\[\]&*!|>]+?)[ \t]*")
_MOST_SETTINGS: Final = 1000


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file; none of a folder.

    Raises
    ------
    OSError
        If it cannot be read, or is no plain file.
    """
    if path.is_dir():
        return b""
    with os.fdopen(open_plain(path, follow=True), "rb") as file:
        return file.read(_HEAD_BYTES)


def content_of(path: Path) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    RunUnreadable
        If it is not there, is no plain file or is too large.
    """
    try:
        content = read_file(path, most=_LARGEST, follow=True)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise RunUnreadable(f"{path.name} cannot be read: {what}") from error
    if content is None:
        raise RunUnreadable(f"{path.name} is not there")
    return content


def is_text(head: bytes) -> bool:
    """Tell whether bytes are the beginning of a text."""
    return bool(head) and (head.startswith(_UTF16) or b"\0" not in head)


def decoded(content: bytes) -> str:
    """Return bytes as text; what is no text becomes U+FFFD."""
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    return content.decode(encoding, "replace")


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises
    ------
    RunUnreadable
        If it cannot be read, or is no text.
    """
    content = content_of(path)
    if not is_text(content[:_HEAD_BYTES]) and content:
        raise RunUnreadable(f"{path.name} is no text")
    return decoded(content)


def run_name(path: Path) -> str:
    """Name a run after its file, or the folders above it where that name says nothing.

    Examples
    --------
    >>> run_name(Path("out/llama-lora/checkpoint-500/trainer_state.json"))
    'llama-lora-checkpoint-500'
    >>> run_name(Path("lightning_logs/version_3/metrics.csv"))
    'lightning_logs-version_3'
    >>> run_name(Path("logs/resnet.csv"))
    'resnet'
    """
    parts = [
        path.name if path.is_dir() else path.stem,
        *(each.name for each in path.absolute().parents),
    ]
    if not _SAYS_NOTHING.fullmatch(parts[0]):
        return parts[0]
    named = [parts[0]] if path.is_dir() else []
    for part in filter(None, parts[1:]):
        named.append(part)
        if not _SAYS_NOTHING.fullmatch(part):
            break
    return "-".join(reversed(named)) or parts[0]


def settings_of(path: Path) -> dict[str, float | str]:
    """Return the plain ``key: value`` lines of a YAML file; what is nested is left out.

    A file that is not there, or cannot be read, has none.
    """
    try:
        text = text_of(path)
    except RunUnreadable:
        return {}
    found: dict[str, float | str] = {}
    for line in text.splitlines()[:_MOST_SETTINGS]:
        match = _SETTING.fullmatch(line)
        if match is not None:
            found[match[1]] = setting(match[2].strip("'\""))
    return found


def setting(text: str) -> float | str:
    """Return a setting as a number where it is one."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and text.lstrip("+-").isdigit() else number
