"""A solved repository of a few files, under git, that a release can be built from in no time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from staff.release.files import write_admitted
from staff.release.gates import GATES, checks_that_say_wrong

LIGHT = tuple(gate for gate in GATES if gate is not checks_that_say_wrong)
LINE = "kept = torch.where(weight > 0, weight * values, 0)"
SOLVED = f'''"""Losses."""


def masked_mean(values, mask):
    """Task 1.1 (about 3 lines, 15 minutes). The mean under a mask."""
    # BEGIN SOLUTION task_1_1
    weight = mask.expand_as(values)
    {LINE}
    return kept.sum() / weight.sum()
    # END SOLUTION
'''
README = """# Cats
[why](docs/why.md)
Instructors: `python -m staff release` <!-- STAFF -->
<!-- BEGIN STUDENT
Write `masked_mean`.
END STUDENT -->
"""
BOOK = {
    "cells": [
        {
            "cell_type": "code", "id": "a", "metadata": {}, "source": ["1 + 1"],
            "execution_count": 1,
            "outputs": [{"output_type": "execute_result", "execution_count": 1, "metadata": {},
                         "data": {"text/plain": ["2"]}}],
        },
    ],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip
WEIGHTS = b"numbers"
MANIFEST = f'''[[weights]]
name = "cat"
file = "weights/cat.safetensors"
sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"
bytes = {len(WEIGHTS)}
'''
FILES: dict[str, str | bytes] = {
    "README.md": README,
    "docs/why.md": "Because.\n",
    "hw5/losses.py": SOLVED,
    "notebooks/one.ipynb": json.dumps(BOOK),
    "data/MANIFEST.toml": MANIFEST,
    "data/weights/cat.safetensors": WEIGHTS,
    "staff/secret.py": "SEED = 5\n",
    "staff/release/tree.txt": "",
    "tests/staff/test_secret.py": "def test_nobody_knows_this_name():\n    pass\n",
}


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=cat", "-c", "user.email=cat@localhost"]
    subprocess.run(
        ["git", *who, "-C", str(folder), *words],
        check=True,
        capture_output=True,
        env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull},
    )


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def make(folder: Path, changes: dict[str, str | bytes] | None = None) -> Path:
    """The repository in `folder`, with some files changed or added, all of them admitted."""
    write(folder, FILES | (changes or {}))
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=solved")
    write_admitted(folder)
    return folder
