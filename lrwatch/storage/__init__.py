"""Stores that are not folders of this machine: object stores, and whatever else is plugged in."""
