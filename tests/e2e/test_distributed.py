"""Two processes that train together over gloo: one run, global norms, no deadlock."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import torch
import torch.distributed.fsdp
from gloo import Ended, launch

import lrwatch

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch without gloo"),
]

HEAD = textwrap.dedent(
    """
    import json, os, sys
    import torch, torch.distributed as dist
    from torch import nn
    import lrwatch

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 17), nn.Tanh(), nn.Linear(17, 3))
    whole = nn.Sequential(nn.Linear(8, 17), nn.Tanh(), nn.Linear(17, 3))
    whole.load_state_dict(net.state_dict())

    def norm(tensors):
        return float(torch.stack([t.detach().double().pow(2).sum() for t in tensors]).sum().sqrt())

    def batches(step):
        g = torch.Generator().manual_seed(step)
        x, y = torch.randn(12, 8, generator=g), torch.randint(0, 3, (12,), generator=g)
        return [(x[:6], y[:6]), (x[6:], y[6:])]

    def truth(step, optimizer, clip):
        \"\"\"One process that has both halves of the batch.\"\"\"
        optimizer.zero_grad()
        losses = [nn.functional.cross_entropy(whole(x), y) for x, y in batches(step)]
        (sum(losses) / 2).backward()
        row = {"loss": losses[0].item(), "grad_norm": norm(p.grad for p in whole.parameters())}
        for i in (0, 2):
            row[f"layer_grad_norm/{i}"] = norm(p.grad for p in whole[i].parameters())
        if clip:
            nn.utils.clip_grad_norm_(whole.parameters(), clip)
        before = [p.detach().clone() for p in whole.parameters()]
        optimizer.step()
        row["update_norm"] = norm(p - b for p, b in zip(whole.parameters(), before))
        row["param_norm"] = norm(whole.parameters())
        for i in (0, 2):
            row[f"layer_param_norm/{i}"] = norm(whole[i].parameters())
        return row
    """
)

LOOP = textwrap.dedent(
    """
    clip = float(sys.argv[2])
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    other = torch.optim.Adam(whole.parameters(), lr=0.01)
    asked = {"update_norm_every": 1, "model": net, "layers": True}
    run = lrwatch.watch(optimizer, dir=sys.argv[1], name="job", **asked)
    rows = []
    for step in range(6):
        rows.append(truth(step, other, clip))
        x, y = batches(step)[rank]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        if rank == 0 and step % 2 == 0:
            run.log(accuracy=0.5)
    run.finish()
    if rank == 0:
        print(json.dumps(rows))
    dist.destroy_process_group()
    """
)

DDP = "net = nn.parallel.DistributedDataParallel(net)\n"
FSDP = textwrap.dedent(
    """
    from torch.distributed.fsdp import fully_shard
    for layer in (net[0], net[2]):
        fully_shard(layer)
    fully_shard(net)
    """
)
TENSOR_PARALLEL = textwrap.dedent(
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor.parallel import (
        ColwiseParallel, RowwiseParallel, parallelize_module
    )

    def batches(step):  # the same for both, as each has a part of every layer
        g = torch.Generator().manual_seed(step)
        return [(torch.randn(12, 8, generator=g), torch.randint(0, 3, (12,), generator=g))] * 2

    net, whole = (
        nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3)) for _ in range(2)
    )
    whole.load_state_dict(net.state_dict())
    plan = {"0": ColwiseParallel(), "2": RowwiseParallel()}
    parallelize_module(net, init_device_mesh("cpu", (2,)), plan)
    """
)


@pytest.mark.parametrize("clip", [0.0, 0.05])
@pytest.mark.parametrize("kind", ["ddp", "fsdp2", "tensor parallel"])
def test_two_processes_record_one_run_with_global_norms(
    tmp_path: Path, kind: str, clip: float
) -> None:
    setup = {"ddp": DDP, "fsdp2": FSDP, "tensor parallel": TENSOR_PARALLEL}[kind]
    if kind == "fsdp2" and not hasattr(torch.distributed.fsdp, "fully_shard"):
        pytest.skip("this torch has no fully_shard")
    script = tmp_path / "job.py"
    script.write_text(HEAD + setup + LOOP)
    rows = rows_of(launch(script, str(tmp_path / "runs"), str(clip)))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["job"]
    frame = lrwatch.read(tmp_path / "runs" / "job")
    assert len(frame) == len(rows) == 6
    for name in rows[0]:
        expected = [row[name] for row in rows]
        assert frame[name].tolist() == pytest.approx(expected, rel=1e-3), name
    assert frame["accuracy"].notna().tolist() == [True, False] * 3
    if clip:
        assert (frame["grad_norm_clipped"] < 1.01 * clip).all()


def rows_of(ended: list[Ended]) -> list[dict[str, float]]:
    assert [each.status for each in ended] == [0] * len(ended), ended[-1].errors
    rows: list[dict[str, float]] = json.loads(ended[0].output.splitlines()[-1])
    return rows


FLATTENED = textwrap.dedent(
    """
    import logging
    from torch.distributed.fsdp import FullyShardedDataParallel
    logging.basicConfig(stream=sys.stdout)
    for name, keeps in (("own", True), ("flat", False)):
        net = nn.Sequential(nn.Linear(8, 17), nn.Tanh(), nn.Linear(17, 3))
        device = torch.device("cpu")
        net = FullyShardedDataParallel(net, device_id=device, use_orig_params=keeps)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        run = lrwatch.watch(optimizer, dir=sys.argv[1], name=name)
        losses = []
        for step in range(4):
            optimizer.zero_grad()
            loss = net(torch.ones(4, 8)).square().mean()
            loss.backward()
            net.clip_grad_norm_(0.1)
            optimizer.step()
            losses.append(loss.item())
        run.finish()
        if rank == 0:
            print(json.dumps(losses))
    dist.destroy_process_group()
    """
)


def test_norms_of_parts_that_cannot_be_added_up_are_missing_and_this_is_said(
    tmp_path: Path,
) -> None:
    script = tmp_path / "job.py"
    script.write_text(HEAD + FLATTENED)
    ended = launch(script, str(tmp_path / "runs"))
    assert [one.status for one in ended] == [0, 0], ended[0].errors
    first = ended[0].output
    assert first.count("norms are not recorded") == 2
    losses = [json.loads(line) for line in first.splitlines() if line.startswith("[")]
    for name, expected in zip(("own", "flat"), losses, strict=True):
        frame = lrwatch.read(tmp_path / "runs" / name)
        assert frame["loss"].tolist() == expected
        norms = frame[["grad_norm", "grad_norm_clipped", "update_norm", "param_norm"]]
        assert norms.isna().all(axis=None)
