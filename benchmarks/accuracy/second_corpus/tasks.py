"""Tasks of kinds that the first corpus lacks; models small enough for a minute a sweep."""

import functools
import math

import numpy as np
import torch
from generator import tasks_base
from generator.tasks_base import Batcher, Supervised, Task, mlp, standardise
from generator.tasks_dev import digits
from sklearn import datasets
from torch import nn
from torch.nn import functional

tensor = tasks_base.T


class Attention(nn.Module):
    def __init__(self, d, h=2):
        super().__init__()
        self.h, self.n1, self.n2 = h, nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.p = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.f = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        n, length, d = x.shape
        split = self.qkv(self.n1(x)).view(n, length, 3, self.h, d // self.h)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        x = x + self.p(mixed.reshape(n, length, d))
        return x + self.f(self.n2(x))


class ViT(nn.Module):
    def __init__(self, d=32, layers=2, out=10):
        super().__init__()
        self.patch = nn.Linear(4, d)
        self.cls, self.pos = (
            nn.Parameter(0.02 * torch.randn(1, 1, d)),
            nn.Parameter(0.02 * torch.randn(17, d)),
        )
        self.b = nn.Sequential(*[Attention(d) for _ in range(layers)])
        self.n, self.o = nn.LayerNorm(d), nn.Linear(d, out)

    def forward(self, x):
        x = x.view(-1, 4, 2, 4, 2).transpose(2, 3).reshape(-1, 16, 4)
        x = torch.cat([self.cls.expand(len(x), -1, -1), self.patch(x)], 1) + self.pos
        return self.o(self.n(self.b(x))[:, 0])


class DigitsViT(Supervised):
    def __init__(self, seed, bs, d=32, layers=2):
        self.setup_seed(seed)
        x, y = digits()
        self.model_name = f"vit-{layers}x{d}"
        self.init(x, y, ViT(d, layers), functional.cross_entropy, bs, seed, n_eval=256)


class SeqModel(nn.Module):
    def __init__(self, d, kind):
        super().__init__()
        self.r = {"lstm": nn.LSTM, "rnn": nn.RNN, "gru": nn.GRU}[kind](2, d, batch_first=True)
        self.o = nn.Linear(d, 1)

    def forward(self, x):
        return self.o(self.r(x)[0][:, -1]).squeeze(1)


@functools.lru_cache(None)
def sequences(length=16, n=1500):
    g = np.random.default_rng(5)
    x = g.normal(size=(n, length, 2)).astype(np.float32)
    w = np.exp(-np.arange(length)[::-1] / 5)
    y = np.tanh((x[..., 0] * w).sum(1)) + 0.5 * np.sin(x[..., 1].sum(1)) + 0.1 * g.normal(size=n)
    return tensor(x), tensor(standardise(y))


class Sequence(Supervised):
    def __init__(self, seed, bs, kind="lstm", d=24):
        self.setup_seed(seed)
        x, y = sequences()
        self.model_name = f"{kind}-{d}"
        self.init(x, y, SeqModel(d, kind), functional.mse_loss, bs, seed, n_eval=384)


class Pinn(Task):
    """u'' + u = f with u(0) = u(pi) = 0, residual and boundary loss."""

    scale = "log"

    def __init__(self, seed, bs, width=24, depth=2):
        self.setup_seed(seed)
        self.model_name = f"pinn-{depth}x{width}"
        self.model = mlp((1, *[width] * depth, 1), "tanh")
        self.rng = torch.Generator().manual_seed(seed)
        self.bs = bs
        self.e = torch.linspace(0, math.pi, 128)[:, None]

    def _loss(self, x):
        x = x.clone().requires_grad_(True)
        u = self.model(x)
        d1 = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        d2 = torch.autograd.grad(d1.sum(), x, create_graph=True)[0]
        f = -8 * torch.sin(3 * x)
        ends = self.model(torch.tensor([[0.0], [math.pi]]))
        return ((d2 + u - f) ** 2).mean() + 10 * (ends**2).mean()

    def loss(self):
        return self._loss(math.pi * torch.rand(self.bs, 1, generator=self.rng))

    def evaluate(self):
        return float(self._loss(self.e).detach())


class VAE(Supervised):
    def __init__(self, seed, bs, z=6):
        self.setup_seed(seed)
        x, _ = digits()
        self.z, self.model_name = z, f"vae-64-48-{z}"
        m = nn.ModuleList([mlp((64, 48, 2 * z), "relu"), mlp((z, 48, 64), "relu")])
        self.init(x, x, m, None, bs, seed)
        self.g = torch.Generator().manual_seed(seed)

    def _elbo(self, x, g):
        mu, lv = self.model[0](x).chunk(2, 1)
        z = mu + (0.5 * lv).exp() * torch.randn(mu.shape, generator=g)
        kl = 0.5 * (mu**2 + lv.exp() - 1 - lv).sum(1)
        return (((self.model[1](z) - x) ** 2).sum(1) / 2 + kl).mean() / 64

    def loss(self):
        return self._elbo(self.x[self.batch()], self.g)

    @torch.no_grad()
    def evaluate(self):
        return float(self._elbo(self.ex, torch.Generator().manual_seed(1)))


class Contrastive(Supervised):
    def __init__(self, seed, bs, d=16):
        self.setup_seed(seed)
        x, _ = digits()
        self.model_name = f"infonce-64-64-{d}"
        self.init(x, x, mlp((64, 64, d), "relu", "bn"), None, bs, seed, n_eval=256)
        self.g = torch.Generator().manual_seed(seed)

    def _nce(self, x, g):
        a, b = (
            functional.normalize(self.model(x + 0.5 * torch.randn(x.shape, generator=g)), dim=1)
            for _ in "ab"
        )
        return functional.cross_entropy(a @ b.T / 0.2, torch.arange(len(x)))

    def loss(self):
        return self._nce(self.x[self.batch()], self.g)

    @torch.no_grad()
    def evaluate(self):
        g = torch.Generator().manual_seed(1)
        bs = self.batch.bs
        return float(
            np.mean(
                [
                    float(self._nce(self.ex[i : i + bs], g))
                    for i in range(0, len(self.ex) - bs + 1, bs)
                ]
            )
        )


@functools.lru_cache(None)
def pretrained(hidden=(64, 64), norm=None):
    torch.manual_seed(99)
    x, y = digits()
    x, y = x[y < 5], y[y < 5]
    m = mlp((64, *hidden, 10), "relu", norm)
    o = torch.optim.Adam(m.parameters(), 3e-3)
    b = Batcher(len(x), 64, 0)
    for _ in range(400):
        i = b()
        o.zero_grad()
        functional.cross_entropy(m(x[i]), y[i]).backward()
        o.step()
    return m.state_dict()


class FineTune(Supervised):
    """Pretrained on the digits 0 to 4, trained further on all, or on rotated ones."""

    def __init__(self, seed, bs, norm=None, what="all"):
        self.setup_seed(seed)
        x, y = digits()
        if what == "rotated":
            k = y < 5
            x, y = torch.rot90(x[k].view(-1, 8, 8), 1, (1, 2)).reshape(-1, 64), y[k]
        self.model_name = f"finetune-mlp-64-64-{norm or ''}"
        m = mlp((64, 64, 64, 10), "relu", norm)
        m.load_state_dict(pretrained((64, 64), norm))
        self.init(x, y, m, functional.cross_entropy, bs, seed)


class FullBatch(Supervised):
    def __init__(self, seed, bs, act="tanh"):
        self.setup_seed(seed)
        x, y = digits()
        self.model_name = f"fullbatch-mlp-{act}"
        self.init(
            x[:bs], y[:bs], mlp((64, 48, 10), act), functional.cross_entropy, bs, seed, n_eval=bs
        )


class NoisyLabels(Supervised):
    def __init__(self, seed, bs, share=0.4):
        self.setup_seed(seed)
        x, y = digits()
        g = np.random.default_rng(11)
        y = y.clone()
        k = torch.from_numpy(np.flatnonzero(g.random(len(y)) < share))
        y[k] = torch.from_numpy(g.integers(0, 10, len(k)))
        self.model_name = "noisy-labels-cnn"
        m = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(96, 10),
        )
        self.init(x.view(-1, 1, 8, 8), y, m, functional.cross_entropy, bs, seed)


