"""What `hw5 compare` and `hw5 semantics` share: held-out pictures inverted once, kept in a folder.

Offers the settings `Inverting`, `choose`, `held_out`, `invert_each`, which goes on where an
interrupted run stopped, and `read_kept`. A method's codes lie in a folder that is named after all
they depend on (methods.py): a network that was trained anew inverts anew.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from hw5.cli.methods import Method
    from hw5.inversion.comparison import Shard
    from hw5.kit.progress import Bar
    from hw5.shapes import Images

FOLDER = Path("runs/compare")  # of the codes, unless another one is named


@dataclass(frozen=True)
class Inverting:
    """Which pictures are inverted, and how."""

    # pictures of the test split; the talk's tables have thousands, ours asks for 500
    count: int = 500
    # pictures inverted side by side
    batch: int = 20
    # steps of Image2StyleGAN; the paper: 5,000, the starter: 1,000 (hours for 500 pictures)
    steps: int = 1000
    # file of an encoder of one's own for encoder, in-domain and ours; the bundled one if none
    encoder: Path | None = None
    # where networks and pictures live: cpu, auto (an accelerator if there is one), or torch's name
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse counts that cannot be meant."""
        from hw5.kit.checks import check_number

        for name in ("count", "batch", "steps"):
            check_number(name, getattr(self, name), low=1, whole=True)
        if self.encoder is not None:
            check_encoder_file(self.encoder)

    def place(self) -> torch.device:
        """The device that is meant.

        Raises:
            InputError: it is not here.
        """
        from hw5.kit import devices

        return devices.pick(self.device)


def check_encoder_file(path: Path) -> None:
    """Require a name that an encoder's file can have; whether it is one, opening it says.

    Raises:
        InputError: another ending.
    """
    from hw5.kit.checks import InputError
    from hw5.zoo import SUFFIX

    if path.suffix != SUFFIX:
        expected, hint = f"a {SUFFIX} file", "python -m hw5 train encoder --pictures writes one"
        raise InputError.about("--encoder", expected=expected, got=str(path), hint=hint)


def choose(methods: tuple[str, ...], known: Collection[str]) -> list[str]:
    """The methods asked for; without any, all.

    Raises:
        InputError: an unknown name.
    """
    from hw5.kit.checks import check_choice

    for name in methods:
        check_choice("method", name, tuple(known))
    return list(methods or known)


def held_out(settings: Inverting) -> Images:
    """Test pictures (N, 3, 64, 64), as files hold them, on the device."""
    import torch

    from hw5.train.batches import tell
    from hw5.world import dataset

    count, place = settings.count, settings.place()
    stored = dataset.pictures("test", count, on_step=lambda done: tell(done, count))
    return torch.from_numpy(stored.copy()).to(place).float() / 127.5 - 1.0


def invert_each(
    chosen: Collection[str],
    known: Mapping[str, Method],
    truth: Images,
    settings: Inverting,
    out: Path,
) -> Iterator[tuple[str, list[Shard]]]:
    """Methods with all their parts: first those that lie whole in `out`, then the chosen ones.

    So a table has the rows of earlier calls, too, as far as the same networks made them.
    """
    for name, method in known.items():
        if name not in chosen and (shards := _kept(_parts(name, method, truth, settings, out))):
            yield name, shards
    for name in chosen:
        yield name, _invert_all(name, known[name], truth, settings, out)


@dataclass(frozen=True, eq=False)
class _Part:
    """Some of the pictures, and the file of what became of them."""

    first: int
    pictures: Images
    path: Path


def _parts(name: str, method: Method, truth: Images, settings: Inverting, out: Path) -> list[_Part]:
    folder, size = out / f"{name}-{method.key()}", settings.batch
    return [
        _Part(first, pictures, folder / f"{first:05d}-{size}.pt")
        for first, pictures in zip(range(0, len(truth), size), truth.split(size), strict=True)
    ]


def _kept(parts: list[_Part]) -> list[Shard] | None:
    """What is there of all parts; None if anything is missing."""
    shards = []
    for part in parts:
        shard = _load(part)
        if shard is None:
            return None
        shards.append(shard)
    return shards


def _invert_all(
    name: str, method: Method, truth: Images, settings: Inverting, out: Path
) -> list[Shard]:
    """Every part of the pictures, from its file if it is there."""
    from hw5.inversion.comparison import Shard
    from hw5.kit import progress

    shards, invert = [], None
    parts = _parts(name, method, truth, settings, out)
    with progress.bar(len(parts) * method.steps, name) as on_step:
        for part in parts:
            shard, steps = _load(part), _Steps(on_step, method.steps)
            if shard is None:
                if part.path.exists():
                    why = "damaged, or of fewer pictures than are asked for"
                    print(f"{part.path}: {why}; it is made again", file=sys.stderr)
                invert = invert or method.open()
                shard = Shard.of(part.first, invert(part.pictures, part.first, steps))
                _save(part.path, shard)
            steps.finish()
            shards.append(shard)
    return shards


class _Steps:
    """An `on_step` that moves the bar by as many steps as were promised, whatever is reported."""

    def __init__(self, bar: Bar, promised: int) -> None:
        self._bar, self._left = bar, promised

    def __call__(self, record: object = None) -> None:
        if self._left:
            self._left -= 1
            self._bar(record)

    def finish(self) -> None:
        """Count what was not reported: a search that ended early, or a part that was there."""
        while self._left:
            self()


def _save(path: Path, shard: Shard) -> None:
    from dataclasses import asdict

    import torch

    from hw5.kit.files import atomic_write

    with atomic_write(path) as temporary:
        torch.save(asdict(shard), temporary)


def _load(part: _Part) -> Shard | None:
    """What became of a part; None if there is no such file, or one that does not fit the part.

    Of more pictures than are asked for, the first are taken, and so is their share of the seconds.
    """
    import torch

    from hw5.inversion.comparison import Shard

    try:
        stored = Shard(**(read_kept(part.path) or {}))
        count = len(stored.image)
        fits = stored.first == part.first and stored.image.shape[1:] == part.pictures.shape[1:]
    except (TypeError, AttributeError):  # nothing there, or something else than a shard
        return None
    wanted, place = len(part.pictures), part.pictures.device
    if not fits or count < wanted or not torch.is_tensor(stored.code) or len(stored.code) != count:
        return None
    image, code = stored.image[:wanted].to(place), stored.code[:wanted].to(place)
    return Shard(part.first, image, code, stored.seconds * wanted / count)


def read_kept(path: Path) -> Any:  # noqa: ANN401  whatever torch.save was given
    """What was kept at `path`, on the CPU; None if there is no such file or a damaged one.

    By way of the CPU, because a file of one machine's accelerator opens on any other.

    Raises:
        InputError: the file may not be read.
    """
    import torch

    from hw5.kit.files import clear_errors

    if not path.is_file():
        return None
    with clear_errors("read", path):
        content = path.read_bytes()
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # of a damaged file, torch's readers raise nearly anything
        return None
