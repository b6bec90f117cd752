"""What a recipe is asked for, and how its weight is shipped.

Offers `Job`, `portraits`, `is_dueling`, `keep_figures` and `kept_figures` (of a run's first phase,
for later calls), `begun` and `origin` (for a run that goes on from a shipped weight), `target_of`
(is the outcome better than what is shipped?) and `ship`.

Read next: recipes.py.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from hw5 import zoo
from hw5.kit import devices
from hw5.kit.checks import InputError
from hw5.kit.files import atomic_write
from hw5.train.cards import digest_of, make_card, stale

FIGURES = ("fid", "test_lpips")  # by which a generator, an encoder is judged: less is better
CARRIED = ("curve", "history")  # of a card, which stay true of a weight that went on from it


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
    ship_anyway: bool = False  # in the place of a shipped weight that is better

    def command(self, name: str) -> str:
        """The command that repeats this job."""
        own = f" --pictures {shlex.quote(str(self.pictures))}" if self.pictures else ""
        on = " --go-on" if self.go_on else ""
        return f"python -m hw5 train {name} --hours {self.hours:g} --seed {self.seed}{own}{on}"


def keep_figures(folder: Path, prefix: str, figures: Mapping[str, float]) -> dict[str, float]:
    """Write the figures of a phase that is done into its folder; return them, named after it."""
    named = {f"{prefix}_{name}": value for name, value in figures.items()}
    _write_json(folder / "metrics.json", named)
    return named


def kept_figures(folder: Path) -> dict[str, float]:
    """The figures of a phase that is done, none of one that is not or that there never was."""
    done = folder / "metrics.json"
    return json.loads(done.read_text(encoding="utf-8")) if done.exists() else {}


def is_dueling(job: Job) -> bool:
    """Has the run's second phase begun? Then its checkpoint holds all that the first one left."""
    return (job.folder / "duel" / "checkpoint.pt").exists()


def begun(name: str, fresh: Callable[[], nn.Module], job: Job) -> nn.Module:
    """The network that a run begins as: `fresh()`, or the shipped weight `name` if it goes on.

    The run's checkpoint, once there is one, replaces either.
    """
    return zoo.load(name).train().requires_grad_(True) if origin(name, job) else fresh()


def origin(name: str, job: Job) -> dict[str, Any]:
    """What a card takes over from the shipped weight that a run went on from; nothing if none.

    Asked before the run, and noted in its folder: the run may well replace that weight.

    Raises:
        InputError: A run that is to go on from the shipped weight has begun otherwise.
    """
    noted = job.folder / f"{name}-origin.json"
    if not any(job.folder.rglob("checkpoint.pt")):  # the run is yet to begin
        noted.unlink(missing_ok=True)
        if job.go_on:
            keys, before = ("command", "metrics", "went_on_from", *CARRIED), zoo.card(name)
            kept = {key: before[key] for key in keys if key in before}
            _write_json(noted, {"sha256": digest_of(name), **kept})
    if noted.exists():
        facts = json.loads(noted.read_text(encoding="utf-8"))
        carried = {key: facts.pop(key) for key in CARRIED if key in facts}
        return {"went_on_from": facts, **carried}
    if job.go_on:
        hint = "leave --go-on out to train that run further, or move its folder away"
        got = f"another one in {job.folder}"
        raise InputError.about(
            "--go-on", expected="a run of the shipped weight", got=got, hint=hint
        )
    return {}


def target_of(name: str, metrics: Mapping[str, float], job: Job) -> str | Path:
    """Where a trained weight goes: a name is shipped, a path is a file in the run folder.

    A shipped weight makes room for a better one, and for any if it is stale, if the two cannot be
    compared because one has no figure, or if the job says so.
    """
    aside = job.folder / f"{name}{zoo.SUFFIX}"
    shipped = zoo.card(name).get("metrics", {}) if name in zoo.names() else {}
    figure = next((key for key in FIGURES if key in metrics and key in shipped), None)
    if figure is None or job.ship_anyway or metrics[figure] < shipped[figure] or name in stale():
        for file in (aside, aside.with_suffix(".json")):
            file.unlink(missing_ok=True)
        return name
    print(
        f"{name}: {figure} {metrics[figure]:.4g}, the shipped weight has {shipped[figure]:.4g} and "
        f"stays; this one is {aside} (--ship-anyway ships it)",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    return aside


def ship(
    name: str, network: nn.Module, kind: str, config: Mapping[str, Any], job: Job, what: str,
    metrics: Mapping[str, float], data: str, trained_on: tuple[str, ...] = (),
    follows: Path | None = None,
) -> Path:  # fmt: skip
    """Write a trained weight with its card, and return the path; `target_of` says where it goes.

    A discriminator `follows` its generator, whose file was written before: into the same folder.
    """
    card = make_card(
        what=what,
        command=job.command(follows.stem if follows else name),
        data=data,
        seed=job.seed,
        device=devices.pick(job.device),
        metrics=metrics,
        trained_on=trained_on,
    )
    if follows is None:
        target = target_of(name, metrics, job)
    else:
        digest = hashlib.sha256(follows.read_bytes()).hexdigest()
        card["trained_on"][follows.stem] = digest
        is_aside = follows.parent == job.folder
        target = job.folder / f"{name}{zoo.SUFFIX}" if is_aside else name
    card |= origin(name, job)
    path = zoo.save(target, network, kind=kind, config=config, card=card)
    print(f"wrote {path}", file=sys.stderr, flush=True)
    return path


def _write_json(path: Path, facts: Mapping[str, Any]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(facts), encoding="utf-8")
