"""A device whose copies to the host arrive when a test says so, and nets that seem to be on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from lrwatch.capture.groups import ParameterGroups

__all__ = ["FakeArrival", "FakeDevice", "pretend_to_be_elsewhere"]


class FakeDevice:
    """Copies to the host that are there only once the device has come so far."""

    def __init__(self) -> None:
        self.n_begun = 0
        self.n_done = 0
        self.n_waits = 0
        self.fetch: Callable[[torch.Tensor], torch.Tensor] = torch.clone

    def begin_copy(self, values: torch.Tensor) -> Any:
        self.n_begun += 1
        return FakeArrival(self, self.n_begun, self.fetch(values))


class FakeArrival:
    """A copy from such a device."""

    def __init__(self, device: FakeDevice, number: int, values: torch.Tensor) -> None:
        self.device, self.number, self.values = device, number, values

    def is_there(self) -> bool:
        return self.number <= self.device.n_done

    def numbers(self) -> list[float]:
        self.device.n_waits += not self.is_there()
        return list(self.values.tolist())


def pretend_to_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every parameter look as if it were on a device."""
    of = ParameterGroups.of.__func__  # type: ignore[attr-defined]

    def elsewhere(cls: type[ParameterGroups], *arguments: Any) -> ParameterGroups:
        groups: ParameterGroups = of(cls, *arguments)
        return dataclasses.replace(groups, is_on_host=False)

    monkeypatch.setattr(ParameterGroups, "of", classmethod(elsewhere))
