"""A grader in miniature: the sandbox alone, a question to each file, no torch.

Offers `small_grader`, `SOLVED` and `STUBS`. It has the shape of the whole grader, so that what an
attack does to the jail can be seen in a tenth of a second instead of five: unpack, ask each file in
a jail of its own, compare numbers outside. Read next: runner.py.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from staff.attacks.attack import INTERPOLATE, LOSSES, Attack
from staff.sandbox import Ended, Jail, Limits, Mount, Refused, unpack

FILES = (LOSSES, INTERPOLATE)
SOLVED = dict.fromkeys(
    FILES, "def answer(values):\n    return [value * value for value in values]\n"
)
STUBS = dict.fromkeys(FILES, 'def answer(values):\n    raise NotImplementedError("task 1.1")\n')
LIMITS = Limits(wall_s=20, cpu_s=10, memory_mb=256, processes=16, files_mb=16, reply_mb=4)
TREE = "/grading/tree"
WORKER = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
values = json.loads(sys.stdin.read())
module = importlib.import_module(sys.argv[2])
reply = json.dumps(module.answer(values)).encode()
os.write(int(os.environ["HW5_REPLY_FD"]), reply)
"""
# shares of the points by file, and everything that was said
Grader = Callable[[Attack, Path], tuple[Mapping[str, float], str]]


def small_grader(jail: Jail) -> Grader:
    """A grader of submissions whose functions are `answer`, in jails of this kind."""

    def grade(attack: Attack, submission: Path) -> tuple[Mapping[str, float], str]:
        with tempfile.TemporaryDirectory(prefix="hw5-small-") as folder:
            tree = Path(folder, "tree")
            try:
                unpacked = unpack(submission, tree, FILES)
            except Refused as refused:
                return dict.fromkeys(FILES, 0.0), str(refused)
            limits, said, shares = replace(LIMITS, **attack.limits), [*unpacked.notes], {}
            for file in FILES:
                shares[file] = 0.0
                if file in unpacked.files:
                    values = random.SystemRandom().sample(range(1000), 3)
                    ended = ask(jail, tree, file, values, limits)
                    shares[file] = float(is_right(ended.reply, values))
                    said += [ended.message, (ended.stdout + ended.stderr).decode(errors="replace")]
                    said.append(ended.reply.decode(errors="replace"))
            if any(not share for share in shares.values()):
                said.append("unreadable" if unpacked.files else "")
        return shares, "\n".join(said)

    return grade


def ask(jail: Jail, tree: Path, file: str, values: list[int], limits: Limits) -> Ended:
    """One question to one file, in a jail of its own."""
    module = file.removesuffix(".py").replace("/", ".")
    command = [sys.executable, "-I", "-S", "-B", "-c", WORKER, TREE, module]
    stdin = json.dumps(values).encode()
    return jail.run(command, mounts=[Mount(tree, TREE)], limits=limits, stdin=stdin)


def is_right(reply: bytes, values: list[int]) -> bool:
    """Are these the squares, as JSON?"""
    try:
        return json.loads(reply) == [value * value for value in values]
    except (ValueError, RecursionError):
        return False
