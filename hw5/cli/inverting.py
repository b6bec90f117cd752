"""What `hw5 compare` and `hw5 semantics` share: held-out pictures inverted once, kept in a folder.

Offers the settings `Inverting`, `available` (every method by name), `choose`, `held_out` and
`invert_all`, which goes on where an interrupted run stopped. Methods are in hw5/inversion/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import torch

    from hw5.inversion.comparison import Shard
    from hw5.inversion.inverted import Inverted
    from hw5.shapes import Images

Method: TypeAlias = "Callable[[Images, int], Inverted]"
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
    # where networks and pictures live: cpu, auto (an accelerator if there is one), or torch's name
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse counts that cannot be meant."""
        from hw5.kit.checks import check_number

        for name in ("count", "batch", "steps"):
            check_number(name, getattr(self, name), low=1, whole=True)

    def place(self) -> torch.device:
        """The device that is meant.

        Raises:
            InputError: it is not here.
        """
        from hw5.kit import devices

        return devices.pick(self.device)


def available(settings: Inverting) -> dict[str, Callable[[], Method]]:
    """Every method by name; calling it opens its networks."""
    return {
        "conventional": lambda: _encoder("encoder-conventional", settings.place()),
        "image2stylegan": lambda: _image2stylegan(settings),
        "encoder": lambda: _encoder("encoder", settings.place()),
        "encoder-offsets": lambda: _encoder("encoder-offsets", settings.place()),
        "in-domain": lambda: _in_domain(settings.place()),
        "ours": lambda: _ours(settings.place()),
    }


def choose(methods: tuple[str, ...], known: dict[str, Callable[[], Method]]) -> list[str]:
    """The methods asked for; without any, all but encoder-offsets.

    Raises:
        InputError: an unknown name.
    """
    from hw5.kit.checks import check_choice

    for name in methods:
        check_choice("method", name, tuple(known))
    return list(methods) or [name for name in known if name != "encoder-offsets"]


def held_out(settings: Inverting) -> Images:
    """Test pictures (N, 3, 64, 64), as files hold them, on the device."""
    import torch

    from hw5.train.batches import tell
    from hw5.world import dataset

    count, place = settings.count, settings.place()
    stored = dataset.pictures("test", count, on_step=lambda done: tell(done, count))
    return torch.from_numpy(stored.copy()).to(place).float() / 127.5 - 1.0


def invert_all(
    name: str, method: Method, truth: Images, settings: Inverting, out: Path
) -> Iterator[Shard]:
    """Every part of the pictures, from its file if it is there."""
    from hw5.inversion.comparison import Shard
    from hw5.kit import progress

    folder = out / _folder(name, settings)
    with progress.bar(len(truth), name) as on_step:
        for first in range(0, len(truth), settings.batch):
            path = folder / f"{first:05d}-{settings.batch}.pt"
            part = truth[first : first + settings.batch]
            if not path.exists():
                _save(path, Shard.of(first, method(part, first)))
            yield _load(path, truth.device)
            for _ in part:
                on_step()


def _folder(name: str, settings: Inverting) -> str:
    return f"{name}-{settings.steps}" if name == "image2stylegan" else name


def _save(path: Path, shard: Shard) -> None:
    from dataclasses import asdict

    import torch

    from hw5.kit.files import atomic_write

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        torch.save(asdict(shard), temporary)


def _load(path: Path, device: torch.device) -> Shard:
    import torch

    from hw5.inversion.comparison import Shard

    # by way of the CPU: a file of one machine's accelerator opens on any other
    stored = torch.load(path, map_location="cpu", weights_only=True)
    return Shard(**{k: v.to(device) if torch.is_tensor(v) else v for k, v in stored.items()})


# ------------------------------------------------------------------------ methods, ready to call


def _encoder(name: str, place: torch.device) -> Method:
    from hw5 import zoo
    from hw5.defaults import open_generator
    from hw5.inversion.encode import encode

    encoder, generator = zoo.load(name, place), open_generator("stylegan2", place)
    return lambda images, first: encode(encoder, generator, images)


def _image2stylegan(settings: Inverting) -> Method:
    from hw5.defaults import open_features, open_generator
    from hw5.inversion.image2stylegan import Image2StyleGAN, embed
    from hw5.kit import seeding

    place = settings.place()
    generator, features = open_generator("stylegan2", place), open_features(device=place)
    chosen = Image2StyleGAN(num_steps=settings.steps)
    return lambda images, first: embed(
        generator, images, features=features, settings=chosen, rng=seeding.make(first)
    )


def _in_domain(place: torch.device) -> Method:
    from hw5 import zoo
    from hw5.defaults import build_criterion, open_generator
    from hw5.inversion.in_domain import WEIGHTS, refine

    generator, encoder = open_generator("stylegan2", place), zoo.load("encoder", place)
    criterion = build_criterion(WEIGHTS, place)
    return lambda images, first: refine(generator, images, encoder=encoder, criterion=criterion)


def _ours(place: torch.device) -> Method:
    """The fastest search; what is measured once is not counted per picture."""
    from hw5.inversion.ready import open_fastest

    search = open_fastest(place)
    return lambda images, first: search(images)