class GaussianNLL(Supervised):
    """Regression with a learnt variance: the loss becomes negative."""

    def __init__(self, seed, bs):
        self.setup_seed(seed)
        x, y = datasets.make_friedman3(1500, noise=0.02, random_state=0)
        self.model_name = "gaussian-nll"

        def nll(out, y):
            mu, lv = out.chunk(2, 1)
            lv = lv.clamp(-8, 8)
            return 0.5 * (lv + (y[:, None] - mu) ** 2 * (-lv).exp()).mean()

        self.init(
            tensor(standardise(x)),
            tensor(standardise(y)),
            mlp((4, 32, 32, 2), "gelu"),
            nll,
            bs,
            seed,
        )


class Hinge(Supervised):
    """Linear separable hinge loss: reaches exactly 0."""

    def __init__(self, seed, bs):
        self.setup_seed(seed)
        x, y = datasets.make_classification(
            1200, 20, n_informative=10, class_sep=2.5, flip_y=0.0, random_state=1
        )
        self.model_name = "hinge-linear"
        self.init(
            tensor(standardise(x)),
            tensor(2 * y - 1),
            nn.Sequential(mlp((20, 16, 1), "relu"), nn.Flatten(0)),
            lambda o, y: functional.relu(1 - o * y).mean(),
            bs,
            seed,
        )


