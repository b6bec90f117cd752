"""Where things are kept that can be made or fetched again.

Offers `cache_folder`. hw5/world/dataset.py keeps rendered sets there, hw5/zoo fetched weights.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "HW5_CACHE"  # environment variable that names another folder


def cache_folder() -> Path:
    """`$HW5_CACHE`, else `.cache/hw5` in the home folder; it need not exist."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "hw5"
