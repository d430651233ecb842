from __future__ import annotations

import dataclasses

import torch
from torch import nn

from lrwatch.capture.groups import ParameterGroups, learning_rates
from lrwatch.records import NULL


def test_parameters_that_moved_to_another_device_are_noticed() -> None:
    """Moving a model gives its parameters other content and leaves their number as it is."""
    optimizer = torch.optim.SGD(nn.Linear(3, 2).parameters(), lr=0.1)
    groups = ParameterGroups.of(optimizer, None)
    assert groups.is_current(optimizer)
    before_the_move = dataclasses.replace(groups, device=torch.device("cuda", 0))
    assert not before_the_move.is_current(optimizer)


def test_an_optimizer_whose_groups_were_taken_away_is_still_understood() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    optimizer.param_groups[0]["params"].clear()
    groups = ParameterGroups.of(optimizer, None)
    assert groups.device is None
    assert groups.is_current(optimizer)


def test_a_parameter_that_takes_the_place_of_another_is_noticed() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))], lr=0.1)
    groups = ParameterGroups.of(optimizer, None)
    assert groups.is_current(optimizer)
    optimizer.param_groups[0]["params"][1] = nn.Parameter(torch.ones(2))
    assert not groups.is_current(optimizer)


def test_a_group_without_a_rate_has_none() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1)
    for rate in (None, "auto"):
        optimizer.param_groups[0]["lr"] = rate
        assert learning_rates(optimizer)[0] is NULL


def test_names_of_groups_are_all_different() -> None:
    groups = [
        {"params": [nn.Parameter(torch.ones(1))], "name": name} for name in ("a", "a-2", "a", "a")
    ]
    names = ParameterGroups.of(torch.optim.SGD(groups, lr=0.1), None).names
    assert len(set(names)) == 4
    assert names[:2] == ("a", "a-2")
