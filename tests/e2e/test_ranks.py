"""Many processes of one job: each seen by itself, and none ever waited for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
import torch.distributed.fsdp
from gloo import launch

import lrwatch
from lrwatch.ranks import rank_states, said_of_ranks

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch without gloo"),
]

HEAD = textwrap.dedent(
    """
    import json, os, signal, sys, time
    import torch, torch.distributed as dist
    from torch import nn
    import lrwatch

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, n_ranks = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 17), nn.Tanh(), nn.Linear(17, 3))
    torch.manual_seed(rank)

    def batch():
        return torch.randn(6, 8), torch.randint(0, 3, (6,))
    """
)

DDP = HEAD + textwrap.dedent(
    """
    net = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = lrwatch.watch(optimizer, dir=sys.argv[1], name="job", ranks=1)
    if rank:  # the step before which all know where to write is another one each time
        while not run._rank.is_settled:
            time.sleep(0.01)
    dist.barrier()
    losses = []
    for step in range(12):
        if step == 8 and rank == 3:
            print(json.dumps(losses), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        x, y = batch()
        if rank == 2:
            time.sleep(0.1)
        loss = nn.functional.cross_entropy(net(x), y)
        losses.append(loss.item())
        if step == 7:
            print(json.dumps(losses), flush=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    """
)


def test_each_of_four_processes_is_seen_by_itself(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(DDP)
    ended = launch(script, str(tmp_path / "runs"), n=4)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["job"]
    run = tmp_path / "runs" / "job"
    truth = [json.loads(each.output.splitlines()[0]) for each in ended]

    frame = lrwatch.read_ranks(run)
    for rank in range(4):
        mine = frame[frame["rank"] == rank]
        assert mine["step"].tolist() == list(range(8))
        assert mine["loss"].tolist() == truth[rank]
        assert mine["seconds_to_backward"].isna().tolist() == [True] + [False] * 7
    assert frame.groupby("step")["grad_norm"].std().max() < 1e-6  # averaged by DDP

    steps = lrwatch.read_ranks(run, by_step=True)
    means = [sum(losses) / 4 for losses in zip(*truth, strict=True)]
    assert steps["loss_mean"].tolist() == pytest.approx(means)
    assert steps["ranks"].tolist() == [4] * 8
    slow = frame[frame["rank"] == 2]["seconds_to_backward"]
    assert (slow[1:] >= 0.1).all()
    assert lrwatch.read(run)["loss"].tolist() == truth[0]

    states = rank_states(run)
    assert [state.step for state in states] == [7] * 4
    assert [state.status for state in states] == ["failed"] * 3 + ["running"]
    said = said_of_ranks(run)
    assert said.startswith(
        "4 ranks; rank 3 ended without a word after step 7; ranks 0, 1, 2 failed"
    )


PIPELINE = HEAD + textwrap.dedent(
    """
    from torch.distributed.pipelining import PipelineStage, ScheduleGPipe

    mine = nn.Sequential(net[0], net[1]) if rank == 0 else net[2]
    example = torch.randn(3, 8 if rank == 0 else 17)
    stage = PipelineStage(mine, rank, 2, torch.device("cpu"), input_args=(example,))
    schedule = ScheduleGPipe(stage, n_microbatches=2, loss_fn=nn.functional.cross_entropy)
    optimizer = torch.optim.SGD(mine.parameters(), lr=0.1)
    run = lrwatch.watch(optimizer, dir=sys.argv[1], name="job", main_rank=-1)
    truth = []
    for step in range(4):
        torch.manual_seed(step)
        x, y = batch()
        optimizer.zero_grad()
        losses = []
        schedule.step(x) if rank == 0 else schedule.step(target=y, losses=losses)
        optimizer.step()
        if rank:
            truth.append(sum(loss.item() for loss in losses))
    run.finish()
    print(json.dumps(truth))
    dist.destroy_process_group()
    """
)


def test_the_last_stage_of_a_pipeline_writes_the_run_as_it_has_the_loss(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(PIPELINE)
    ended = launch(script, str(tmp_path / "runs"))
    assert [each.status for each in ended] == [0, 0], ended[1].errors
    frame = lrwatch.read(tmp_path / "runs" / "job")
    assert frame["loss"].tolist() == pytest.approx(json.loads(ended[1].output.splitlines()[-1]))
    assert frame["grad_norm"].notna().all()


SHARDED = HEAD + textwrap.dedent(
    """
    import gc
    from torch.distributed.fsdp import fully_shard

    for part in (net[0], net[2], net):
        fully_shard(part)

    kept = []

    def train(watches, n_before_end):
        gc.collect()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        if rank:
            kept.append(optimizer)  # as one that waits for the garbage collector
        run = lrwatch.watch(optimizer, dir=sys.argv[1], name="job") if watches else None
        for step in range(6):
            if run is not None and step == n_before_end:
                run.finish()
            x, y = batch()
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        if run is not None:
            run.finish()

    train(True, 3 if rank == 0 else 6)
    train(True, 0 if rank == 0 else 6)
    train(rank == 0, 6)
    train(True, 6)
    dist.destroy_process_group()
    """
)


@pytest.mark.skipif(
    not hasattr(torch.distributed.fsdp, "fully_shard"), reason="torch without fully_shard"
)
def test_no_process_waits_for_one_that_does_not_watch_or_has_ended(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(SHARDED)
    ended = launch(script, str(tmp_path / "runs"))
    assert [each.status for each in ended] == [0, 0], ended[0].errors
    names = ("job", "job-2", "job-3", "job-4")
    early, earlier, alone, again = (lrwatch.read(tmp_path / "runs" / name) for name in names)
    assert [len(frame) for frame in (early, earlier, alone, again)] == [3, 0, 6, 6]
    assert early["grad_norm"].notna().all()
    assert alone["loss"].notna().all()
    assert alone["grad_norm"].isna().all()  # and not the norm of a part
    assert again["grad_norm"].isna().all()  # they do not agree any more on how often they watched
    assert ended[0].errors.count("norms are not recorded") == 2


ELASTIC = HEAD + textwrap.dedent(
    """
    net = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    start = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    run = lrwatch.watch(optimizer, dir=sys.argv[1], name="job", ranks=1, resume="auto")
    if rank:
        while not run._rank.is_settled:
            time.sleep(0.01)
    dist.barrier()
    for step in range(6):
        if start == 0 and rank == 1 and step == 3:
            raise RuntimeError("bad memory")
        x, y = batch()
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    run.finish()
    dist.destroy_process_group()
    """
)


OWN_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
"""In the launcher's store, gloo finds addresses of the first start, and waits for them for ever."""


def test_a_job_that_is_started_again_goes_on_with_its_run(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(ELASTIC)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [sys.executable, *launcher, "--max-restarts=1", str(script), str(tmp_path / "runs")],
        env={**os.environ, **OWN_STORE, "OMP_NUM_THREADS": "1", "LRWATCH_NO_GIT": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["job"]
    run = tmp_path / "runs" / "job"
    steps = lrwatch.read(run)["step"].tolist()
    assert steps == list(range(len(steps)))
    first = len(steps) - 6  # 3, and perhaps one that the others made before they were ended
    assert first in (3, 4)
    frame = lrwatch.read_ranks(run)
    again = frame[frame["attempt"] == 2]
    assert again.groupby("rank")["step"].apply(list).tolist() == [steps[first:]] * 2
    assert [state.status for state in rank_states(run)] == ["finished"] * 2
    assert said_of_ranks(run).startswith("2 ranks")
