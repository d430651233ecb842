"""Scripts of the trainers that people use, as they are: every step, with the trainer's numbers.

Each script notes what the trainer itself computes, in its own callbacks. Everything is made at
random and offline.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scripts import lrwatch_run

import lrwatch
from lrwatch.store import list_runs

pytestmark = pytest.mark.e2e

COMMON = """
import json
import torch

torch.set_num_threads(1)
TRUTH = []  # of each optimizer, in the order in which they are made

def noted():
    TRUTH.append({"loss": [], "lr": [], "grad_norm": [], "grad_norm_clipped": []})
    return TRUTH[-1]

def norm(parameters):
    return float(torch.cat([p.grad.double().flatten() for p in parameters]).norm())

def small_net():
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))

def data(n=96):
    return torch.utils.data.TensorDataset(torch.randn(n, 8), torch.randn(n, 1))
"""

LOOP = """
torch.manual_seed(0)
net, truth, clip = small_net(), noted(), torch.nn.utils.clip_grad_norm_
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=24)
for k, (x, y) in enumerate(torch.utils.data.DataLoader(data(), 2)):
    (loss := (net(x) - y).square().mean() / 2).backward()
    if k % 2 == 0:
        first = loss.item()
        continue
    truth["loss"].append(first + loss.item())
    truth["lr"].append(scheduler.get_last_lr()[0])
    truth["grad_norm"].append(float(clip(net.parameters(), 0.5)))
    truth["grad_norm_clipped"].append(norm(net.parameters()))
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
"""

LIGHTNING = """
import lightning.pytorch as pl

class Automatic(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net, self.losses, self.truth = small_net(), [], noted()

    def training_step(self, batch):
        x, y = batch
        loss = (self.net(x).float() - y).square().mean()
        self.losses.append(loss.item())
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.05)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def on_before_optimizer_step(self, optimizer):  # called before clipping
        self.truth["lr"].append(optimizer.param_groups[0]["lr"])
        self.truth["grad_norm"].append(norm(self.parameters()))

    def configure_gradient_clipping(self, *args, **kwargs):
        super().configure_gradient_clipping(*args, **kwargs)
        self.truth["grad_norm_clipped"].append(norm(self.parameters()))
        self.truth["loss"].append(sum(self.losses) / len(self.losses))
        self.losses.clear()

class Manual(pl.LightningModule):
    automatic_optimization = False

    def __init__(self):
        super().__init__()
        self.nets = torch.nn.ModuleList([small_net(), small_net()])
        self.truths = [noted(), noted()]

    def training_step(self, batch):
        x, y = batch
        for k, optimizer in enumerate(self.optimizers()):
            loss = (self.nets[k](x) - y).square().mean() + k
            optimizer.zero_grad()
            self.manual_backward(loss)
            self.truths[k]["loss"].append(loss.item())
            self.truths[k]["lr"].append(0.01 * (k + 1))
            for norms in ("grad_norm", "grad_norm_clipped"):
                self.truths[k][norms].append(norm(self.nets[k].parameters()))
            optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.Adam(n.parameters(), 0.01 * (k + 1)) for k, n in enumerate(self.nets)]

def fit(kind, **options):
    pl.seed_everything(0, verbose=False)
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, **options,
    )
    trainer.fit(kind(), torch.utils.data.DataLoader(data(), 8))

fit(Automatic)
fit(Automatic, gradient_clip_val=0.1)
fit(Automatic, gradient_clip_val=0.01, gradient_clip_algorithm="value")
fit(Automatic, accumulate_grad_batches=3, gradient_clip_val=0.5)
fit(Automatic, precision="bf16-mixed", gradient_clip_val=0.5)
fit(Manual)
"""

TRANSFORMERS = """
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback
from transformers import TrainingArguments, set_seed

class Noting(Trainer):
    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        self.losses.append(loss.item())
        return loss

class Note(TrainerCallback):
    def on_pre_optimizer_step(self, args, state, control, model=None, optimizer=None, **kwargs):
        self.truth["lr"].append(optimizer.param_groups[0]["lr"])
        self.truth["grad_norm_clipped"].append(norm(model.parameters()))
        self.truth["loss"].append(sum(self.trainer.losses))
        self.trainer.losses.clear()

