"""Stores beyond this machine: one door to object stores and other storages.

A new kind is one class that passes `lrwatch.testing.storages`.
"""

from lrwatch.storage.addresses import is_address, join, shown
from lrwatch.storage.door import NEW, Expected, Storage, StoredObject, object_at
from lrwatch.storage.registry import STORAGE_GROUP, open_storage

__all__ = [
    "NEW",
    "STORAGE_GROUP",
    "Expected",
    "Storage",
    "StoredObject",
    "is_address",
    "join",
    "object_at",
    "open_storage",
    "shown",
]
