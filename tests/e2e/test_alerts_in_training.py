"""Alerts in scripts as people write them: what the script says, and how it ends."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from nursery import Ended, Script, forked
from scripts import lrwatch_run, python

import lrwatch
from lrwatch.store import list_runs, read_run_info

pytestmark = pytest.mark.e2e

DATA = """
import sys, time
import torch
import lrwatch

torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(64, 8)
y = x.sum(1, keepdim=True)

def small_net():
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
"""

LOOP = f"""{DATA}
def loop(optimizer, net, n_steps, pause=0.0):
    for step in range(n_steps):
        loss = (net(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(pause)

net = small_net()
optimizer = torch.optim.SGD(net.parameters(), lr=float(sys.argv[1]))
"""


def trained(folder: Path, text: str, *arguments: str) -> Ended:
    """Run a script of its own accord, without `lrwatch run`."""
    (ended,) = forked(Script([script(folder, text), *arguments], {}), folder=folder)
    return ended


def script(folder: Path, text: str) -> str:
    (folder / "train.py").write_text(text)
    return "train.py"


def test_a_script_that_never_ends_its_run_is_told_at_exit(tmp_path: Path) -> None:
    text = LOOP + "lrwatch.watch(optimizer)\nloop(optimizer, net, 40)\nprint('end')"
    ended = trained(tmp_path, text, "3.0")
    assert (ended.status, ended.output) == (0, "end\n")
    (line,) = ended.errors.splitlines()
    assert line.startswith("sgd-3 ")


def test_a_script_that_fails_is_told_beside_its_traceback(tmp_path: Path) -> None:
    text = LOOP + "lrwatch.watch(optimizer)\nloop(optimizer, net, 40)\nraise KeyError('mine')"
    ended = trained(tmp_path, text, "3.0")
    assert ended.status == 1
    assert ended.errors.count("sgd-3 ") == 1
    assert "KeyError: 'mine'" in ended.errors
    assert read_run_info(tmp_path / "runs/sgd-3").status == "failed"


def test_a_function_that_hangs_does_not_keep_the_interpreter(tmp_path: Path) -> None:
    text = LOOP + (
        "lrwatch.watch(optimizer, on_alert=lambda alert: time.sleep(3600))\n"
        "loop(optimizer, net, 40)"
    )
    assert trained(tmp_path, text, "3.0").status == 0


def test_an_unmodified_script_says_one_line_more(tmp_path: Path) -> None:
    name = script(tmp_path, LOOP.replace("import lrwatch", "") + "loop(optimizer, net, 40)")
    bad, good = (lrwatch_run(name, lr, folder=tmp_path) for lr in ("3.0", "0.05"))
    assert [line.split()[0] for line in bad.errors.splitlines()] == ["train-sgd-3", "lrwatch:"]
    assert [line.split()[0] for line in good.errors.splitlines()] == ["lrwatch:"]


def test_an_unmodified_script_can_go_without(tmp_path: Path) -> None:
    name = script(tmp_path, LOOP.replace("import lrwatch", "") + "loop(optimizer, net, 40)")
    ended = lrwatch_run("--no-alerts", name, "3.0", folder=tmp_path)
    assert [line.split()[0] for line in ended.errors.splitlines()] == ["lrwatch:"]


def test_workers_that_load_data_are_left_alone(tmp_path: Path) -> None:
    text = LOOP + (
        "lrwatch.watch(optimizer, on_alert=lrwatch.StopTraining())\n"
        "data = torch.utils.data.TensorDataset(x, y)\n"
        "for epoch in range(2):\n"
        "    for _ in torch.utils.data.DataLoader(data, 8, num_workers=2):\n"
        "        loop(optimizer, net, 2)\n"
    )
    ended = trained(tmp_path, text, "0.05")
    assert (ended.status, ended.errors) == (0, "")
    assert len(lrwatch.read(tmp_path / "runs/sgd-0.05")) == 32


STOPPED = "except lrwatch.TrainingStopped as error:\n    print('stopped', error.alert.rule)\n"

LIGHTNING = f"""{DATA}
import logging, warnings
import lightning.pytorch as pl

warnings.simplefilter("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = small_net()

    def training_step(self, batch):
        time.sleep(0.005)
        return (self.net(batch[0]) - batch[1]).square().mean()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=3.0)
        lrwatch.watch(optimizer, on_alert=lrwatch.StopTraining())
        return optimizer

trainer = pl.Trainer(
    max_epochs=10**6, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)
try:
    trainer.fit(Module(), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 16))
{STOPPED}"""

TRANSFORMERS = f"""{DATA}
from transformers import Trainer, TrainingArguments

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = small_net()

    def forward(self, x, labels):
        time.sleep(0.005)
        return {{"loss": (self.net(x) - labels).square().mean()}}

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=3.0)
lrwatch.watch(optimizer, on_alert=lrwatch.StopTraining())
arguments = TrainingArguments(
    output_dir="out", use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True,
    per_device_train_batch_size=16, max_steps=10**6, max_grad_norm=0, logging_strategy="no",
    lr_scheduler_type="constant",
)
data = [{{"x": a, "labels": b}} for a, b in zip(x, y)]
trainer = Trainer(
    model=net, args=arguments, train_dataset=data, optimizers=(optimizer, None),
)
try:
    trainer.train()
{STOPPED}"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "text"), [("lightning", LIGHTNING), ("transformers", TRANSFORMERS)]
)
def test_a_trainer_is_stopped(tmp_path: Path, package: str, text: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    ended = python(script(tmp_path, text), folder=tmp_path)
    assert ended.output.splitlines()[-1:] == ["stopped diverging"], ended.errors
    (entry,) = list_runs(tmp_path / "runs")
    assert entry.info is not None
    assert entry.info.status == "interrupted"


DISTRIBUTED = f"""{LOOP}
torch.distributed.init_process_group("gloo")
net = torch.nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.SGD(net.parameters(), lr=float(sys.argv[1]))
lrwatch.watch(optimizer, on_alert=lrwatch.StopTraining())
loop(optimizer, net, 10**6, pause=0.005)
"""


@pytest.mark.slow
def test_a_job_of_several_processes_ends_as_a_whole(tmp_path: Path) -> None:
    ended = python(
        *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *(script(tmp_path, DISTRIBUTED), "3.0"),
        folder=tmp_path,
    )
    assert ended.status == 1
    assert ended.errors.count("lrwatch.alert.TrainingStopped") >= 1
    assert read_run_info(tmp_path / "runs/sgd-3").status == "interrupted"
