"""How large a network the description inside a file may ask for, before any of it is made.

Offers `check_config` and `check_amount`. A file of weights brings its network's arguments along as
JSON, and nobody's digest stands for a file given by its path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError, brief, check_number

MAX_WIDTH, MAX_ITEMS, MAX_DEPTH = 8192, 64, 3  # as checkpoints/ada.py; items of a list
# Whole numbers with other limits than 1 to MAX_WIDTH.
LIMITS = {
    "image_size": (4, 2048),
    "channel_base": (1, 1 << 20),
    "num_mapping_layers": (0, 32),
    "num_layers": (1, 64),
    "num_stddev": (0, MAX_WIDTH),
    "released": (0, 64),
    "c_dim": (0, 100_000),
    "label": (0, 100_000),
}
FACTORS = ("conv_clamp", "mapping_lr_multiplier")  # any number above 0
SWITCHES = ("batch_norm",)
SLACK = 1 << 20  # elements: what is missing or left over in a small file, torch says better


def check_config(name: str, config: object, depth: int = 0) -> None:
    """Require arguments that a network may have: names with numbers of a possible size.

    Args:
        name: what to call them in messages.
        config: plain JSON.
        depth: inside how many others they are.

    Raises:
        InputError: anything else; the message names the argument.
    """
    if not isinstance(config, dict) or len(config) > MAX_ITEMS or depth > MAX_DEPTH:
        raise InputError.about(name, expected="arguments by name", got=brief(config))
    for key, value in config.items():
        _check_value(f"{name}: {key}", key, value, depth)


def _check_value(name: str, key: str, value: object, depth: int) -> None:
    if value is None or isinstance(value, str) or (key in SWITCHES and isinstance(value, bool)):
        return
    if isinstance(value, dict):
        check_config(name, value, depth + 1)
    elif isinstance(value, list):
        if len(value) > MAX_ITEMS:
            expected = f"at most {MAX_ITEMS} items"
            raise InputError.about(name, expected=expected, got=len(value))
        for item in value:
            if not isinstance(item, str):
                check_number(name, item, low=1, high=MAX_WIDTH, whole=True)
    elif key in FACTORS:
        check_number(name, value, low=math.ulp(0.0), high=1e6)
    else:
        low, high = LIMITS.get(key, (1, MAX_WIDTH))
        check_number(name, value, low=low, high=high, whole=True)


def check_amount(
    builder: Callable[..., nn.Module],
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
) -> None:
    """Require that a network is about as large as the tensors that are there for it.

    Raises:
        InputError: it is much larger: its random weights would fill the memory in vain.
    """
    with torch.device("meta"):  # shapes alone
        asked = sum(value.numel() for value in builder(**config).state_dict().values())
    stored = sum(value.numel() for value in state.values())
    if asked > 2 * stored + SLACK:
        expected, got = f"a network of about {stored:,} numbers", f"the description of {asked:,}"
        raise InputError.about("its size", expected=expected, got=got)
