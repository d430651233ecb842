"""``lrwatch run train.py`` is ``python train.py``, and every optimizer in it is recorded."""

from __future__ import annotations

import json
import os
import signal
import textwrap
from pathlib import Path

import pytest
from scripts import LOOP, Ended, lrwatch_run, python

import lrwatch
from lrwatch.store import list_runs, read_run_info

pytestmark = pytest.mark.e2e

PROBE = """
import json, os, sys
world = {
    "name": __name__,
    "names": sorted(globals()),
    "file": globals().get("__file__"),
    "package": __package__,
    "spec": getattr(__spec__, "name", None),
    "loader": type(__loader__).__name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "argv": sys.argv,
    "path": sys.path,
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "flags": str(sys.flags),
    "warnings": sys.warnoptions,
    "meta_path": len(sys.meta_path) - ("lrwatch" in sys.modules),
    "torch": "torch" in sys.modules or "numpy" in sys.modules,
    "stdin": sys.stdin.read(),
}
print(json.dumps(world))
"""


NOTHING = "lrwatch: nothing was recorded: "
NO_TORCH = (
    "it did not import torch; for another framework, lrwatch.open_run() records what you give it\n"
)


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return name


def runs(folder: Path) -> list[str]:
    return [entry.key for entry in list_runs(folder)] if folder.exists() else []


@pytest.mark.parametrize("arguments", [["probe.py"], ["./probe.py"], ["-m", "package.probe"]])
def test_the_script_sees_the_world_that_python_gives_it(
    tmp_path: Path, arguments: list[str]
) -> None:
    write(tmp_path, "probe.py", PROBE)
    write(tmp_path, "package/probe.py", PROBE)
    given = [*arguments, "--dir", "mine", "-m", "--help", "--", "a b"]
    expected = python(*given, folder=tmp_path, stdin="text")
    seen = lrwatch_run("--dir", "kept", *given, folder=tmp_path, stdin="text")
    assert json.loads(seen.output) == json.loads(expected.output)
    assert seen == Ended(0, seen.output, NOTHING + NO_TORCH)
    assert not (tmp_path / "kept").exists()


INTERRUPTED = (  # in the background as well, where interrupts are ignored
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
)
BROKEN = "it ended with {} before a torch optimizer made a step\n"


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("sys.exit(7)", NO_TORCH),
        ("sys.exit('a text')", NO_TORCH),
        ("raise ValueError('of the script')", BROKEN.format("ValueError")),
        ("os._exit(5)", ""),
        ("os.kill(os.getpid(), signal.SIGTERM)", ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", ""),
        (INTERRUPTED, BROKEN.format("KeyboardInterrupt")),
        ("sys.stdout.buffer.write(b'\\xff\\x00'.hex().encode())", NO_TORCH),
        ("print(sys.stdin.readline(), file=sys.stderr)", NO_TORCH),
        ("(", BROKEN.format("SyntaxError")),
    ],
)
def test_the_script_ends_as_under_python(tmp_path: Path, end: str, why: str) -> None:
    script = write(tmp_path, "script.py", f"import os, signal, sys, time\nprint('x')\n{end}\n")
    expected = python(script, folder=tmp_path, stdin="typed\n")
    seen = lrwatch_run(script, folder=tmp_path, stdin="typed\n")
    said = NOTHING + why if why else ""
    assert seen == Ended(expected.status, expected.output, expected.errors + said)


def test_errors_in_torch_are_told_as_python_tells_them(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "script.py",
        LOOP
        + """
try:
    torch.optim.SGD([], lr=0.1)
except ValueError as error:
    torch.ones(2).sum().backward()
""",
    )
    expected = python(script, folder=tmp_path)
    seen = lrwatch_run(script, folder=tmp_path)
    assert (seen.status, seen.output) == (1, "")
    assert "During handling of the above exception" in expected.errors
    assert seen.errors == expected.errors + "lrwatch: 20 steps recorded in runs/script-sgd-0.1\n"
    assert read_run_info(tmp_path / "runs" / "script-sgd-0.1").status == "failed"