def fit(**options):
    set_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=32,
                                       n_positions=16, bos_token_id=0, eos_token_id=0))
    texts = [{"input_ids": ids, "labels": ids} for ids in torch.randint(0, 32, (64, 12))]
    arguments = TrainingArguments(
        output_dir="out", use_cpu=True, report_to=[], save_strategy="no", logging_steps=1,
        disable_tqdm=True, per_device_train_batch_size=4, learning_rate=0.01,
        lr_scheduler_type="linear", max_steps=6, **options,
    )
    note = Note()
    trainer = Noting(model=model, args=arguments, train_dataset=texts, callbacks=[note])
    trainer.losses, note.trainer, note.truth = [], trainer, noted()
    trainer.train()
    logged = trainer.state.log_history
    note.truth["grad_norm"] = [entry["grad_norm"] for entry in logged if "grad_norm" in entry]

fit(warmup_steps=2)
fit(gradient_accumulation_steps=3, max_grad_norm=0.1)
fit(bf16=True, gradient_accumulation_steps=2, max_grad_norm=0.5)
"""

ACCELERATE = """
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed

def fit(**options):
    AcceleratorState._reset_state(True)
    accelerator = Accelerator(cpu=True, **options)
    set_seed(0)
    net, truth, losses = small_net(), noted(), []
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min(1, k / 4))
    batches = torch.utils.data.DataLoader(data(), 8)
    net, optimizer, scheduler, batches = accelerator.prepare(net, optimizer, scheduler, batches)
    for x, y in batches:
        with accelerator.accumulate(net):
            loss = (net(x) - y).square().mean()
            losses.append(loss.item())
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                truth["grad_norm"].append(norm(net.parameters()))
                accelerator.clip_grad_norm_(net.parameters(), 0.2)
                truth["grad_norm_clipped"].append(norm(net.parameters()))
                truth["lr"].append(optimizer.param_groups[0]["lr"])
                truth["loss"].append(sum(losses) / len(losses))
                losses.clear()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()

fit()
fit(gradient_accumulation_steps=4)
fit(mixed_precision="bf16")
"""

TRAINERS = {
    "torch": (LOOP, [24]),
    "lightning": (LIGHTNING, [24, 24, 24, 8, 24, 24, 24]),
    "transformers": (TRANSFORMERS, [6, 6, 6]),
    "accelerate": (ACCELERATE, [12, 3, 12]),
}

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_step_has_the_numbers_of_the_trainer(tmp_path: Path, trainer: str) -> None:
    if importlib.util.find_spec(trainer) is None:
        pytest.skip(f"{trainer} is not installed")
    script, n_steps = TRAINERS[trainer]
    (tmp_path / "train.py").write_text(
        f"{COMMON}{script}\njson.dump(TRUTH, open('truth.json', 'w'))\n"
    )
    ended = lrwatch_run("train.py", folder=tmp_path, **OFFLINE)
    assert ended.status == 0, ended.errors
    truth = json.loads((tmp_path / "truth.json").read_text())
    runs = sorted(list_runs(tmp_path / "runs"), key=lambda run: run.info.created_at)  # type: ignore[union-attr]
    assert [len(lrwatch.read(run.path)) for run in runs] == n_steps
    for run, true in zip(runs, truth, strict=True):
        frame = lrwatch.read(run.path)
        np.testing.assert_allclose(frame["loss"], true["loss"], rtol=1e-6)
        np.testing.assert_allclose(frame["lr"], true["lr"], rtol=1e-12)
        np.testing.assert_allclose(frame["grad_norm"], true["grad_norm"], rtol=1e-5)
        np.testing.assert_allclose(frame["grad_norm_clipped"], true["grad_norm_clipped"], rtol=1e-5)
        sampled = frame[["update_norm", "param_norm"]].head(20)  # every one of the first steps
        assert sampled.notna().all(axis=None)
