"""The ruler for edits, ready to measure: the world's reader and its second look.

Offers `open_ruler`. Read next: what_changed.py, which measures with it.
"""

from __future__ import annotations

import torch

from hw5 import zoo
from hw5.models.second_look import Ruler

READER, SECOND_LOOK = "world-reader", "second-look"


def open_ruler(device: torch.device | str = "cpu") -> Ruler:
    """The bundled reader and its second look, on `device`, in evaluation mode.

    Raises:
        InputError: a missing or damaged weight.
    """
    where = torch.device(device)
    return Ruler(zoo.load(READER, where), zoo.load(SECOND_LOOK, where)).eval()
