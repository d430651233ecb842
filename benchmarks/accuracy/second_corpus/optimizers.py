"""Two optimizers that torch lacks, on one flat parameter vector."""

import torch


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0, **_):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                s = self.state[p]
                m = s.setdefault("m", torch.zeros_like(p))
                a, b = g["betas"]
                p.mul_(1 - g["lr"] * g["weight_decay"])
                p.add_(torch.sign(a * m + (1 - a) * p.grad), alpha=-g["lr"])
                m.mul_(b).add_(p.grad, alpha=1 - b)


class Lamb(torch.optim.Optimizer):
    """One trust ratio for the whole flat vector."""

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01, **_):
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                s = self.state[p]
                s["t"] = s.get("t", 0) + 1
                m, v = (
                    s.setdefault("m", torch.zeros_like(p)),
                    s.setdefault("v", torch.zeros_like(p)),
                )
                a, b = g["betas"]
                m.mul_(a).add_(p.grad, alpha=1 - a)
                v.mul_(b).addcmul_(p.grad, p.grad, value=1 - b)
                u = (m / (1 - a ** s["t"])) / ((v / (1 - b ** s["t"])).sqrt() + g["eps"]) + g[
                    "weight_decay"
                ] * p
                r = float(p.norm() / (u.norm() + 1e-12))
                p.add_(u, alpha=-g["lr"] * r)
