"""What a run remembers of its job: optimizer, configuration, versions, a name."""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lrwatch.errors import InvalidArgument
from lrwatch.recording.provenance import origin
from lrwatch.records import NULL, RunInfo
from lrwatch.version import VERSION

if TYPE_CHECKING:  # a loop of its own may have no torch
    import torch

__all__ = ["describe"]

_NAME = "run"  # where neither a name nor an optimizer is given
_LIBRARIES = ("torch", "jax", "keras", "tensorflow", "mlx")  # whose version is kept, if one trains
_DEPTH = 50  # of a configuration; what is within is left out


def describe(
    optimizer: torch.optim.Optimizer | None,
    *,
    name: str | None,
    config: Any,
    total_steps: int | None,
    group: str | None,
    model: torch.nn.Module | None = None,
) -> RunInfo:
    """Return what is known of a run as it begins.

    The arguments are those of `watch`; the optimizer is ``None`` for a loop of its own.
    """
    info = RunInfo(
        id=uuid.uuid4().hex[:12],
        name=_NAME if name is None else name,
        created_at=time.time(),
        config=_plain(config),
        total_steps=total_steps,
        group=group,
        environment=_environment(),
        **origin(),
    )
    return info if optimizer is None else _with_optimizer(info, optimizer, model, name)


def _environment() -> dict[str, str]:
    loaded = {name: sys.modules.get(name) for name in _LIBRARIES}
    versions = {name: getattr(module, "__version__", None) for name, module in loaded.items()}
    return {
        "python": platform.python_version(),
        **{name: str(version) for name, version in versions.items() if version is not None},
        "lrwatch": VERSION,
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _with_optimizer(
    info: RunInfo, optimizer: torch.optim.Optimizer, model: torch.nn.Module | None, name: str | None
) -> RunInfo:
    from lrwatch.capture.groups import ParameterGroups, learning_rates

    kind, rate = type(optimizer).__name__, learning_rates(optimizer)[0]
    if name is None:
        name = kind.lower() if rate is NULL else f"{kind.lower()}-{rate:.3g}"
    return dataclasses.replace(
        info,
        name=name,
        optimizer=kind,
        n_parameters=_n_parameters(optimizer),
        parameter_groups=ParameterGroups.of(optimizer, model).names,
    )


def _n_parameters(optimizer: torch.optim.Optimizer) -> int:
    from torch.nn.parameter import is_lazy

    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if any(map(is_lazy, parameters)):
        raise InvalidArgument(
            "optimizer holds parameters of a lazy module, which have no shape yet; call the "
            "model on a batch before watch()"
        )
    return sum(p.numel() for p in parameters)


def _plain(config: Any) -> dict[str, Any]:
    """Return a configuration in JSON's types; what JSON does not know becomes its text."""
    if config is None:
        return {}
    if isinstance(config, argparse.Namespace):
        config = vars(config)
    elif dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = dataclasses.asdict(config)
    if not isinstance(config, Mapping):
        raise InvalidArgument(
            "config must be a mapping, a dataclass or an argparse.Namespace, "
            f"got {type(config).__name__}; write config=dict(...)"
        )
    return dict(json.loads(json.dumps(_named(config, ()), default=_text)))


def _named(value: Any, within: tuple[int, ...]) -> Any:
    """Return a value with texts for keys, and without what holds itself."""
    if not isinstance(value, (Mapping, list, tuple)):
        return value
    if id(value) in within or len(within) > _DEPTH:
        return "..."
    within = (*within, id(value))
    if isinstance(value, Mapping):
        return {str(key): _named(item, within) for key, item in value.items()}
    return [_named(item, within) for item in value]


def _text(value: object) -> object:
    item = getattr(value, "item", None)  # numpy scalars, tensors with one element
    try:
        plain = item() if callable(item) else str(value)
        return plain if isinstance(plain, (int, float, str)) else str(plain)
    except Exception:  # noqa: BLE001  whatever the value's own code raises
        return f"<{type(value).__name__}>"
