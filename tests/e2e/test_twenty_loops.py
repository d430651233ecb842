"""Twenty training loops as people write them, and as their trainers do: each with its own numbers.

Each script notes what the loop or the trainer itself computes, in its own callbacks. Everything is
made at random and offline.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch
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

GAMES = """
from torch.nn.functional import binary_cross_entropy_with_logits as bce, smooth_l1_loss

def note(truth, loss, lr, net, clip=None):
    truth["loss"].append(float(loss))
    truth["lr"].append(lr)
    before = norm(net.parameters())
    truth["grad_norm"].append(before)
    truth["grad_norm_clipped"].append(before if clip is None else min(before, clip))

def gan():
    torch.manual_seed(0)
    generator, discriminator = torch.nn.Linear(4, 8), small_net()
    g_truth, d_truth = noted(), noted()
    g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999))
    d = torch.optim.Adam(discriminator.parameters(), 4e-3, betas=(0.5, 0.999))
    ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
    for _ in range(10):
        fake = generator(torch.randn(8, 4))
        discriminator.zero_grad()
        on_real = bce(discriminator(torch.randn(8, 8)), ones)
        on_real.backward()
        on_fake = bce(discriminator(fake.detach()), zeros)
        on_fake.backward()
        note(d_truth, on_real + on_fake, 4e-3, discriminator)
        d.step()
        generator.zero_grad()
        loss = bce(discriminator(fake), ones)
        loss.backward()
        note(g_truth, loss, 1e-3, generator)
        g.step()

def ppo():
    torch.manual_seed(1)
    body = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh())
    net = torch.nn.ModuleDict({"body": body, "pi": torch.nn.Linear(16, 2),
                               "v": torch.nn.Linear(16, 1)})
    truth = noted()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4, eps=1e-5)
    for update in range(3):
        optimizer.param_groups[0]["lr"] = 3e-4 * (1 - update / 3)
        seen, gains = torch.randn(32, 4), torch.randn(32)
        with torch.no_grad():
            policy = torch.distributions.Categorical(logits=net["pi"](body(seen)))
            actions = policy.sample()
            old = policy.log_prob(actions)
        for places in torch.randperm(32).repeat(2).split(16):
            policy = torch.distributions.Categorical(logits=net["pi"](body(seen[places])))
            ratio = (policy.log_prob(actions[places]) - old[places]).exp()
            gain = gains[places]
            wanted = torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean()
            value = (net["v"](body(seen[places])).squeeze(1) - gain).square().mean()
            loss = -wanted + 0.5 * value - 0.01 * policy.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            note(truth, loss, optimizer.param_groups[0]["lr"], net, clip=0.5)
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()

def dqn():
    torch.manual_seed(2)
    net, target, truth = small_net(), small_net(), noted()
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
    for step in range(10):
        if step % 4 == 0:
            target.load_state_dict(net.state_dict())
        seen, after, gain = torch.randn(8, 8), torch.randn(8, 8), torch.randn(8, 1)
        with torch.no_grad():
            wanted = gain + 0.9 * target(after)
        loss = smooth_l1_loss(net(seen), wanted)
        optimizer.zero_grad()
        loss.backward()
        note(truth, loss, 1e-3, net)
        torch.nn.utils.clip_grad_value_(net.parameters(), 100)
        optimizer.step()

def lbfgs():
    torch.manual_seed(3)
    net, truth = small_net(), noted()
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=4)
    x, y = data().tensors
    for _ in range(5):
        calls = []
        def closure():
            optimizer.zero_grad()
            loss = (net(x) - y).square().mean()
            loss.backward()
            if not calls:
                note(truth, loss, 0.5, net)
            calls.append(loss)
            return loss
        optimizer.step(closure)

for play in (gan, ppo, dqn, lbfgs):
    play()
"""

NANO_GPT = """
import math, tempfile
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

met = f"file://{tempfile.mkdtemp()}/met"
dist.init_process_group("gloo", init_method=met, rank=0, world_size=1)
torch.manual_seed(0)
embed, head = torch.nn.Embedding(32, 16), torch.nn.Linear(16, 32, bias=False)
layer = torch.nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=True)
raw = torch.nn.Sequential(embed, layer, head)
truth = noted()
matrices = [p for p in raw.parameters() if p.dim() >= 2]
others = [p for p in raw.parameters() if p.dim() < 2]
groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=6e-4, betas=(0.9, 0.95))
model = DistributedDataParallel(raw)
scaler = torch.amp.GradScaler("cpu", enabled=False)

