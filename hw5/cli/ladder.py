"""`hw5 ladder`: why is my projection bad? Generator, loss or optimiser?

Offers `ladder`. The judgement is hw5/inversion/ladder.py, the searches are ladder_rungs.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tqdm import tqdm

from hw5.cli.inverting import check_encoder_file
from hw5.config import LossWeights, Projection
from hw5.inversion.ladder import Diagnosis, Thresholds, Verdict, diagnose

if TYPE_CHECKING:
    import torch

    from hw5.inversion.ladder_rungs import Encoder, Rung, Target
    from hw5.models.generator import Generator
    from hw5.shapes import Images

ENCODER, ITS_GENERATOR, ITS_SPACE = "encoder", "stylegan2", "w+"  # bundled with each other
COLUMNS = ("rung", "PSNR", "error left", "gap", "loss left", "spread", "2nd solver", "encoder",
           "true loss", "verdict")  # fmt: skip


@dataclass(frozen=True)
class LadderSearch(Projection):
    """The search under examination: a projection that does not take long."""

    # steps at most; enough for the bundled StyleGAN2 to find its own pictures (ours)
    num_steps: int = 150
    # starts side by side: the averaged code, then random codes, so that traps show (ours)
    num_seeds: int = 4


def ladder(
    *,
    photo: str = "chelsea",
    generator: str = "stylegan2",
    settings: LadderSearch,
    weights: LossWeights,
    thresholds: Thresholds,
    box: Annotated[tuple[int, int, int] | None, tyro.conf.arg(metavar="LEFT TOP SIDE")] = None,
    encoder: Path | None = None,
    second_evaluations: int = 40,
    device: str = "cpu",
    seed: int = 0,
    out: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Say why a projection is bad: generator, loss or optimiser? With the evidence.

    Projects a generated, a training, a test and an in-the-wild picture. The table's columns: error
    left (RMS, as a share of that of random pictures; gap: growth from the rung before), loss left
    (likewise, above the loss of the true code), spread (by how much the best start ended below the
    median one), what another solver and an encoder's start took off the loss. A rung's verdict is
    printed as soon as it is climbed. Two minutes on two idle cores.

    For example:
      python -m hw5 ladder
      python -m hw5 ladder --photo my_cat.jpg --space w --optimiser lbfgs --num-steps 60
      python -m hw5 ladder --pixel 0 --perceptual 1 --layers conv4_3 --out runs/ladder

    Args:
        photo: the picture from the wild: a file, or chelsea for the photograph that comes along
        generator: name of a bundled generator (`python -m hw5 models` lists them)
        settings: the search under examination
        weights: the loss under examination
        thresholds: where well ends
        box: the square of the photo to use, in pixels; the largest in the middle by default
        encoder: file of an encoder of one's own, in place of the bundled one
        second_evaluations: pictures that the other solver may render on each rung
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        seed: which generated, training and test cat, and where the searches start
        out: run folder to write: pictures.png (targets above what was found), codes, record.json
        overwrite: replace a run that is already there
    """
    from hw5.kit import devices, files
    from hw5.kit.checks import check_number

    check_number("--second-evaluations", second_evaluations, low=1, whole=True)
    if encoder is not None:
        check_encoder_file(encoder)
    if out is not None:
        files.refuse_existing(out, overwrite=overwrite)
    rungs: list[Rung] = []
    for rung in climb_all(
        generator, photo, box, weights=weights, settings=settings, seed=seed, encoder=encoder,
        second_evaluations=second_evaluations, place=devices.pick(device),
    ):  # fmt: skip
        rungs.append(rung)
        diagnosis = diagnose([rung.evidence for rung in rungs], thresholds)
        tqdm.write(sentence(diagnosis.rungs[-1]))  # above the bar, which moves on
    print("", table(rungs, diagnosis), "", sentence(diagnosis.overall, "Overall"), sep="\n")
    if out is not None:
        facts = {"generator": generator, "photo": photo, "seed": seed, "weights": weights}
        facts |= {"settings": rungs[0].found.settings, "thresholds": thresholds}
        keep(out, rungs, diagnosis, facts, overwrite=overwrite)
        print(f"wrote {out}")
    return 0


