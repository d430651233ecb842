"""Real servers that speak S3, for tests: moto in a thread, SeaweedFS as a process."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.config

BUCKET = "bucket"
KEY, SECRET = "lrwatch-test", "lrwatch-secret"
_PATIENCE_SECONDS = 120.0


def settings(endpoint: str) -> dict[str, str]:
    """Return the environment variables that lead to a server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto with an empty bucket; yields its endpoint.

    It answers one request after another: between the look at a condition and the write that depends
    on it, moto lets others in.
    """
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    app, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def in_turn(environ: Any, start_response: Any) -> list[bytes]:
        with turn:
            return list(app(environ, start_response))

    handler = MotoRequestHandler
    server = make_server("127.0.0.1", 0, in_turn, threaded=True, request_handler=handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    endpoint = f"http://127.0.0.1:{server.port}"
    try:
        _make_bucket(endpoint)
        yield endpoint
    finally:  # what moto holds belongs to the process, and not to a server
        urllib.request.urlopen(f"{endpoint}/moto-api/reset", data=b"", timeout=60).close()
        server.shutdown()
        serving.join()


@contextmanager
def seaweed_server(folder: Path, ports: Sequence[int] = ()) -> Iterator[str]:
    """Run SeaweedFS with a bucket; yields its endpoint.

    With the folder and the ports of an earlier one, it goes on with what that held.
    """
    identity = {
        "name": "test",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    known = folder / "identities.json"
    known.write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, s3 = ports or free_ports()
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [
                program, "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1",
                f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
                f"-s3.port={s3}", f"-s3.config={known}", "-volume.max=20",
                "-master.volumeSizeLimitMB=64", "-master.telemetry=false",
                # Each of these has a port of its own, the same in every process.
                "-s3.port.lance=0", "-s3.port.iceberg=0", "-s3.iam=false",
            ],
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            endpoint = f"http://127.0.0.1:{s3}"
            _make_bucket(endpoint)
            yield endpoint
        finally:
            process.kill()  # what it would write down at its end is thrown away
            process.wait(30)


def _make_bucket(endpoint: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=botocore.config.Config(retries={"max_attempts": 0}, connect_timeout=2),
    )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
        except (client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def free_ports(n: int = 4) -> list[int]:
    """Return ports that are free, and so are those 10,000 further on, which SeaweedFS takes too.

    None of the second is one of the first, nor one that the system gives to who connects.
    """
    found: list[int] = []
    dice = random.SystemRandom()
    while len(found) < n:
        port = dice.randrange(20_000, 22_700)
        if all(_is_free(each) for each in (port, port + 10_000)) and port not in found:
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