def rate(step, warm_up=3, end=8):
    if step < warm_up:
        return 6e-4 * (step + 1) / (warm_up + 1)
    done = (step - warm_up) / (end - warm_up)
    return 6e-5 + 0.5 * (1 + math.cos(math.pi * done)) * (6e-4 - 6e-5)

for step in range(8):
    lr, total = rate(step), 0.0
    for group in optimizer.param_groups:
        group["lr"] = lr
    for micro in range(4):
        model.require_backward_grad_sync = micro == 3
        tokens = torch.randint(0, 32, (2, 9))
        logits = model(tokens[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()) / 4
        total += loss.item()
        scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    before = norm(raw.parameters())
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    truth["loss"].append(total)
    truth["lr"].append(lr)
    truth["grad_norm"].append(before)
    truth["grad_norm_clipped"].append(min(before, 1.0))
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
dist.destroy_process_group()
"""

OPTIMIZERS = """
import importlib.util

def fit(make, choose=lambda p: True, rates=None):
    torch.manual_seed(0)
    net, truth = small_net(), noted()
    mine = [p for p in net.parameters() if choose(p)]
    optimizer = make(mine)
    getattr(optimizer, "train", lambda: None)()
    for x, y in torch.utils.data.DataLoader(data(), 8):
        loss = (net(x) - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        truth["loss"].append(loss.item())
        truth["lr"].append(optimizer.param_groups[0]["lr"])
        truth["grad_norm"].append(norm(mine))
        truth["grad_norm_clipped"].append(norm(mine))
        optimizer.step()
        if rates is not None:
            truth.setdefault("lr_effective", []).append(rates(optimizer.param_groups[0]))

def there(*names):
    return all(importlib.util.find_spec(name) is not None for name in names)

if there("schedulefree"):
    import schedulefree
    fit(lambda p: schedulefree.AdamWScheduleFree(p, lr=0.01, warmup_steps=5),
        rates=lambda group: group["scheduled_lr"])
if there("prodigyopt"):
    import prodigyopt
    fit(prodigyopt.Prodigy, rates=lambda group: group["d"] * group["lr"])
if there("lion_pytorch"):
    import lion_pytorch
    fit(lambda p: lion_pytorch.Lion(p, lr=1e-3))
if hasattr(torch.optim, "Muon"):
    fit(lambda p: torch.optim.Muon(p, lr=0.02), lambda p: p.dim() == 2)
if there("bitsandbytes"):
    import bitsandbytes
    fit(lambda p: bitsandbytes.optim.Adam8bit(p, lr=0.01))
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
        max_steps=6, **options,
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
fit(optim="adafactor", max_grad_norm=0.3)
fit(optim="sgd", lr_scheduler_type="cosine", label_smoothing_factor=0.1)
fit(gradient_checkpointing=True, lr_scheduler_type="constant_with_warmup", warmup_steps=3)
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

_PACKAGES = ("schedulefree", "prodigyopt", "lion_pytorch", "bitsandbytes")
N_OPTIMIZERS = sum(importlib.util.find_spec(name) is not None for name in _PACKAGES) + hasattr(
    torch.optim, "Muon"
)

TRAINERS = {
    "torch": (LOOP, [24]),
    "torch.distributions": (GAMES, [10, 10, 12, 10, 5]),
    "torch.distributed": (NANO_GPT, [8]),
    "torch.optim": (OPTIMIZERS, [12] * N_OPTIMIZERS),
    "lightning": (LIGHTNING, [24, 24, 24, 8, 24, 24, 24]),
    "transformers": (TRANSFORMERS, [6] * 6),
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
    assert sum(len(each) for _, each in TRAINERS.values()) >= 20
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
        if "lr_effective" in true:
            np.testing.assert_allclose(frame["lr_effective"], true["lr_effective"], rtol=1e-6)
        np.testing.assert_allclose(frame["lr"], true["lr"], rtol=1e-12)
        np.testing.assert_allclose(frame["grad_norm"], true["grad_norm"], rtol=1e-5)
        np.testing.assert_allclose(frame["grad_norm_clipped"], true["grad_norm_clipped"], rtol=1e-5)
        sampled = frame[["update_norm", "param_norm"]].head(20)  # every one of the first steps
        assert sampled.notna().all(axis=None)