def climb_all(
    name: str,
    photo: str,
    box: tuple[int, int, int] | None,
    *,
    weights: LossWeights,
    settings: Projection,
    encoder: Path | None,
    second_evaluations: int,
    seed: int,
    place: torch.device,
) -> Iterator[Rung]:
    """Every rung of the generator called `name` as it is climbed, behind a progress bar."""
    from hw5 import defaults
    from hw5.cli import tools
    from hw5.inversion.ladder_rungs import climb
    from hw5.kit import progress, seeding

    network = defaults.open_generator(name, place)
    settings = tools.settled(settings, network, name)
    wild = tools.read_target(photo, network.image_size, box).to(place)
    targets = targets_of(network, settings.space, wild, seed=seed)
    criterion = defaults.build_criterion(weights, place)
    guide = find_encoder(network, name, settings.space, encoder)
    total = len(targets) * (settings.num_steps + second_evaluations)
    with progress.bar(total, "ladder") as on_step:
        yield from climb(
            network, targets, criterion=criterion, settings=settings, encoder=guide,
            second_evaluations=second_evaluations, rng=seeding.make(seed), on_step=on_step,
        )  # fmt: skip


def targets_of(network: Generator, space: str, wild: Images, *, seed: int) -> list[Target]:
    """The four pictures, from the easiest to the hardest."""
    from hw5 import world
    from hw5.inversion.ladder_rungs import Target, generated_target
    from hw5.kit import seeding
    from hw5.world.dataset import split_factors

    def cat(split: str) -> world.Factors:
        return split_factors(split, 1, first=seed).to(wild.device)

    cats = [
        Target(rung, world.render(cat(split), network.image_size).image)
        for rung, split in (("training", "train"), ("test", "test"))
    ]
    made = generated_target(network, space, rng=seeding.make(seed))
    return [made, *cats, Target("wild", wild)]


def find_encoder(
    network: Generator, name: str, space: str, own: Path | None = None
) -> Encoder | None:
    """One's own encoder, or the bundled one where there is one for this generator and space.

    Raises:
        InputError: one's own does not fit the generator or the space.
    """
    from hw5 import zoo
    from hw5.inversion.ready import open_encoder
    from hw5.kit.checks import InputError
    from hw5.latents import example_of

    if own is not None and space != ITS_SPACE:
        expected, hint = f"--space {ITS_SPACE}", "encoders answer with codes of that space"
        raise InputError.about("--encoder", expected=expected, got=space, hint=hint)
    fits = (name, space) == (ITS_GENERATOR, ITS_SPACE) and ENCODER in zoo.names()
    if own is None and not fits:
        return None
    return open_encoder(own or ENCODER, network, example_of(network).device)


def table(rungs: Sequence[Rung], diagnosis: Diagnosis) -> str:
    """The evidence, a row for each rung."""
    gaps = (None, *diagnosis.gaps)
    rows = [
        row_of(rung, gap, verdict.culprit.value)
        for rung, gap, verdict in zip(rungs, gaps, diagnosis.rungs, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in (COLUMNS, *rows)
    )


def row_of(rung: Rung, gap: float | None, verdict: str) -> tuple[str, ...]:
    """One row of the table."""
    from hw5.metrics.pixels import psnr

    seen = rung.evidence
    likeness = float(psnr(rung.found.image.clamp(-1, 1), rung.target.image))
    return (
        seen.rung, f"{likeness:.1f} dB", share(seen.error_left), share(gap, "+.0%"),
        share(seen.loss_left), share(seen.spread), share(seen.second_gain),
        share(seen.encoder_gain), "-" if seen.true_loss is None else f"{seen.true_loss:.3g}",
        verdict,
    )  # fmt: skip


def share(value: float | None, form: str = ".0%") -> str:
    """A share in per cent, or a dash where nothing was measured."""
    return "-" if value is None else format(value, form)


def sentence(verdict: Verdict, about: str = "") -> str:
    """A verdict as one line."""
    return f"{about or verdict.rung}: {verdict.culprit.value}: {verdict.because}."


def keep(
    folder: Path,
    rungs: Sequence[Rung],
    diagnosis: Diagnosis,
    facts: dict[str, object],
    *,
    overwrite: bool,
) -> None:
    """Write pictures, codes, evidence and verdicts as a run folder."""
    import torch

    from hw5.kit import images, runs

    shown = [rung.target.image for rung in rungs] + [rung.found.image for rung in rungs]
    sheet = images.grid(torch.cat([picture.clamp(-1, 1) for picture in shown]), columns=len(rungs))
    record = {
        **facts,
        "overall": diagnosis.overall,
        "verdicts": diagnosis.rungs,
        "gaps": diagnosis.gaps,
        "evidence": [rung.evidence for rung in rungs],
        "seconds": [rung.found.seconds for rung in rungs],
    }
    runs.save_run(
        folder,
        images={"pictures": images.enlarge(sheet, 2)},
        arrays={f"code-{rung.target.rung}": rung.found.code for rung in rungs},
        record=record,
        overwrite=overwrite,
    )
