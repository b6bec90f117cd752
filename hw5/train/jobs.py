"""What a recipe is asked for, and how its weight is shipped.

Offers `Job`, `portraits`, `figures_of_phase` (of a run's first phase, kept for later calls),
`begun` and `origin` (for a run that goes on from a shipped weight) and `ship`.

Read next: recipes.py.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from hw5 import zoo
from hw5.kit import devices
from hw5.kit.files import atomic_write
from hw5.train.cards import digest_of, make_card


def portraits(count: int, size: int = 64) -> str:
    """How a card names a training set."""
    return f"{count} portraits at {size} px, training split, and their mirror images"


@dataclass(frozen=True)
class Job:
    """What the command line asks for."""

    hours: float
    device: str
    seed: int
    folder: Path  # of this weight's run
    compiled: bool = True  # render the training set with torch.compile
    pictures: Path | None = None  # a folder of one's own, in place of the world's
    go_on: bool = False  # begin as the shipped weight, not as a random one

    def command(self, name: str) -> str:
        """The command that repeats this job."""
        own = f" --pictures {shlex.quote(str(self.pictures))}" if self.pictures else ""
        on = " --go-on" if self.go_on else ""
        return f"python -m hw5 train {name} --hours {self.hours:g} --seed {self.seed}{own}{on}"


def figures_of_phase(
    folder: Path, prefix: str, finish: Callable[[], Mapping[str, float]], *, again: bool = False
) -> dict[str, float]:
    """The figures of a phase: those in its folder, or what `finish` returns, written there.

    Args:
        folder: of the phase's run; its metrics.json says that the phase is done.
        prefix: put before every name.
        finish: ends the phase.
        again: end it anew though it is done, as what it left is needed and was not kept.
    """
    done = folder / "metrics.json"
    if done.exists() and not again:
        return json.loads(done.read_text(encoding="utf-8"))
    figures = {f"{prefix}_{name}": value for name, value in finish().items()}
    with atomic_write(done) as temporary:
        temporary.write_text(json.dumps(figures), encoding="utf-8")
    return figures


def begun(name: str, fresh: Callable[[], nn.Module], job: Job) -> nn.Module:
    """The network that a run begins as: `fresh()`, or the shipped weight `name` if it goes on.

    The run's checkpoint, once there is one, replaces either.
    """
    return zoo.load(name).train().requires_grad_(True) if job.go_on else fresh()


def origin(name: str, job: Job) -> dict[str, Any]:
    """What a card says of the shipped weight that a run went on from; nothing if it did not.

    Asked before the run, and noted in its folder: the run may well replace that weight.
    """
    if not job.go_on:
        return {}
    noted = job.folder / f"{name}-origin.json"
    if not noted.exists():
        before = zoo.card(name)
        kept = {key: before[key] for key in ("command", "metrics", "went_on_from") if key in before}
        job.folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(noted) as temporary:
            text = json.dumps({"sha256": digest_of(name), **kept})
            temporary.write_text(text, encoding="utf-8")
    return {"went_on_from": json.loads(noted.read_text(encoding="utf-8"))}


def ship(
    name: str, network: nn.Module, kind: str, config: Mapping[str, Any], job: Job, what: str,
    metrics: Mapping[str, float], data: str, trained_on: tuple[str, ...] = (), by: str = "",
) -> None:  # fmt: skip
    """Write a trained weight into data/weights with its card; `by` names the command's weight."""
    card = make_card(
        what=what,
        command=job.command(by or name),
        data=data,
        seed=job.seed,
        device=devices.pick(job.device),
        metrics=metrics,
        trained_on=trained_on,
    )
    zoo.save(name, network, kind=kind, config=config, card={**card, **origin(name, job)})
