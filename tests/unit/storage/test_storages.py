"""Every storage passes the suite that ships; servers of S3 are real ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from object_servers import BUCKET, moto_server, seaweed_server, settings

from lrwatch.storage import Storage, open_storage
from lrwatch.testing.storages import STORAGE_CHECKS


@pytest.fixture(
    scope="module",
    params=[
        "memory",
        "folder",
        "fsspec",
        pytest.param("moto", marks=pytest.mark.slow),
        pytest.param("seaweedfs", marks=pytest.mark.e2e),
    ],
)
def storage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Storage]:
    name = uuid.uuid4().hex
    with ExitStack() as stack:
        if request.param == "memory":
            yield open_storage(f"memory://{name}")
        elif request.param == "folder":
            yield open_storage(tmp_path_factory.mktemp("store"))
        elif request.param == "fsspec":
            from lrwatch.storage.fsspec_storage import FsspecStorage

            yield FsspecStorage(f"memory://{name}")
        else:
            folder = tmp_path_factory.mktemp("weed")
            server = moto_server() if request.param == "moto" else seaweed_server(folder)
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for key, value in settings(stack.enter_context(server)).items():
                patch.setenv(key, value)
            yield open_storage(f"s3://{BUCKET}/{name}")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("check", STORAGE_CHECKS, ids=lambda check: check.__name__)
def test_storage(check: object, storage: Storage) -> None:
    assert callable(check)
    check(storage)
