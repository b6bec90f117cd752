"""Where tensors live: the word after --device becomes a device that works, or one clear line.

Offers `pick` and `name_of`. Everything in hw5 follows the device of the networks and pictures that
it is given; random numbers are drawn on the CPU and moved, so that a seed means the same cats
everywhere. The CPU is the default: the bundled networks are small, and all figures were measured on
one.
"""

from __future__ import annotations

import platform

import torch

from hw5.kit.checks import InputError

AUTO = "auto"


def pick(name: str) -> torch.device:
    """Return the device called `name`; "auto" is the accelerator if there is one, else the CPU.

    Raises:
        InputError: no device of that name can be used here.
    """
    if name == AUTO:
        return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).add(1).item()  # a name may be known and its device missing
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise InputError.about(
            "--device",
            expected="cpu, auto, or an accelerator that is here",
            got=f"{name} ({_first_line(error)})",
            hint="python -m hw5 doctor says what is here",
        ) from error
    return device


def name_of(device: torch.device) -> str:
    """Return what a person calls `device`: the card's name, or the processor with its threads."""
    if device.type == "cpu":
        return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    name = getattr(torch.get_device_module(device), "get_device_name", str)
    return name(device)


def _first_line(error: Exception) -> str:
    """Return what an error says, cut to what fits into a message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:80]
