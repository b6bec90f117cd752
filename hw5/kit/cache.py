"""Where things are kept that can be made or fetched again.

Offers `cache_folder`. hw5/world/dataset.py keeps rendered sets there, hw5/zoo fetched weights.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

VARIABLE = "HW5_CACHE"  # environment variable that names another folder


def cache_folder() -> Path:
    """`$HW5_CACHE`, else `.cache/hw5` in the home folder; it need not exist."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    try:
        return Path.home() / ".cache" / "hw5"
    except RuntimeError:  # a user without a home, as in a container
        return Path(tempfile.gettempdir()) / "hw5-cache"
