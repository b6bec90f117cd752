"""`hw5 compare`: the talk's table of inversion methods, on this world's held-out pictures.

Offers `compare`. Methods are in hw5/inversion/, what judges them in hw5/inversion/comparison.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import tyro

if TYPE_CHECKING:
    from hw5.inversion.comparison import Shard
    from hw5.inversion.inverted import Inverted
    from hw5.shapes import Images

Method: TypeAlias = "Callable[[Images, int], Inverted]"


@dataclass(frozen=True)
class Comparing:
    """What is compared."""

    # pictures of the test split; the talk's tables have thousands, ours asks for 500
    count: int = 500
    # pictures inverted side by side
    batch: int = 20
    # steps of Image2StyleGAN; the paper: 5,000, the starter: 1,000 (hours for 500 pictures)
    steps: int = 1000


def compare(
    methods: tyro.conf.Positional[tuple[str, ...]] = (),
    *,
    settings: Comparing,
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("runs/compare"),
) -> int:
    """Invert held-out pictures by several methods and print the talk's table.

    What is done stays in the folder: an interrupted comparison goes on where it was, and another
    method or more pictures add to it.

    For example:
      python -m hw5 compare --count 500
      python -m hw5 compare encoder in-domain ours --count 100

    Args:
        methods: any of conventional, encoder, encoder-offsets, image2stylegan, in-domain, ours; all
            but encoder-offsets by default
        settings: what is compared
        out: folder of finished parts, and of table.txt and table.json
    """
    from hw5.inversion import comparison
    from hw5.kit import strict_json
    from hw5.kit.files import atomic_write
    from hw5.world.dataset import split_factors

    known = available(settings)
    chosen = _chosen(methods, known)
    cats = split_factors("test", settings.count)
    truth = _pictures(settings.count)
    judges, rows = _judges(), {}
    for name in chosen:
        shards = list(_invert_all(name, known[name](), truth, settings, out))
        rows[name] = comparison.judge(shards, truth, cats, judges)
        text = comparison.as_text(rows, settings.count)
        with atomic_write(out / "table.txt") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        strict_json.write(out / "table.json", {"count": settings.count, "rows": rows})
    print(text)
    return 0


def available(settings: Comparing) -> dict[str, Callable[[], Method]]:
    """Every method by name; calling it opens its networks."""
    return {
        "conventional": lambda: _encoder("encoder-conventional"),
        "image2stylegan": lambda: _image2stylegan(settings),
        "encoder": lambda: _encoder("encoder"),
        "encoder-offsets": lambda: _encoder("encoder-offsets"),
        "in-domain": _in_domain,
        "ours": _ours,
    }


def _chosen(methods: tuple[str, ...], known: dict[str, Callable[[], Method]]) -> list[str]:
    from hw5.kit.checks import check_choice

    for name in methods:
        check_choice("method", name, tuple(known))
    return list(methods) or [name for name in known if name != "encoder-offsets"]


def _pictures(count: int) -> Images:
    """Test pictures (N, 3, 64, 64), as files hold them."""
    import torch

    from hw5.train.batches import tell
    from hw5.world import dataset

    stored = dataset.pictures("test", count, on_step=lambda done: tell(done, count))
    return torch.from_numpy(stored.copy()).float() / 127.5 - 1.0


def _judges() -> object:
    from hw5 import zoo
    from hw5.inversion.comparison import Judges
    from hw5.metrics.perceptual import lpips_metric

    reader = zoo.load("world-reader")
    return Judges(zoo.load("efficientnet-lite0"), lpips_metric("offline"), reader)


def _invert_all(
    name: str, method: Method, truth: Images, settings: Comparing, out: Path
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
            yield _load(path)
            for _ in part:
                on_step()


def _folder(name: str, settings: Comparing) -> str:
    return f"{name}-{settings.steps}" if name == "image2stylegan" else name


def _save(path: Path, shard: Shard) -> None:
    from dataclasses import asdict

    import torch

    from hw5.kit.files import atomic_write

    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        torch.save(asdict(shard), temporary)


def _load(path: Path) -> Shard:
    import torch

    from hw5.inversion.comparison import Shard

    return Shard(**torch.load(path, weights_only=True))


# ------------------------------------------------------------------------ methods, ready to call


def _encoder(name: str) -> Method:
    from hw5 import zoo
    from hw5.defaults import open_generator
    from hw5.inversion.encode import encode

    encoder, generator = zoo.load(name), open_generator("stylegan2")
    return lambda images, first: encode(encoder, generator, images)


def _image2stylegan(settings: Comparing) -> Method:
    from hw5.defaults import open_features, open_generator
    from hw5.inversion.image2stylegan import Image2StyleGAN, embed
    from hw5.kit import seeding

    generator, features = open_generator("stylegan2"), open_features()
    chosen = Image2StyleGAN(num_steps=settings.steps)
    return lambda images, first: embed(
        generator, images, features=features, settings=chosen, rng=seeding.make(first)
    )


def _in_domain() -> Method:
    from hw5 import zoo
    from hw5.defaults import build_criterion, open_generator
    from hw5.inversion.in_domain import WEIGHTS, refine

    generator, encoder = open_generator("stylegan2"), zoo.load("encoder")
    criterion = build_criterion(WEIGHTS)
    return lambda images, first: refine(generator, images, encoder=encoder, criterion=criterion)


def _ours() -> Method:
    """The fastest search from the encoder, in a metric measured once: not counted per picture."""
    from hw5 import zoo
    from hw5.bench.inversion import WEIGHTS
    from hw5.defaults import build_criterion, open_generator
    from hw5.inversion.curvature import measure_curvature
    from hw5.inversion.fastest import fastest
    from hw5.kit import seeding

    generator, encoder = open_generator("stylegan2"), zoo.load("encoder")
    criterion = build_criterion(WEIGHTS)
    curvature = measure_curvature(generator, criterion, rng=seeding.make(0))
    return lambda images, first: fastest(
        generator, images, criterion=criterion, encoder=encoder, curvature=curvature,
        rng=seeding.make(first),
    )  # fmt: skip
