"""Runs in the jail: imports the student's hw5, computes one case after the other, replies at once.

    python -I -S -B KIT/staff/grading/worker.py KIT TREE SITE...

KIT holds this file, exchange.py and the cases, TREE the student's hw5, SITE the libraries. Requests
come as frames on standard input, one for each case; replies go as frames to the file descriptor
that HW5_REPLY_FD names. There is no answer in this process, and nothing that it says is more than a
claim: the parent judges the numbers, keeps the clock, and starts another worker behind a case that
ended this one. Read next: ../grading/session.py, the parent's side.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from staff.grading.cases.case import Case

READY, IMPORTING, IMPORTED, ANSWER, UNWRITTEN, ERROR = (
    "ready", "importing", "imported", "answer", "unwritten", "error",
)  # fmt: skip
MAX_ANSWER = 2**20  # bytes of one case's answers


def main(kit: str, tree: str, *site: str) -> None:
    """Answer every request on standard input."""
    sys.path[:0] = [kit, tree, *site]
    sys.stdout.reconfigure(line_buffering=True)  # what was printed is heard, however this ends
    reply = os.fdopen(int(os.environ["HW5_REPLY_FD"]), "wb", buffering=0)
    from staff.grading.exchange import Reader, pack

    head, *requests = Reader().frames(sys.stdin.buffer.read())
    import torch

    from staff.grading.cases import all_cases
    from staff.grading.no_compiler import stand_in

    stand_in()
    torch.set_num_threads(1)
    cases = {case.key: case for case in all_cases()}
    sys.meta_path.insert(0, Blocked(head.words["blocked"].split()))
    reply.write(pack({"kind": READY}))
    imported: set[str] = set()
    for request in requests:
        case = cases[request.words["case"]]
        words = {"case": case.key}
        if case.module not in imported:
            reply.write(pack(words | {"kind": IMPORTING, "module": case.module}))
            import_quietly(case.module)
            reply.write(pack(words | {"kind": IMPORTED}))
            imported.add(case.module)
        kind, text, arrays = outcome(case, request.arrays)
        reply.write(pack(words | {"kind": kind, "text": text}, arrays))


class Blocked:
    """Refuses to import modules that ended an earlier worker."""

    def __init__(self, modules: list[str]) -> None:
        """Remember their names."""
        self.modules = modules

    def find_spec(self, name: str, *_: object) -> None:
        """Nothing, for all others.

        Raises:
            ImportError: it is one of them.
        """
        if name in self.modules:
            raise ImportError(f"{name} does not let itself be imported")


def import_quietly(module: str) -> None:
    """Import a student's module; what it raises, the cases that need it will raise again."""
    try:
        importlib.import_module(module)
    except BaseException:  # SystemExit too: a student may have written exit()
        sys.modules.pop(module, None)


def outcome(case: Case, arrays: Mapping[str, np.ndarray]) -> tuple[str, str, dict[str, np.ndarray]]:
    """Call a case: what became of it, a text, and its answers."""
    try:
        return ANSWER, "", plain(case.call(tensors(arrays)))
    except NotImplementedError as error:
        text = told(error)
        return (UNWRITTEN if text.startswith("task ") else ERROR), text, {}
    except SystemExit as error:
        where = "your code leaves Python, here or where its file is imported"
        return ERROR, f"SystemExit: {told(error)}: {where}", {}
    except BaseException as error:
        return ERROR, f"{type(error).__name__}: {told(error)}", {}


def told(error: BaseException) -> str:
    """What an exception says, as text that can be sent; its own words may be traps."""
    from staff.grading.exchange import MAX_TEXT

    try:
        return str(error)[:MAX_TEXT].encode("utf-8", "replace").decode()
    except BaseException:  # SystemExit too
        return "what it says cannot be printed"


def tensors(arrays: Mapping[str, np.ndarray]) -> SimpleNamespace:
    """The inputs as tensors, copies, by attribute."""
    import torch

    return SimpleNamespace(**{name: torch.from_numpy(a.copy()) for name, a in arrays.items()})


def plain(answers: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Answers as arrays of numbers.

    Raises:
        TypeError: an answer is no number, and no tensor or list of numbers.
        ValueError: they are too large to send.
    """
    import numpy as np
    import torch

    found, size = {}, 0
    for name, value in answers.items():
        if isinstance(value, torch.Tensor):
            size += value.numel() * value.element_size()
            if size > MAX_ANSWER:
                raise ValueError(f"an answer of shape {tuple(value.shape)}, far too large")
            value = value.detach().cpu().numpy()
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} is a {type(value).__name__} where numbers are expected")
        found[name] = array
        size += array.nbytes
    if size > MAX_ANSWER:
        raise ValueError(f"answers of {size} bytes, far too large")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)