class SkipGram(Task):
    """Embeddings with negative sampling on synthetic co-occurrences."""

    def __init__(self, seed, bs, d=12):
        self.setup_seed(seed)
        self.model_name = f"skipgram-{d}"
        self.model = nn.ModuleList([nn.Embedding(200, d), nn.Embedding(200, d)])
        for p in self.model.parameters():
            p.data.mul_(0.1)
        self.bs, self.rng = bs, np.random.default_rng(seed)
        e = np.random.default_rng(7)
        self.e = self._draw(e, 1024)

    def _draw(self, g, n):
        a = g.integers(0, 200, n)
        b = (a + g.integers(-6, 7, n)) % 200
        return torch.from_numpy(np.stack([a, b, g.integers(0, 200, n)]))

    def _nll(self, k):
        u, v, w = self.model[0](k[0]), self.model[1](k[1]), self.model[1](k[2])
        return -(
            functional.logsigmoid((u * v).sum(1)) + functional.logsigmoid(-(u * w).sum(1))
        ).mean()

    def loss(self):
        return self._nll(self._draw(self.rng, self.bs))

    @torch.no_grad()
    def evaluate(self):
        return float(self._nll(self.e))


class ResMLP(nn.Module):
    def __init__(self, i, d, layers, o):
        super().__init__()
        self.i, self.o = nn.Linear(i, d), nn.Linear(d, o)
        self.b = nn.ModuleList(
            [
                nn.Sequential(nn.LayerNorm(d), nn.Linear(d, d), nn.GELU(), nn.Linear(d, d))
                for _ in range(layers)
            ]
        )

    def forward(self, x):
        x = self.i(x)
        for b in self.b:
            x = x + b(x)
        return self.o(x)


class Wine(Supervised):
    def __init__(self, seed, bs):
        self.setup_seed(seed)
        d = datasets.load_wine()
        self.model_name = "resmlp-13-16x3"
        self.init(
            tensor(standardise(d.data)),
            tensor(d.target, torch.long),
            ResMLP(13, 16, 3, 3),
            functional.cross_entropy,
            bs,
            seed,
        )


class CnnDecay(Supervised):
    def __init__(self, seed, bs):
        self.setup_seed(seed)
        x, y = digits()
        self.model_name = "cnn-bn-8-16-decay"
        m = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(64, 10),
        )
        self.init(x.view(-1, 1, 8, 8), y, m, functional.cross_entropy, bs, seed, n_eval=384)


TASKS = {
    "vit": DigitsViT,
    "seq": Sequence,
    "pinn": Pinn,
    "vae": VAE,
    "contrastive": Contrastive,
    "finetune": FineTune,
    "fullbatch": FullBatch,
    "noisy": NoisyLabels,
    "nll": GaussianNLL,
    "hinge": Hinge,
    "skipgram": SkipGram,
    "wine": Wine,
    "cnn_decay": CnnDecay,
}
