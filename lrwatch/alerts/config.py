"""``lrwatch.toml``: rules, receivers and timing; every mistake names its key."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import msgspec

from lrwatch.alert import SEVERITIES, Severity
from lrwatch.alerts.grouping import GroupBy, Timing
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.codec import explained
from lrwatch.delivery import Receiver, receiver_for
from lrwatch.errors import InvalidArgument
from lrwatch.formats import printable

__all__ = ["AlertSettings", "read_settings"]

_PUBLIC: Final = ("log:", "jsonl:")
_WORDS: Final = {"severity": tuple(SEVERITIES), "by": get_args(GroupBy)}

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
_Steps = Annotated[int, msgspec.Meta(ge=0)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How a store is watched.

    Attributes
    ----------
    rules
        Those that are switched on.
    timing, group_by
        When messages are sent, and what goes into one.
    dashboard
        Address of the dashboard, for links; empty if there is none.
    receivers
        Who gets the messages.
    """

    rules: tuple[Rule, ...] = RULES
    timing: Timing = field(default_factory=Timing)
    group_by: GroupBy = "rule"
    dashboard: str = ""
    receivers: tuple[Receiver, ...] = ()


def _table(*keys: tuple[str, Any, Any]) -> Any:
    """Return the type of a table: its keys, with types and defaults; no others are allowed."""
    return msgspec.defstruct("Table", keys, frozen=True, forbid_unknown_fields=True)


def _rule_table(rule: Rule) -> Any:
    keys = {"enabled": bool, "severity": Severity}
    keys |= dict.fromkeys(("for_seconds", "keep_seconds"), _Seconds)
    keys |= dict.fromkeys(("for_steps", "keep_steps"), _Steps) if rule.verdicts else {}
    return _table(*((key, kind, getattr(rule, key, True)) for key, kind in keys.items()))


_RULES: Final = _table(*((r.name, t, t()) for r in RULES for t in [_rule_table(r)]))
_TIMING: Final = _table(*((f.name, _Seconds, f.default) for f in fields(Timing)))
_GROUPING: Final = _table(("by", GroupBy, "rule"))
_FILE: Final = _table(
    ("dashboard", Annotated[str, msgspec.Meta(pattern="^https?://")], ""),
    ("timing", _TIMING, _TIMING()),
    ("grouping", _GROUPING, _GROUPING()),
    ("rules", _RULES, _RULES()),
    ("receivers", dict[str, Any], {}),
)
_RECEIVER: Final = _table(
    *((key, _Text | None, None) for key in ("url", "url_env", "url_file", "secret_file")),
    ("secret_env", _Text | list[_Text], ()),
)


def read_settings(path: Path | None, environment: Mapping[str, str] = os.environ) -> AlertSettings:
    """Read a configuration.

    Parameters
    ----------
    path
        A TOML file, as described in docs/alerts.md; ``None`` for the defaults.
    environment
        Where ``url_env`` and ``secret_env`` are looked up.

    Raises
    ------
    InvalidArgument
        If anything in it is not allowed; the message names file and key.
    MissingExtra
        If a receiver needs Apprise, and that is not installed.
    """
    if path is None:
        return AlertSettings()
    try:
        file = _checked(_toml(path), _FILE)
        tables = [(rule, msgspec.structs.asdict(getattr(file.rules, rule.name))) for rule in RULES]
        return AlertSettings(
            rules=tuple(
                replace(rule, **{k: v for k, v in table.items() if k != "enabled"})
                for rule, table in tables
                if table["enabled"]
            ),
            timing=Timing(**msgspec.structs.asdict(file.timing)),
            group_by=file.grouping.by,
            dashboard=file.dashboard,
            receivers=tuple(
                _receiver(name, table, path, environment) for name, table in file.receivers.items()
            ),
        )
    except ValueError as error:
        raise InvalidArgument(f"{path}: {error}") from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"must be text in UTF-8: {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not valid TOML: {printable(str(error))}") from error
    except RecursionError as error:
        raise ValueError("is not valid TOML: it is nested too deeply") from error


def _checked(content: Any, kind: Any, *within: str) -> Any:
    """Return a table with its types, or say which key is wrong, and what is allowed there."""
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        where, what = explained(error)
        what = what.replace("object", "table").replace("array", "list")
    keys = where.split(".") if where else []
    if " unknown field " in what:
        for key in keys:
            kind = {field.name: field.type for field in msgspec.structs.fields(kind)}[key]
        what += f"; allowed: {', '.join(sorted(kind.__struct_fields__))}"
    elif keys and keys[-1] in _WORDS:
        what += f"; allowed: {', '.join(_WORDS[keys[-1]])}"
    raise ValueError(": ".join(filter(None, [".".join([*within, *keys]), what])))


def _receiver(name: str, content: Any, path: Path, environment: Mapping[str, str]) -> Receiver:
    table = _checked(content, _RECEIVER, "receivers", name)
    try:
        secrets = [table.secret_env] if isinstance(table.secret_env, str) else table.secret_env
        keys = [_from_environment("secret_env", key, environment) for key in secrets]
        if table.secret_file is not None:
            keys.append(_from_file("secret_file", table.secret_file, path))
        return receiver_for(_address(table, path, environment), name=name, secrets=keys)
    except ValueError as error:
        raise ValueError(f"receivers.{name}: {error}") from error


def _address(table: Any, path: Path, environment: Mapping[str, str]) -> str:
    if sum(given is not None for given in (table.url, table.url_env, table.url_file)) != 1:
        raise ValueError("needs one of url_env, url_file and url")
    if table.url_env is not None:
        return _from_environment("url_env", table.url_env, environment)
    if table.url_file is not None:
        return _from_file("url_file", table.url_file, path)
    address: str = table.url
    if not address.startswith(_PUBLIC) and _is_readable_by_others(path):
        raise ValueError(
            "url may hold a secret, so it must not be in a file that others can read: "
            f"chmod 600 {path.name}, or use url_env or url_file"
        )
    return address


def _from_environment(key: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    if not value:
        # Not which: people write the secret itself there.
        raise ValueError(f"{key} must name an environment variable that is set")
    return value


def _from_file(key: str, name: str, config: Path) -> str:
    try:
        file = config.parent / Path(name).expanduser()
        value = file.read_text(encoding="utf-8").strip()
        is_public = _is_readable_by_others(file)
    except OSError as error:
        raise ValueError(f"{key} must name a file that can be read: {error.strerror}") from None
    except (ValueError, RuntimeError):  # not text, not a name, or a home that is not known
        raise ValueError(f"{key} must name a readable file with text in UTF-8") from None
    if is_public:
        raise ValueError(f"{key} names a file that others can read: chmod 600 {file}")
    if not value:
        raise ValueError(f"{key} names an empty file")
    return value


def _is_readable_by_others(path: Path) -> bool:
    # Elsewhere the mode does not say who may read a file.
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)
