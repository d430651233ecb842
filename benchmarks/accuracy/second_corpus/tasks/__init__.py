"""Builders of the tasks by name; each takes a seed and a batch size, and options of its own."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.accuracy.second_corpus.tasks import (
    games,
    generative,
    pictures,
    pretrained,
    sequences,
    tables,
)
from benchmarks.accuracy.second_corpus.tasks.task import Task

TASKS: dict[str, Callable[..., Task]] = {
    "vit": pictures.vit,
    "noisy": pictures.noisy_labels,
    "fullbatch": pictures.full_batch,
    "cnn_decay": pictures.normalised,
    "segments": pictures.segments,
    "vae": generative.vae,
    "contrastive": generative.contrastive,
    "diffusion": generative.diffusion,
    "finetune": pretrained.finetune,
    "lora": pretrained.low_rank,
    "seq": sequences.recurrent,
    "skipgram": sequences.words,
    "pinn": tables.physics,
    "nll": tables.likelihood,
    "hinge": tables.hinge,
    "wine": tables.tiny,
    "gan": games.gan,
    "policy": games.policy,
    "qlearning": games.q_learning,
}
