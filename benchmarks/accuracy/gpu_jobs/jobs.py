"""The jobs: a net, a batch drawn at random, and the loss of a batch.

A job is made once for each seed; all learning rates of it see the same batches.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.accuracy.gpu_jobs import data, nets

Batch = tuple[Tensor, ...]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TOKENS = 1_500_000 if DEVICE == "cuda" else 60_000
PRETRAINED = Path(tempfile.gettempdir()) / "lrwatch-pretrained.pt"
"""The net that fine-tuning begins with, trained once for all processes."""

PICTURES = 12_000 if DEVICE == "cuda" else 400


@dataclass(frozen=True)
class Job:
    """What is trained.

    Attributes
    ----------
    net
        The model.
    draw
        A batch, from a generator.
    loss
        Loss of the model, called like its forward, on a batch.
    """

    net: nn.Module
    draw: Callable[[torch.Generator], Batch]
    loss: Callable[[Callable[..., Any], Batch], Tensor]


def _crossed(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.float().flatten(0, -2), target.flatten())


def _windows(tokens: Tensor, g: torch.Generator, n: int, length: int) -> Tensor:
    at = torch.randint(len(tokens) - length - 1, (n, 1), generator=g)
    return tokens[at + torch.arange(length + 1)].to(DEVICE)


@cache
def _code() -> Tensor:
    return data.code(TOKENS)


@cache
def _headers() -> Tensor:
    return data.headers(TOKENS)


@cache
def _pictures() -> tuple[Tensor, Tensor]:
    x, y = data.pictures(PICTURES)
    return x.to(DEVICE), y.to(DEVICE)


def language_model(
    *, net: Callable[[], nn.Module] = nets.Transformer, batch: int = 16, length: int = 96
) -> Job:
    tokens = _code()
    return Job(
        net(),
        lambda g: (_windows(tokens, g, batch, length),),
        lambda f, b: _crossed(f(b[0][:, :-1]), b[0][:, 1:]),
    )


def _pretrained() -> nets.Transformer:
    net = nets.Transformer()
    net.load_state_dict(torch.load(PRETRAINED, map_location="cpu"))
    return net


def fine_tuning(*, adapters: bool = False) -> Job:
    net, tokens = _pretrained(), _headers()
    if adapters:
        nets.adapt(net)
    return Job(
        net,
        lambda g: (_windows(tokens, g, 8, 96),),
        lambda f, b: _crossed(f(b[0][:, :-1]), b[0][:, 1:]),
    )


def preferences(*, adapters: bool = False) -> Job:
    """Prefer what follows a text to what follows another (DPO, beta 0.1)."""
    net, tokens = _pretrained(), _headers()
    kept = _pretrained().to(DEVICE).eval()
    if adapters:
        nets.adapt(net)

    def draw(g: torch.Generator) -> Batch:
        good = _windows(tokens, g, 12, 64)
        bad = torch.cat([good[:, :32], good.roll(1, 0)[:, 32:]], 1)
        with torch.no_grad():
            return good, bad, _chance(kept, good), _chance(kept, bad)

    def loss(f: Callable[..., Any], b: Batch) -> Tensor:
        good, bad, before_good, before_bad = b
        margin = (_chance(f, good) - before_good) - (_chance(f, bad) - before_bad)
        return -functional.logsigmoid(0.1 * margin).mean()

    return Job(net, draw, loss)


def _chance(f: Callable[..., Any], x: Tensor) -> Tensor:
    score = f(x[:, :-1])[:, 31:].float().log_softmax(-1)
    chance: Tensor = score.gather(-1, x[:, 32:, None]).sum((1, 2))
    return chance


def masked(*, post: bool = False) -> Job:
    tokens = _code()

    def draw(g: torch.Generator) -> Batch:
        x = _windows(tokens, g, 16, 95)
        return x, (torch.rand(x.shape, generator=g) < 0.15).to(DEVICE)

    def loss(f: Callable[..., Any], b: Batch) -> Tensor:
        x, hidden = b
        logits = f(x.masked_fill(hidden, data.MASK)).float().log_softmax(-1)
        lost = -logits.gather(-1, x[..., None])[..., 0]
        mean: Tensor = (lost * hidden).sum() / hidden.sum()
        return mean

    return Job(nets.Transformer(causal=False, post=post), draw, loss)


def classify_text() -> Job:
    """Tell the two languages and shuffled text apart, from a pretrained net with a new head."""
    net, sources = _pretrained(), (_code(), _headers())
    net.whole, net.leave = True, nn.Linear(net.leave.in_features, 4)

    def draw(g: torch.Generator) -> Batch:
        kind = torch.randint(4, (24,), generator=g)
        x = torch.cat([_windows(sources[int(k) % 2], g, 1, 47) for k in kind])
        mixed = x[:, torch.randperm(48, generator=g)]
        return torch.where((kind >= 2)[:, None].to(DEVICE), mixed, x), kind.to(DEVICE)

    return Job(net, draw, lambda f, b: _crossed(f(b[0]), b[1]))


def pictures(*, net: Callable[[], nn.Module], patches: bool = False, wrong: float = 0.0) -> Job:
    """Name what is drawn; a share of the names is wrong, drawn anew in each batch."""
    x, y = _pictures()
    if patches:
        cut = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5)
        x = cut.reshape(len(x), 64, 48)

    def draw(g: torch.Generator) -> Batch:
        i = torch.randint(len(x), (64,), generator=g)
        other = torch.randint(data.KINDS, (64,), generator=g)
        is_wrong = torch.rand(64, generator=g) < wrong
        return x[i], torch.where(is_wrong, other, y.cpu()[i]).to(DEVICE)

    return Job(net(), draw, lambda f, b: _crossed(f(b[0]), b[1]))


def diffusion() -> Job:
    """Find the noise in a picture (Ho et al. 2020), its share as a fourth colour."""
    x, _ = _pictures()

    def draw(g: torch.Generator) -> Batch:
        i = torch.randint(len(x), (32,), generator=g)
        share = torch.rand(32, 1, 1, 1, generator=g).to(DEVICE)
        noise = torch.randn(32, 3, data.SIDE, data.SIDE, generator=g).to(DEVICE)
        mixed = (1 - share).sqrt() * 2 * x[i] + share.sqrt() * noise
        return torch.cat([mixed, share.expand_as(mixed[:, :1])], 1), noise

    def loss(f: Callable[..., Any], b: Batch) -> Tensor:
        return functional.mse_loss(f(b[0]).float(), b[1])

    return Job(nets.Convolutions(picture=True), draw, loss)


def coder() -> Job:
    x = _pictures()[0].mean(1).flatten(1)

    def draw(g: torch.Generator) -> Batch:
        i = torch.randint(len(x), (64,), generator=g)
        return x[i], torch.randn(64, 16, generator=g).to(DEVICE)

    def loss(f: Callable[..., Any], b: Batch) -> Tensor:
        drawn, surplus = f(*b)
        whole: Tensor = ((drawn.float() - b[0]) ** 2).sum(-1).mean() + surplus.mean()
        return whole

    return Job(nets.Coder(x.shape[1]), draw, loss)


def contrastive() -> Job:
    x = _pictures()[0]

    def view(i: Tensor, g: torch.Generator) -> Tensor:
        shift = torch.randint(-4, 5, (2,), generator=g).tolist()
        moved = x[i].roll(shift, (2, 3))
        return (moved + 0.1 * torch.randn(moved.shape, generator=g).to(DEVICE)).flatten(1)

    def draw(g: torch.Generator) -> Batch:
        i = torch.randint(len(x), (96,), generator=g)
        return view(i, g), view(i, g)

    def loss(f: Callable[..., Any], b: Batch) -> Tensor:
        near = f(b[0]) @ f(b[1]).transpose(-1, -2) / 0.1
        return _crossed(near, torch.arange(96, device=near.device))

    return Job(nets.Pair(x[0].numel()), draw, loss)


JOBS: dict[str, Callable[[], Job]] = {
    "language-model": language_model,
    "language-model-post": partial(language_model, net=partial(nets.Transformer, post=True)),
    "language-model-small-batch": partial(language_model, batch=2, length=64),
    "recurrent": partial(language_model, net=nets.Recurrent, length=48),
    "fine-tuning": fine_tuning,
    "adapters": partial(fine_tuning, adapters=True),
    "preferences": preferences,
    "preferences-adapters": partial(preferences, adapters=True),
    "masked": masked,
    "masked-post": partial(masked, post=True),
    "text-classes": classify_text,
    "vit": partial(
        pictures, net=partial(nets.Transformer, 10, n_in=48, causal=False, whole=True), patches=True
    ),
    "vit-wrong-labels": partial(
        pictures,
        net=partial(nets.Transformer, 10, n_in=48, causal=False, whole=True, layers=2),
        patches=True,
        wrong=0.3,
    ),
    "convolutions": partial(pictures, net=nets.Convolutions),
    "convolutions-plain": partial(pictures, net=partial(nets.Convolutions, norm=False)),
    "diffusion": diffusion,
    "coder": coder,
    "contrastive": contrastive,
}
