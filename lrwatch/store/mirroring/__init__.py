"""Stores at an address, such as ``s3://bucket/runs``, read through a copy on this machine."""
