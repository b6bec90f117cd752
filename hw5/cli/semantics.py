"""`hw5 semantics`: can the found codes be edited? Boundaries, walks and pushes, as a page.

Offers `semantics`. What is measured is in hw5/inversion/semantic_analysis.py, the page in
semantics_page.py.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from hw5.cli import inverting
from hw5.cli import methods as all_methods
from hw5.cli.inverting import Inverting

if TYPE_CHECKING:
    from hw5.inversion.comparison import Reference
    from hw5.inversion.semantic_analysis import Samples
    from hw5.inversion.semantics import PrecisionRecall
    from hw5.metrics.what_changed import NoiseFloor
    from hw5.models.generator import Generator
    from hw5.models.second_look import Ruler
    from hw5.shapes import Codes, Images
    from hw5.world.factors import Factors

POINTS = 60  # of a curve on the page
SEED = 0  # of samples and boundaries


@dataclass(frozen=True)
class Asking:
    """Where boundaries come from."""

    # samples of the generator behind the boundaries; InterFaceGAN: 500,000
    samples: int = 10_000

    def __post_init__(self) -> None:
        """Refuse counts too small for a boundary."""
        from hw5.kit.checks import check_number

        check_number("samples", self.samples, low=100, whole=True)


def semantics(
    methods: tyro.conf.Positional[tuple[str, ...]] = (),
    *,
    settings: Inverting,
    asking: Asking,
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = inverting.FOLDER,
) -> int:
    """Say how well inverted codes can be edited: precision and recall, walks, pushes.

    Uses the codes that `compare` left in the folder and makes those that are missing; the samples
    are kept there, too. Writes semantics.html and semantics.json there, anew after each method,
    with the methods of earlier calls.

    For example:
      python -m hw5 semantics --count 2000
      python -m hw5 semantics encoder in-domain ours --count 100

    Args:
        methods: any of conventional, encoder, encoder-offsets, image2stylegan, in-domain, ours; all
            by default
        settings: which codes
        asking: where boundaries come from
        out: folder of the codes, and of the page
    """
    from hw5.cli.semantics_page import as_text, write
    from hw5.kit import strict_json
    from hw5.kit.files import refuse_existing
    from hw5.world.dataset import split_factors

    known = all_methods.available(settings)
    chosen = inverting.choose(methods, known)
    refuse_existing(out, overwrite=True)  # a file: hours would be lost at the end
    all_methods.check_own_encoder(settings)
    cats, truth = split_factors("test", settings.count), inverting.held_out(settings)
    judge = Judge.open(cats, truth, asking, out)
    found: dict[str, Any] = {"count": settings.count, "samples": asking.samples}
    found |= {"boundaries": judge.accuracies(), "pictures": judge.on_pictures(), "methods": {}}
    rows = {}
    for name, shards in inverting.invert_each(chosen, known, truth, settings, out):
        rows[name] = judge.on_codes(shards)
        found["methods"] = {name: rows[name] for name in known if name in rows}
        strict_json.write(out / "semantics.json", found)
        page = write(out / "semantics.html", found)
    print(as_text(found))
    print(f"wrote {page}")
    return 0


@dataclass(frozen=True, eq=False)
class Judge:
    """Everything that a method's codes are held against."""

    generator: Generator
    reader: Ruler
    samples: Samples
    planes: dict[str, Any]
    known: NoiseFloor
    cats: Factors
    truth: Reference

    @classmethod
    def open(cls, cats: Factors, pictures: Images, asking: Asking, out: Path) -> Judge:
        """Load the networks, draw samples or take those kept in `out`, find boundaries."""
        from hw5 import zoo
        from hw5.defaults import open_generator
        from hw5.inversion import semantic_analysis as analysis
        from hw5.inversion.comparison import Reference
        from hw5.kit import seeding
        from hw5.metrics.ruler import known_floor, open_ruler

        generator, reader = (
            open_generator("stylegan2", pictures.device),
            open_ruler(pictures.device),
        )
        samples = kept_samples(generator, reader, asking.samples, out)
        planes = analysis.boundaries(samples, rng=seeding.make(SEED))
        truth = Reference(pictures, zoo.load("efficientnet-lite0", pictures.device))
        known = known_floor(pictures.device)
        return cls(generator, reader, samples, planes, known, cats, truth)

    def accuracies(self) -> dict[str, float]:
        """Of the boundaries, on samples that they have not seen."""
        return {name: plane.accuracy for name, plane in self.planes.items()}

    def on_pictures(self) -> dict[str, Any]:
        """What sorting could reach: the reader asked about the pictures themselves."""
        import torch

        from hw5.inversion.semantic_analysis import ATTRIBUTES, BATCH
        from hw5.inversion.semantics import precision_recall

        with torch.no_grad():
            numbers = torch.cat(
                [self.reader.read(part) for part in self.truth.pictures.split(BATCH)]
            )
        rows = {}
        for each in ATTRIBUTES:
            answers = self.cats[each.factor] > each.threshold
            curve = precision_recall(each.of(numbers), answers)
            rows[each.factor] = _thinned(curve) | {"guessing": float(answers.float().mean())}
        return rows

    def on_codes(self, shards: list[Any]) -> dict[str, Any]:
        """Sorting, walking between pairs, pushing: all figures of one method."""
        import torch

        from hw5.inversion import semantic_analysis as analysis

        shards = sorted(shards, key=lambda shard: shard.first)
        codes = torch.cat([shard.code for shard in shards])
        made = torch.cat([shard.image for shard in shards]).clamp(-1, 1)
        curves = analysis.classify(codes, self.cats, self.planes)
        sorted_ = {name: _thinned(curve) for name, curve in curves.items()}
        walked = self.truth.distances(analysis.halfway(self.generator, codes))
        return {"sorts": sorted_, "walk": walked, "push": self.pushes(codes, made)}

    def pushes(self, codes: Codes, made: Images) -> dict[str, dict[str, float]]:
        """Each attribute's push, and what it did, by the factor's name."""
        import torch

        from hw5.inversion import semantic_analysis as analysis

        rows = {}
        with torch.no_grad():
            numbers = torch.cat([self.reader.read(part) for part in made.split(analysis.BATCH)])
        for each in analysis.ATTRIBUTES:
            towards = ~each.holds(numbers)
            plane = self.planes[each.factor]
            by = analysis.stride(each, plane, self.samples)
            after = analysis.push(self.generator, codes, plane, by, towards)
            figures = analysis.judge_push(
                made, after, each, samples=self.samples, reader=self.reader, known=self.known
            )
            rows[each.factor] = asdict(figures) | self.truth.distances(after)
        return rows


