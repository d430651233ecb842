from __future__ import annotations

import dataclasses

import torch
from torch import nn

from lrwatch.capture.groups import ParameterGroups


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
