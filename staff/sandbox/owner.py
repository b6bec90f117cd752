"""Whose jail is this? Names that say which grader made a thing, and whether that grader lives.

Offers `mark` and `is_gone`, for what outlives a grader that was killed: control groups, containers.
A number of a process means something in its own namespace alone, so the mark holds that as well.
"""

from __future__ import annotations

import os
from pathlib import Path


def mark(prefix: str) -> str:
    """The beginning of the names of all that this process makes."""
    return f"{prefix}{_namespace()}-{os.getpid()}-"


def is_gone(name: str, prefix: str) -> bool:
    """Was it made by a process of this namespace that has ended?"""
    words = name.removeprefix(prefix).split("-")
    ours = name.startswith(prefix) and len(words) == 3 and words[0] == str(_namespace())
    return ours and not Path("/proc", words[1]).exists()


def _namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino
