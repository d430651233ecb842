"""The sweeps and the games of the second corpus."""

from __future__ import annotations

from benchmarks.accuracy.second_corpus.train import Setup

DECAY = {"weight_decay": 0.05}

# fmt: off
SWEEPS = (
    Setup("vit-adamw-warmcos", "vit", "adamw", "warmup", 32, 400, 3e-3, 1.0,
          optimizer_options=DECAY, schedule_options={"then": "cosine"}),
    Setup("vit-lion-cosine", "vit", "lion", "cosine", 32, 400, 3e-4,
          task_options={"layers": 1}, optimizer_options=DECAY),
    Setup("vit-momentum-constant", "vit", "momentum", "constant", 16, 500, 0.03,
          task_options={"layers": 1}),
    Setup("lstm-rmsprop-constant", "seq", "rmsprop", "constant", 32, 500, 3e-3, 1.0,
          task_options={"cell": "LSTM"}),
    Setup("rnn-momentum-linear", "seq", "momentum", "polynomial", 32, 600, 0.03, 0.5,
          task_options={"cell": "RNN"}),
    Setup("gru-lamb-exponential", "seq", "lamb", "exponential", 64, 400, 0.01,
          task_options={"cell": "GRU"}),
    Setup("physics-adam-constant", "pinn", "adam", "constant", 64, 800, 3e-3),
    Setup("physics-adam-cosine", "pinn", "adam", "cosine", 64, 800, 3e-3,
          task_options={"depth": 3, "width": 20}),
    Setup("vae-adam-exponential", "vae", "adam", "exponential", 64, 700, 3e-3),
    Setup("vae-momentum-constant", "vae", "momentum", "constant", 32, 700, 0.03),
    Setup("contrastive-adamw-cosine", "contrastive", "adamw", "cosine", 128, 500, 3e-3,
          optimizer_options=DECAY),
    Setup("contrastive-nesterov-step", "contrastive", "nesterov", "step", 64, 600, 0.1),
    Setup("finetune-adam-linear", "finetune", "adam", "polynomial", 32, 500, 1e-3, 1.0,
          task_options={"norm": "layer"}),
    Setup("finetune-momentum-constant", "finetune", "momentum", "constant", 32, 500, 0.01,
          task_options={"rotated": True}),
    Setup("lora-adamw-warmlinear", "lora", "adamw", "warmup", 32, 500, 3e-3, 1.0,
          schedule_options={"then": "polynomial"}),
    Setup("fullbatch-sgd-constant", "fullbatch", "sgd", "constant", 300, 700, 0.3),
    Setup("fullbatch-adam-constant", "fullbatch", "adam", "constant", 300, 400, 3e-3,
          task_options={"activation": "relu"}),
    Setup("fullbatch-lbfgs-constant", "fullbatch", "lbfgs", "constant", 300, 200, 0.1),
    Setup("noisy-nesterov-step", "noisy", "nesterov", "step", 32, 700, 0.03),
    Setup("noisy-adam-constant", "noisy", "adam", "constant", 16, 800, 3e-3),
    Setup("likelihood-adam-constant", "nll", "adam", "constant", 64, 900, 3e-3, 1.0),
    Setup("likelihood-sgd-warmup", "nll", "sgd", "warmup", 32, 900, 0.03, 1.0),
    Setup("hinge-adagrad-constant", "hinge", "adagrad", "constant", 32, 600, 0.03),
    Setup("words-adam-constant", "skipgram", "adam", "constant", 128, 900, 0.01),
    Setup("words-adagrad-step", "skipgram", "adagrad", "step", 128, 900, 0.3,
          schedule_options={"every": 0.4}),
    Setup("tiny-nadam-triangular", "wine", "nadam", "triangular", 8, 600, 1e-3),
    Setup("decay-momentum-warmup", "cnn_decay", "momentum", "warmup", 64, 400, 0.05,
          optimizer_options={"weight_decay": 5e-3}),
    Setup("decay-adadelta-cosine", "cnn_decay", "adadelta", "cosine", 64, 400, 1.0),
    Setup("decay-lars-linear", "cnn_decay", "lars", "polynomial", 64, 400, 0.03),
    Setup("diffusion-adamw-stable", "diffusion", "adamw", "stable_decay", 64, 900, 3e-3,
          optimizer_options=DECAY),
    Setup("segments-momentum-onecycle", "segments", "momentum", "one_cycle", 16, 400, 0.1),
    Setup("segments-rmsprop-jittered", "segments", "rmsprop", "jittered", 16, 400, 3e-3),
    Setup("tiny-sgd-inverse", "wine", "sgd", "inverse_time", 16, 600, 0.1),
)
"""Jobs that are trained at many learning rates."""

GAMES = (
    *(Setup(f"gan-{watched}-{lr:g}", "gan", "adam", "constant", 64, n_steps, lr,
            task_options={"watched": watched, "rival_lr": rival})
      for watched in ("generator", "discriminator")
      for lr, rival, n_steps in ((1e-3, 1e-3, 1_500), (3e-4, 1e-3, 3_000), (3e-3, 3e-3, 800))),
    *(Setup(f"policy-{name}-{lr:g}", "policy", name, "constant", 16, n_steps, lr)
      for name, lr, n_steps in (("adam", 3e-3, 600), ("adam", 0.01, 400), ("momentum", 0.03, 800))),
    *(Setup(f"qlearning-{lr:g}", "qlearning", "adam", "constant", 64, n_steps, lr)
      for lr, n_steps in ((1e-3, 1_500), (3e-3, 1_000))),
)
"""Jobs whose loss is no objective, at rates at which they get somewhere."""
# fmt: on
