"""`hw5 compare`: the talk's table of inversion methods, on this world's held-out pictures.

Offers `compare`. Methods are in hw5/inversion/, what judges them in hw5/inversion/comparison.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from hw5.cli import inverting
from hw5.cli.inverting import Inverting


def compare(
    methods: tyro.conf.Positional[tuple[str, ...]] = (),
    *,
    settings: Inverting,
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = inverting.FOLDER,
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
    from hw5 import zoo
    from hw5.inversion import comparison
    from hw5.kit import strict_json
    from hw5.kit.files import atomic_write
    from hw5.metrics.perceptual import lpips_metric
    from hw5.world.dataset import split_factors

    known = inverting.available(settings)
    chosen = inverting.choose(methods, known)
    cats = split_factors("test", settings.count)
    pictures = inverting.held_out(settings)
    place = settings.place()
    truth = comparison.Reference(pictures, zoo.load("efficientnet-lite0", place))
    ruler, reader = lpips_metric("offline").to(place), zoo.load("world-reader", place)
    judges = comparison.Judges(ruler, reader)
    rows = {}
    for name in chosen:
        shards = list(inverting.invert_all(name, known[name](), pictures, settings, out))
        rows[name] = comparison.judge(shards, truth, cats, judges)
        text = comparison.as_text(rows, settings.count)
        with atomic_write(out / "table.txt") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        strict_json.write(out / "table.json", {"count": settings.count, "rows": rows})
    print(text)
    return 0
