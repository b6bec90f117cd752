"""`hw5 compare`: the talk's table of inversion methods, on this world's held-out pictures.

Offers `compare`. Methods are in methods.py, what judges them in hw5/inversion/comparison.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from hw5.cli import inverting
from hw5.cli import methods as all_methods
from hw5.cli.inverting import Inverting


def compare(
    methods: tyro.conf.Positional[tuple[str, ...]] = (),
    *,
    settings: Inverting,
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = inverting.FOLDER,
) -> int:
    """Invert held-out pictures by several methods and print the talk's table.

    What is done stays in the folder: an interrupted comparison goes on where it was, and another
    method or more pictures add to it. Networks that were trained anew invert anew.

    For example:
      python -m hw5 compare --count 500
      python -m hw5 compare encoder in-domain ours --count 100

    Args:
        methods: any of conventional, encoder, encoder-offsets, image2stylegan, in-domain, ours; all
            by default
        settings: what is compared
        out: folder of finished parts, and of table.txt and table.json
    """
    from hw5 import zoo
    from hw5.inversion import comparison
    from hw5.kit import strict_json
    from hw5.kit.files import atomic_write, refuse_existing
    from hw5.metrics.perceptual import lpips_metric
    from hw5.metrics.ruler import open_ruler
    from hw5.world.dataset import split_factors

    known = all_methods.available(settings)
    chosen = inverting.choose(methods, known)
    refuse_existing(out, overwrite=True)  # a file: hours would be lost at the end
    all_methods.check_own_encoder(settings)
    cats = split_factors("test", settings.count)
    pictures = inverting.held_out(settings)
    place = settings.place()
    truth = comparison.Reference(pictures, zoo.load("efficientnet-lite0", place))
    ruler, reader = lpips_metric("offline").to(place), open_ruler(place)
    judges, found = comparison.Judges(ruler, reader), {}
    for name, shards in inverting.invert_each(chosen, known, pictures, settings, out):
        found[name] = comparison.judge(shards, truth, cats, judges)
        rows = {name: found[name] for name in known if name in found}
        text = comparison.as_text(rows, settings.count)
        with atomic_write(out / "table.txt") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        strict_json.write(out / "table.json", {"count": settings.count, "rows": rows})
    print(text)
    return 0
