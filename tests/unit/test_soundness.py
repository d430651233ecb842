from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from lrwatch.soundness import is_sound


@dataclass
class Inner:
    name: str = "x"


@dataclass
class Outer:
    kind: Literal["a", "b"] | None = "a"
    size: int = 1
    rate: float = 0.5
    pair: tuple[int, int] = (1, 2)
    names: tuple[str, ...] = ()
    inner: tuple[Inner, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": None},
        {"rate": 3},
        {"rate": float("nan")},
        {"names": ("a", "b"), "inner": (Inner(), Inner()), "rates": {"a": 1.0}},
    ],
)
def test_what_the_types_say_is_sound(fields: dict[str, Any]) -> None:
    assert is_sound(Outer(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "c"},
        {"kind": []},
        {"size": True},
        {"size": 1.5},
        {"size": 10**400},
        {"rate": 10**400},
        {"rate": "1"},
        {"pair": (1, 2, 3)},
        {"pair": [1, 2]},
        {"names": (1,)},
        {"inner": (Inner(name=1),)},  # type: ignore[arg-type]
        {"inner": ({"name": "x"},)},
        {"rates": {"a": "b"}},
    ],
)
def test_anything_else_is_not(fields: dict[str, Any]) -> None:
    assert not is_sound(Outer(**fields))