def kept_samples(generator: Generator, reader: Ruler, count: int, out: Path) -> Samples:
    """Samples out of their file in `out`; drawn and put there if there is none.

    The file's name says which networks they are of: with others, they are drawn anew.
    """
    import hashlib

    import torch

    from hw5.inversion import semantic_analysis as analysis
    from hw5.inversion.tuned import digest
    from hw5.kit import progress, seeding
    from hw5.kit.files import atomic_write

    networks = hashlib.sha256(f"{digest(generator)} {digest(reader)}".encode()).hexdigest()
    path = out / f"samples-{count}-{SEED}-{networks[:12]}.pt"
    place = next(generator.parameters()).device
    stored = inverting.read_kept(path)
    if stored is None:
        if path.exists():
            print(f"{path}: damaged; the samples are drawn again", file=sys.stderr)
        with progress.bar(-(-count // analysis.BATCH), "samples") as on_step:
            drawn = analysis.draw_samples(
                generator, reader, count, rng=seeding.make(SEED), on_step=on_step
            )
        stored = drawn.codes, drawn.numbers
        with atomic_write(path) as temporary:
            torch.save(stored, temporary)
    return analysis.Samples(*(each.to(place) for each in stored))


def _thinned(curve: PrecisionRecall) -> dict[str, Any]:
    """A curve at `POINTS` values of recall, and its area."""
    import numpy as np

    grid = np.linspace(0, 1, POINTS + 1)
    heights = np.interp(grid, curve.recall[::-1], curve.precision[::-1])
    return {
        "average_precision": curve.average_precision,
        "recall": [round(float(value), 4) for value in grid],
        "precision": [round(float(value), 4) for value in heights],
    }
