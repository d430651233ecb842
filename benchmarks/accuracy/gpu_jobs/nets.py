"""The models, in operations that `torch.func.vmap` can run for many sets of parameters at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.accuracy.gpu_jobs.data import KINDS, VOCABULARY


class Block(nn.Module):
    """Attention and two layers, normalised before or after each."""

    def __init__(self, width: int, heads: int, *, causal: bool, post: bool = False) -> None:
        super().__init__()
        self.before_attention, self.before_layers = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.heads, self.causal, self.post = heads, causal, post

    def forward(self, x: Tensor) -> Tensor:
        if self.post:
            x = self.before_attention(x + self.attend(x))
            even: Tensor = self.before_layers(x + self.down(functional.gelu(self.up(x))))
            return even
        x = x + self.attend(self.before_attention(x))
        longer: Tensor = x + self.down(functional.gelu(self.up(self.before_layers(x))))
        return longer

    def attend(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        parts = self.qkv(x).view(n, length, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        score = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5
        if self.causal:
            late = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            score = score.masked_fill(late, -1e4)
        mixed = score.float().softmax(-1).to(v.dtype) @ v
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(n, length, width))
        return out


class Transformer(nn.Module):
    """Tokens or patches in; logits at each place, or one for the whole, out."""

    def __init__(  # noqa: PLR0913 - the options of a benchmark's model
        self,
        n_out: int = VOCABULARY,
        *,
        n_in: int | None = None,
        width: int = 192,
        layers: int = 4,
        length: int = 128,
        causal: bool = True,
        post: bool = False,
        whole: bool = False,
    ) -> None:
        super().__init__()
        self.enter = nn.Linear(n_in, width) if n_in else nn.Embedding(VOCABULARY, width)
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        blocks = [Block(width, width // 32, causal=causal, post=post) for _ in range(layers)]
        self.blocks = nn.ModuleList(blocks)
        self.norm, self.leave = nn.LayerNorm(width), nn.Linear(width, n_out)
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x) + self.place[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        x = self.norm(x.mean(1) if self.whole else x)
        logits: Tensor = self.leave(x)
        return logits


class Adapted(nn.Module):
    """A linear layer that is kept, and a product of two thin ones that is trained (LoRA)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, kept: nn.Linear, rank: int = 8) -> None:
        super().__init__()
        self.register_buffer("weight", kept.weight.detach().clone())
        self.register_buffer("bias", kept.bias.detach().clone())
        self.a = nn.Parameter(torch.randn(rank, kept.in_features) / kept.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(kept.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        kept = functional.linear(x, self.weight, self.bias)
        return kept + 2 * functional.linear(functional.linear(x, self.a), self.b)


def adapt(net: Transformer) -> None:
    """Put adapters at the linear layers of all blocks, and train nothing else."""
    net.requires_grad_(False)
    for block in net.blocks:
        for name in ("qkv", "out", "up", "down"):
            setattr(block, name, Adapted(getattr(block, name)))


class Recurrent(nn.Module):
    """A gated recurrent net over tokens, one step after the other."""

    def __init__(self, width: int = 192) -> None:
        super().__init__()
        self.enter, self.leave = nn.Embedding(VOCABULARY, width), nn.Linear(width, VOCABULARY)
        self.gates, self.fresh = nn.Linear(2 * width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        states, state = [], torch.zeros_like(self.enter(x[:, 0]))
        for token in self.enter(x).unbind(1):
            keep, use = self.gates(torch.cat([token, state], -1)).sigmoid().chunk(2, -1)
            fresh = self.fresh(torch.cat([token, use * state], -1)).tanh()
            state = keep * state + (1 - keep) * fresh
            states.append(state)
        logits: Tensor = self.leave(torch.stack(states, 1))
        return logits


class Convolutions(nn.Module):
    """A residual net over pictures: to kinds, or to a picture of the same size."""

    def __init__(self, width: int = 24, *, norm: bool = True, picture: bool = False) -> None:
        super().__init__()
        stride = 1 if picture else 2
        self.enter = nn.Conv2d(4 if picture else 3, width, 3, stride=2, padding=1)
        self.mid = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(4))
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(4))
        self.wide = nn.Conv2d(width, 2 * width, 3, stride=stride, padding=1)
        self.leave = nn.Conv2d(2 * width, 12, 1) if picture else nn.Linear(2 * width, KINDS)
        self.norm, self.picture = norm, picture

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        for layer, norm in zip(self.mid, self.norms, strict=True):
            x = x + functional.silu(layer(norm(x) if self.norm else x))
        x = functional.silu(self.wide(x))
        if self.picture:
            return functional.pixel_shuffle(self.leave(x), 2)
        logits: Tensor = self.leave(x.mean((2, 3)))
        return logits


class Coder(nn.Module):
    """A variational auto-encoder of flat pictures."""

    def __init__(self, size: int, width: int = 256, code: int = 16) -> None:
        super().__init__()
        self.down, self.code = nn.Linear(size, width), nn.Linear(width, 2 * code)
        self.up, self.out = nn.Linear(code, width), nn.Linear(width, size)

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = self.code(functional.relu(self.down(x))).float().chunk(2, -1)
        drawn = mean + noise * (0.5 * spread).exp()
        surplus = 0.5 * (mean**2 + spread.exp() - 1 - spread).sum(-1)
        return self.out(functional.relu(self.up(drawn))), surplus


class Pair(nn.Module):
    """Two towers whose outputs are brought together (contrastive learning)."""

    def __init__(self, size: int, width: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(size, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 64),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(self.layers(x).float(), dim=-1)
