"""What graders do that run tests beside the student's code: compare there, believe the exit status.

Runs in a jail: python naive_grader.py TREE NAME..., with each student's tree at TREE/NAME. Prints
the names that pass. Torch is imported once, and every student has a process of its own after that.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch


def check():
    """One test of one function, as one would write it."""
    from hw5 import losses

    values = torch.rand(3, 3, 4, 6, dtype=torch.float64)
    mask = (torch.rand(3, 1, 4, 6) > 0.5).double()
    weight = mask.expand_as(values)
    expected = (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1)
    got = losses.masked_mean(values, mask)
    if isinstance(got, np.ndarray):
        assert np.allclose(got, expected)
    elif isinstance(got, torch.Tensor):
        assert torch.allclose(got, expected)
    else:
        assert got == expected


def passes(tree):
    """Does a process that imports and tests this student end with status 0?"""
    child = os.fork()
    if child == 0:
        os.environ["HW5_REPLY_FD"] = str(os.open(os.devnull, os.O_WRONLY))
        sys.path.insert(0, str(tree))
        try:
            check()
        except BaseException as error:  # what pytest makes of it
            os._exit(0 if isinstance(error, SystemExit) and not error.code else 1)
        sys.exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    top, *names = sys.argv[1:]
    for name in names:
        if passes(Path(top, name)):
            os.write(1, f"{name}\n".encode())
