"""Which jobs are trained, how, and around which learning rate."""

from __future__ import annotations

from benchmarks.accuracy.second_corpus.train import Setup

DECAY = {"weight_decay": 0.1}
COSINE, LINEAR = {"then": "cosine"}, {"then": "polynomial"}

# fmt: off
SETUPS = (
    Setup("gpt-adamw-warmcos", "language-model", "adamw", "warmup", 16, 900, 1e-3, 1.0,
          optimizer_options=DECAY, schedule_options=COSINE),
    Setup("adapters-adamw-linear", "adapters", "adamw", "polynomial", 8, 500, 2e-3, 1.0),
    Setup("finetune-adamw-warmlin", "fine-tuning", "adamw", "warmup", 8, 500, 3e-4, 1.0,
          optimizer_options=DECAY, schedule_options=LINEAR),
    Setup("cnn-momentum-cosine", "convolutions", "momentum", "cosine", 64, 800, 0.05,
          optimizer_options={"weight_decay": 5e-4}),
    Setup("vit-adamw-warmcos", "vit", "adamw", "warmup", 64, 800, 1e-3, 1.0,
          optimizer_options=DECAY, schedule_options=COSINE),
    Setup("dpo-adamw-warmlin", "preferences", "adamw", "warmup", 12, 250, 1e-4, 1.0,
          schedule_options=LINEAR),
    Setup("masked-adamw-warmlin", "masked", "adamw", "warmup", 16, 900, 1e-3, 1.0,
          optimizer_options=DECAY, schedule_options=LINEAR),
    Setup("diffusion-adamw-constant", "diffusion", "adamw", "constant", 32, 900, 1e-3, 1.0),
    Setup("classes-adamw-warmlin", "text-classes", "adamw", "warmup", 24, 400, 3e-4,
          schedule_options=LINEAR),
    Setup("gpt-momentum-constant", "language-model", "momentum", "constant", 16, 700, 0.1, 1.0),
    Setup("recurrent-sgd-constant", "recurrent", "sgd", "constant", 16, 350, 1.0, 0.25),
    Setup("wrong-labels-adamw-cosine", "vit-wrong-labels", "adamw", "cosine", 64, 900, 1e-3),
    Setup("dpo-adapters-adamw-cosine", "preferences-adapters", "adamw", "cosine", 12, 250, 1e-3),
    Setup("coder-adamw-constant", "coder", "adamw", "constant", 64, 1_200, 1e-3),
    Setup("small-batch-adamw-stable", "language-model-small-batch", "adamw", "stable_decay",
          2, 1_200, 1e-3, 1.0, optimizer_options=DECAY),
    Setup("contrastive-lion-warmcos", "contrastive", "lion", "warmup", 96, 700, 2e-4,
          optimizer_options=DECAY, schedule_options=COSINE),
    Setup("cnn-plain-momentum-step", "convolutions-plain", "momentum", "step", 64, 800, 0.02),
    Setup("gpt-post-adamw-constant", "language-model-post", "adamw", "constant", 16, 700, 3e-4),
    Setup("recurrent-adamw-linear", "recurrent", "adamw", "polynomial", 16, 350, 3e-3, 0.5),
    Setup("diffusion-rmsprop-cosine", "diffusion", "rmsprop", "cosine", 32, 900, 1e-3),
    Setup("masked-post-lion-stable", "masked-post", "lion", "stable_decay", 16, 700, 1e-4, 1.0,
          optimizer_options=DECAY),
    Setup("coder-momentum-cosine", "coder", "momentum", "cosine", 64, 1_200, 1e-4),
)
"""In order: where the time runs out, the last ones are not trained."""
# fmt: on
