"""Which numbers convolutions run in: bfloat16 where that pays, float32 everywhere else.

Offers `precision`, which tries a machine, `chosen`, which reads a setting, and `mixed`, the context
of a forward pass. Used by training and by searches (`Projection.precision`).
"""

from __future__ import annotations

import time
from functools import cache

import torch
from torch import nn

PAYS = 1.2  # times as fast as float32 before the coarser numbers are taken


@cache
def precision(device: torch.device) -> torch.dtype:
    """bfloat16 where this machine is at least a fifth faster in it, else float32: it is tried.

    Processors without instructions for bfloat16 emulate it, and are slower than in float32.
    """
    seconds = {
        dtype: _time_convolutions(device, dtype) for dtype in (torch.float32, torch.bfloat16)
    }
    return min(seconds, key=lambda dtype: seconds[dtype] * (PAYS if dtype.itemsize == 2 else 1.0))


def chosen(name: str, device: torch.device) -> torch.dtype:
    """The type that one of config.py's `PRECISIONS` means on `device`; "auto" tries it, once."""
    return precision(device) if name == "auto" else getattr(torch, name)


def mixed(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Context in which convolutions run in `dtype`; with float32 nothing changes."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def _time_convolutions(device: torch.device, dtype: torch.dtype, repeats: int = 3) -> float:
    """Best of two: seconds for a few convolutions of a training step's size, there and back."""
    conv = nn.Conv2d(64, 64, 3, padding=1).to(device, memory_format=torch.channels_last)
    x = torch.randn(8, 64, 32, 32, device=device).to(memory_format=torch.channels_last)
    taken = []
    for _ in range(3):  # the first one warms up and is not counted
        start = time.perf_counter()
        for _ in range(repeats):
            with mixed(device, dtype):
                result = conv(x)
            result.float().sum().backward()
        conv.weight.grad.sum().item()  # waits for an accelerator to finish
        taken.append(time.perf_counter() - start)
    return min(taken[1:])
