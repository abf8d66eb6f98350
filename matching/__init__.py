"""Decide which accredited leader supports which school, and be able to say why."""

__version__ = "0.2.0"
