"""What a long measurement has finished, kept in the cache folder: an interrupted one goes on.

Offers `Shelf`; and `criterion_digest`, `sources` and `names_of` (pictures) for what a part depends
on, beside `tuned.digest` for networks: only what the same networks, code and pictures have left may
be gone on with. Nothing timed belongs here.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from hw5.inversion.tuned import digest
from hw5.kit import strict_json
from hw5.kit.cache import cache_folder
from hw5.kit.checks import InputError
from hw5.kit.images import to_uint8
from hw5.losses import Criterion
from hw5.shapes import Images


class Shelf:
    """Finished parts of one measurement, a JSON file each, written whole or not at all."""

    def __init__(self, kind: str, *made_of: object) -> None:
        """Where parts of this kind lie that depend on `made_of`; nothing is written yet."""
        self.folder = cache_folder() / f"{kind}-{_short(repr(made_of).encode())}"

    def get(self, part: str) -> strict_json.Json:
        """A finished part; None if it is not there, or damaged."""
        with suppress(InputError):
            return strict_json.read(self._path(part), expected="a part of a measurement")
        return None

    def put(self, part: str, value: object) -> None:
        """Keep a part that is finished."""
        strict_json.write(self._path(part), value)

    def _path(self, part: str) -> Path:
        return self.folder / f"{part}.json"


def names_of(pictures: Images) -> list[str]:
    """A name for each picture (N, 3, H, W), out of its pixels."""
    return [_short(pixels.tobytes()) for pixels in to_uint8(pictures)]


def sources(*modules: ModuleType) -> str:
    """Digest of modules' source: what is kept of a search is only good for the code that ran it."""
    return _short(b"".join(Path(module.__file__).read_bytes() for module in modules))


def criterion_digest(criterion: Criterion) -> str:
    """A criterion's weights, and the digest of the network that it looks through."""
    weights = criterion.weights
    looks = weights.perceptual or weights.style
    return f"{weights} {digest(criterion.perceptual.features) if looks else ''}"


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
