from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from alert_samples import an_alert

from lrwatch.alert import Alert
from lrwatch.codec import FloatOrNan, decode, encode, plain, read_record, write_record
from lrwatch.errors import LedgerUnreadable, StateUnreadable


@dataclass(frozen=True)
class Inner:
    name: str = "x"
    rate: FloatOrNan = math.nan


@dataclass(frozen=True)
class Outer:
    kind: Literal["a", "b"] | None = "a"
    size: int = 1
    rate: float = 0.5
    unknown: FloatOrNan = 0.5
    pair: tuple[int, int] | None = (1, 2)
    names: tuple[str, ...] = ()
    inner: tuple[Inner, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)


@pytest.mark.parametrize(
    "value",
    [
        Outer(),
        Outer(kind=None, pair=None, unknown=-1e-300, size=-(2**63) + 1),
        Outer(names=("é", "a\udc80"), inner=(Inner("y", 0.1), Inner(rate=2.0)), rates={"a": 1.0}),
    ],
)
def test_a_value_is_read_as_it_was_written(value: Outer) -> None:
    assert decode(encode(value), Outer) == value


def test_an_alert_is_read_as_it_was_written() -> None:
    assert decode(encode(an_alert()), Alert) == an_alert()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_null_and_read_as_nan(number: float) -> None:
    text = encode(Outer(unknown=number, inner=(Inner(rate=number),)))
    assert b'"unknown": null' in text
    again = decode(text, Outer)
    assert math.isnan(again.unknown)
    assert math.isnan(again.inner[0].rate)


def test_numbers_of_numpy_are_numbers() -> None:
    value = Outer(rate=np.float64(0.5), unknown=np.float64("nan"), names=(np.str_("a"),))
    assert encode({"a": value, "n": np.int64(3)}) == encode(
        {"a": Outer(unknown=math.nan, names=("a",)), "n": 3}
    )


def test_fields_of_a_later_version_are_ignored() -> None:
    assert decode(b'{"size": 3, "new": {"a": []}, "inner": [{"new": 1}]}', Outer).size == 3


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kind": "c"}, "kind: Invalid enum value 'c'"),
        ({"kind": []}, "kind: expected str | null, got array"),
        ({"size": True}, "size: expected int, got bool"),
        ({"size": 1.5}, "size: expected int, got float"),
        ({"size": 2**63}, "9223372036854775808 is not"),
        ({"size": 10**400}, "10000000000000000000 is not"),
        ({"rate": 10**400}, "is not a number"),
        ({"rate": "1"}, "rate: expected float, got str"),
        ({"rate": None}, "rate: expected float, got null"),
        ({"rate": math.nan}, "NaN is not a number"),
        ({"rate": -math.inf}, "-Infinity is not a number"),
        ({"unknown": "1"}, "unknown: expected float or null, got str"),
        ({"unknown": False}, "unknown: expected float or null, got bool"),
        ({"pair": [1, 2, 3]}, "pair: expected array of length 2, got 3"),
        ({"names": [1]}, "names[0]: expected str, got int"),
        ({"inner": [{}, {"name": 1}]}, "inner[1].name: expected str, got int"),
        ({"inner": [["x"]]}, "inner[0]: expected object, got array"),
        ({"rates": {"a": "b"}}, "expected float, got str"),
    ],
)
def test_anything_else_is_refused_with_its_field(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        decode(json.dumps(fields), Outer)
    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "\0", "[" * 200_000, '{"rate": 1e999}', "[]", b"\xff"])
def test_what_is_not_such_an_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(text, Outer)


def test_a_missing_field_is_named() -> None:
    record = plain(an_alert())
    del record["step"]
    with pytest.raises(ValueError, match="required field step"):
        decode(encode(record), Alert)


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_record(path, Outer) is None
    write_record(path, Outer(size=3))
    assert read_record(path, Outer) == Outer(size=3)
    assert json.loads(path.read_text())["format"] == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"format": 2}', "it has format 2, this lrwatch reads up to 1"),
        ('{"format": "x"}', "expected int, got str"),
        ("[]", "expected object, got array"),
        ('{"size": "x"}', "size: expected int, got str"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(StateUnreadable) as caught:
        read_record(path, Outer)
    assert str(caught.value) == f"{path} is damaged: {problem}"


def test_a_pipe_or_a_link_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    write_record(tmp_path / "x.json", Outer())
    (tmp_path / "link.json").symlink_to(tmp_path / "x.json")
    for name in ("pipe.json", "link.json"):
        with pytest.raises(StateUnreadable, match=f"{name} cannot be read"):
            read_record(tmp_path / name, Outer)


def test_the_earlier_name_of_the_error_still_catches_it(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnreadable):
        read_record(tmp_path, Outer)
