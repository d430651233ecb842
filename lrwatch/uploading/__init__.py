"""Runs on their way to a store beyond this machine: written here first, carried behind the loop.

A run is recorded into a folder of this machine as any other; a thread of the process, or
``lrwatch push`` later, sends what is new of it. See docs/recording-into-object-stores.md.
"""

from lrwatch.uploading.carrying import (
    address_of,
    carry,
    fetch_for_resume,
    finish,
    prepare,
    stop_all,
)
from lrwatch.uploading.spool import local_store

__all__ = [
    "address_of",
    "carry",
    "fetch_for_resume",
    "finish",
    "local_store",
    "prepare",
    "stop_all",
]