def test_every_step_is_recorded_with_its_loss(tmp_path: Path) -> None:
    script = write(tmp_path, "my train.py", LOOP + "import json; print(json.dumps(losses))")
    ended = lrwatch_run("--dir", "kept", script, "--lr", "1", folder=tmp_path)
    assert ended.status == 0
    assert ended.errors == "lrwatch: 20 steps recorded in kept/my-train-sgd-0.1\n"
    assert runs(tmp_path / "kept") == ["my-train-sgd-0.1"]  # none of the unused optimizer
    frame = lrwatch.read(tmp_path / "kept" / "my-train-sgd-0.1")
    assert frame["loss"].tolist() == json.loads(ended.output)
    assert frame["step"].tolist() == list(range(20))
    assert frame[["lr", "grad_norm", "update_norm"]].notna().all(axis=None)
    info = read_run_info(tmp_path / "kept" / "my-train-sgd-0.1")
    assert info.config == {"command": "'my train.py' --lr 1"}
    assert info.status == "finished"


def test_workers_make_no_runs_and_find_what_main_defines(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "train.py",
        """
        import os, sys
        import torch
        from torch.utils.data import DataLoader, Dataset

        class Numbers(Dataset):
            def __len__(self):
                return 6
            def __getitem__(self, i):
                if i == 0:  # a worker that trains as well
                    weight = torch.nn.Parameter(torch.ones(1))
                    own = torch.optim.SGD([weight], lr=0.5)
                    weight.sum().backward()
                    own.step()
                return torch.tensor([float(i)])

        if __name__ == "__main__":
            net = torch.nn.Linear(1, 1)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            for context in ("fork", "spawn"):
                data = DataLoader(Numbers(), 2, num_workers=1, multiprocessing_context=context)
                for x in data:
                    optimizer.zero_grad()
                    net(x).sum().backward()
                    optimizer.step()
            if os.fork() == 0:
                net(x).sum().backward()
                optimizer.step()
                sys.exit(0)
            os.wait()
        """,
    )
    ended = lrwatch_run(script, folder=tmp_path)
    assert ended == Ended(0, "", "lrwatch: 6 steps recorded in runs/train-sgd-0.01\n")
    assert runs(tmp_path / "runs") == ["train-sgd-0.01"]
    assert len(lrwatch.read(tmp_path / "runs" / "train-sgd-0.01")) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.py"], "there is no script absent.py"),
        (["-m", "absent"], "there is no module absent"),
        (["-m", "json.absent"], "there is no module json.absent"),
        (["."], ". is a folder without __main__.py"),
        (["--name", "a:b", "probe.py"], "name must not contain ':'"),
        (["--fast", "probe.py"], "no such option '--fast'"),
        (["torchrun", "probe.py"], "torchrun is no script; write torchrun --no-python lrwatch run"),
        (["--config", "a", "probe.py"], "--config takes KEY=VALUE, got 'a'"),
        (["--total-steps", "0", "probe.py"], "invalid value for '--total-steps'"),
        ([], "missing argument 'SCRIPT'"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    write(tmp_path, "probe.py", PROBE)
    ended = lrwatch_run(*arguments, folder=tmp_path)
    assert (ended.status, ended.output) == (2, "")
    assert ended.errors.startswith(f"lrwatch: {sentence}")
    assert ended.errors.count("\n") == 1


def test_the_machines_own_start_up_module_has_its_turn(tmp_path: Path) -> None:
    script = write(tmp_path, "script.py", "import sitecustomize; print(sitecustomize.__file__)")
    write(tmp_path, "machine/sitecustomize.py", "print('machine')")
    path = str(tmp_path / "machine")
    expected = python(script, folder=tmp_path, PYTHONPATH=f"{path}:{Path(__file__).parents[2]}")
    assert expected.output.startswith("machine\n")
    seen = lrwatch_run(script, folder=tmp_path, PYTHONPATH=f"{path}:{Path(__file__).parents[2]}")
    assert seen.output == "machine\n" + expected.output  # once more for `lrwatch` itself


def test_of_the_processes_of_a_job_the_first_one_writes(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "train.py",
        """
        import os
        import torch
        import torch.distributed as dist

        dist.init_process_group("gloo")
        torch.manual_seed(0)
        net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            net(torch.ones(2, 4) * (1 + dist.get_rank())).square().mean().backward()
            optimizer.step()
        os.write(1, f"trained {os.environ['RANK']}\\n".encode())  # whole lines, from both at once
        dist.destroy_process_group()
        """,
    )
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = python(*launcher, "-m", "lrwatch", "run", script, folder=tmp_path)
    assert ended.status == 0, ended.errors
    assert sorted(ended.output.splitlines()) == ["trained 0", "trained 1"]
    assert ended.errors.count("lrwatch: ") == 1
    assert runs(tmp_path / "runs") == ["train-adamw-0.1"]
    assert len(lrwatch.read(tmp_path / "runs" / "train-adamw-0.1")) == 5


SPAWNING = """
import sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

def train(number, n_steps, file):
    if file:
        dist.init_process_group("gloo", init_method=f"file://{file}", rank=number, world_size=2)
    net = torch.nn.Linear(4, 1)
    if file:
        net = torch.nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1 + number)
    for step in range(n_steps):
        optimizer.zero_grad()
        net(torch.ones(2, 4)).square().mean().backward()
        optimizer.step()
        if step == 5:
            raise ValueError("of the script")
    if file:
        dist.destroy_process_group()
"""


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_trainings_in_processes_that_torch_starts_are_recorded(tmp_path: Path, method: str) -> None:
    script = write(
        tmp_path,
        "train.py",
        SPAWNING
        + f"""
if __name__ == "__main__":
    mp.start_processes(train, args=(5, ""), nprocs=2, start_method={method!r})
""",
    )
    ended = lrwatch_run(script, folder=tmp_path)
    assert (ended.status, ended.output) == (0, "")
    assert sorted(ended.errors.splitlines()) == [
        f"lrwatch: 5 steps recorded in runs/train-sgd-{lr}" for lr in ("0.1", "1.1")
    ]
    for lr in ("0.1", "1.1"):
        run = tmp_path / "runs" / f"train-sgd-{lr}"
        assert lrwatch.read(run)["loss"].notna().tolist() == [True] * 5
        assert read_run_info(run).status == "finished"
        assert read_run_info(run).config == {"command": "train.py"}


def test_of_the_processes_of_a_spawned_job_the_first_one_writes(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "train.py",
        SPAWNING
        + """
if __name__ == "__main__":
    mp.spawn(train, args=(5, sys.argv[1]), nprocs=2)
""",
    )
    ended = lrwatch_run(script, str(tmp_path / "meet"), folder=tmp_path)
    assert ended.status == 0, ended.errors
    assert runs(tmp_path / "runs") == ["train-sgd-0.1"]
    assert len(lrwatch.read(tmp_path / "runs" / "train-sgd-0.1")) == 5


def test_a_spawned_training_that_fails_is_told_as_failed(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        "train.py",
        SPAWNING
        + """
if __name__ == "__main__":
    mp.spawn(train, args=(9, ""), nprocs=1)
""",
    )
    ended = lrwatch_run(script, folder=tmp_path)
    assert ended.status == 1
    assert "ProcessRaisedException" in ended.errors
    assert ended.errors.count("ValueError: of the script") == 1
    assert read_run_info(tmp_path / "runs" / "train-sgd-0.1").status == "failed"
    assert len(lrwatch.read(tmp_path / "runs" / "train-sgd-0.1")) == 6


PROCESSES = """
import multiprocessing as mp
import sys
{torch}

class Own(mp.Process):
    def run(self):
        train(0.3)

def train(lr):
    import torch
    net = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for step in range(5):
        optimizer.zero_grad()
        net(torch.ones(2, 4)).square().mean().backward()
        optimizer.step()
    if lr == 0.2:
        raise ValueError("of the script")

if __name__ == "__main__":
    mp.set_start_method("{method}")
    children = [mp.Process(target=train, args=(0.1,)), mp.Process(target=train, args=(0.2,)), Own()]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print([child.exitcode for child in children])
"""


@pytest.mark.parametrize(
    ("method", "torch"), [("spawn", ""), ("fork", "import torch"), ("fork", "")]
)
def test_what_trains_in_processes_of_the_script_is_recorded(
    tmp_path: Path, method: str, torch: str
) -> None:
    script = write(tmp_path, "train.py", PROCESSES.format(method=method, torch=torch))
    ended = lrwatch_run("--config", "width=64", script, folder=tmp_path)
    assert (ended.status, ended.output) == (0, "[0, 1, 0]\n")
    said = [line for line in ended.errors.splitlines() if line.startswith("lrwatch: ")]
    assert sorted(said) == [
        f"lrwatch: 5 steps recorded in runs/train-sgd-{lr}" for lr in ("0.1", "0.2", "0.3")
    ]
    assert ended.errors.count("ValueError: of the script") == 1
    assert "autowatch" not in ended.errors  # tracebacks as without lrwatch
    statuses = [read_run_info(tmp_path / "runs" / name).status for name in runs(tmp_path / "runs")]
    assert statuses == ["finished", "failed", "finished"]
    assert read_run_info(tmp_path / "runs" / "train-sgd-0.1").config["width"] == 64


GAN = """
import torch
torch.set_num_threads(1)

class Gan:
    def __init__(self):
        self.generator, self.critic = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
        self.optimizer_G = torch.optim.Adam(self.generator.parameters(), lr=2e-4)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=2e-4)

    def step(self):
        for optimizer in (self.optimizer, self.optimizer_G):
            optimizer.zero_grad()
            self.critic(self.generator(torch.ones(3, 2))).mean().backward()
            optimizer.step()

gan = Gan()
for _ in range(4):
    gan.step()
"""


def test_a_job_goes_on_with_its_runs(tmp_path: Path) -> None:
    script = write(tmp_path, "main.py", GAN)
    names = ["main-G-adam-0.0002", "main-critic-adam-0.0002"]
    told = [
        "--total-steps",
        "90",
        "--config",
        "lr=2e-4",
        "--config",
        "sn=true",
        "--config",
        "k=a=b",
    ]
    for n in (4, 8):
        ended = lrwatch_run("--resume", *told, script, folder=tmp_path)
        assert ended.errors == (
            f"lrwatch: 8 steps of 2 optimizers recorded in runs: {names[1]}, {names[0]}\n"
        )
        assert runs(tmp_path / "runs") == names
        for name in names:
            assert lrwatch.read(tmp_path / "runs" / name)["step"].tolist() == list(range(n))
    info = read_run_info(tmp_path / "runs" / names[0])
    assert info.total_steps == 90
    assert info.config == {"command": "main.py", "lr": 2e-4, "sn": True, "k": "a=b"}


def test_a_killed_job_loses_no_step_and_goes_on_with_its_run(tmp_path: Path) -> None:
    script = write(
        tmp_path, "train.py", LOOP + "import os, sys\nif len(sys.argv) > 1: os.kill(os.getpid(), 9)"
    )
    ended = lrwatch_run("--name", "mine", script, "killed", folder=tmp_path)
    assert ended == Ended(-signal.SIGKILL, "", "")
    assert len(lrwatch.read(tmp_path / "runs" / "mine")) == 20
    ended = lrwatch_run("--resume", "--name", "mine", script, folder=tmp_path)
    assert ended.errors == "lrwatch: 20 steps recorded in runs/mine\n"
    frame = lrwatch.read(tmp_path / "runs" / "mine")
    assert frame["step"].tolist() == list(range(40))
    assert read_run_info(tmp_path / "runs" / "mine").status == "finished"


TORCHRUN = "it started torchrun, which is not followed; write torchrun --no-python lrwatch run "


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import torch", "it made no torch optimizer; for another framework, "),
        (
            "import torch\na = torch.optim.SGD([torch.ones(1)], lr=0.1)",
            "of 1 torch optimizer that it made, none made a step\n",
        ),
        ("import subprocess\nsubprocess.run(['torchrun', '--version'])", TORCHRUN),
        ("import os\nos.system('torchrun --version')", TORCHRUN),
        (
            "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'])",
            "it started another Python program, which is not followed; write python -m lrwatch ",
        ),
        ("import lrwatch; lrwatch.watch", None),
    ],
)
def test_why_nothing_was_recorded(tmp_path: Path, text: str, why: str | None) -> None:
    write(tmp_path, "torchrun", "#!/bin/sh\n")
    (tmp_path / "torchrun").chmod(0o755)
    script = write(tmp_path, "train.py", text)
    ended = lrwatch_run(script, folder=tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (ended.status, ended.output) == (0, "")
    assert ended.errors.startswith(NOTHING + why if why else "")
    assert ended.errors.count("\n") == (why is not None)
    assert not (tmp_path / "runs").exists()


def test_a_module_is_found_as_python_finds_it(tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()  # a plain folder gives way to the package
    ended = lrwatch_run("-m", "json.tool", folder=tmp_path, stdin="{}")
    assert (ended.status, ended.output) == (0, "{}\n")
