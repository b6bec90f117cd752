"""A search that Ctrl-C stopped: kept in its run folder, read back, and gone on with.

Offers `Asked`, what the command line asked for, `save`, `read` and `Kept`. The state is one file of
its own, whose digest stands in the run's record: a damaged one is refused, not searched on from.
Everything here imports torch, so `project` imports this file only when it runs.
"""

from __future__ import annotations

import hashlib
import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from hw5.cli import tools
from hw5.cli.parsing import is_given
from hw5.config import LossWeights, Projection
from hw5.kit import runs, trees
from hw5.kit.checks import InputError, check_images
from hw5.kit.files import MEBIBYTE, read_bytes
from hw5.losses import Criterion
from hw5.models.generator import Generator
from hw5.objective import Objective, State
from hw5.search import Projected
from hw5.shapes import Images, Mask

STATE = "search.safetensors"
DIGEST = "search_state"  # the record's entry: SHA-256 of that file
# Of the bundled generators, a state has a few MB; L-BFGS over a big one's noise maps: gigabytes.
LARGEST = 64 * MEBIBYTE
# A search scores its own best picture alike on every machine, and in bfloat16 nearly so.
SAME_SCORE = 0.05
FREE = ("device",)  # may be another one when a search goes on


@dataclass(frozen=True)
class Asked:
    """A search as the command line asks for it."""

    picture: str
    generator: str
    settings: Projection
    weights: LossWeights
    box: tuple[int, int, int] | None
    mask: str | None
    device: str
    seed: int

    def pictures(self, size: int, place: torch.device) -> tuple[Images, Mask | None]:
        """The target, and the mask if there is one."""
        target = tools.read_target(self.picture, size, self.box).to(place)
        return target, tools.read_mask(Path(self.mask), size).to(place) if self.mask else None

    def options(self) -> dict[str, object]:
        """Every option's value by its name."""
        plain = asdict(self)
        return {**plain.pop("settings"), **plain.pop("weights"), **plain}

    def facts(self) -> dict[str, object]:
        """What a run's record says of the search beside its settings."""
        facts = {name: getattr(self, name) for name in ("generator", "picture", "weights", "seed")}
        return facts | ({"mask": self.mask} if self.mask else {})


@dataclass(frozen=True, eq=False)
class Kept:
    """A search that was stopped."""

    folder: Path
    asked: Asked
    target: Images
    mask: Mask | None
    state: State

    @property
    def steps(self) -> int:
        """Steps done."""
        return len(self.state["history"])

    def same(self, asked: Asked, words: Sequence[str]) -> Asked:
        """What the search was asked for at first, on another device if one is named now.

        Raises:
            InputError: an option among the words that would change it.
        """
        before = self.asked.options()
        for name, now in asked.options().items():
            option = "picture" if name == "picture" else f"--{name.replace('_', '-')}"
            given = now in words if name == "picture" else is_given(option, words)
            if given and name not in FREE and now != before[name]:
                raise InputError.about(
                    option,
                    expected=f"{_said(before[name])}, as in {self.folder}, or nothing",
                    got=_said(now),
                    hint="a search goes on with what it began with",
                )
        device = asked.device if is_given("--device", words) else self.asked.device
        return replace(self.asked, device=device)

    def pictures(self, size: int, place: torch.device) -> tuple[Images, Mask | None]:
        """The target and the mask as the search had them, whatever became of their files.

        Raises:
            InputError: the generator makes pictures of another size now.
        """
        check_images(f"{self.folder}: target", self.target, size=size)
        return trees.moved((self.target, self.mask), place)

    def ready(
        self, network: Generator, criterion: Criterion, target: Images, mask: Mask | None
    ) -> State:
        """The state on the target's device, for `projector.project`.

        Raises:
            InputError: the networks are not those of the search: they score its best differently.
        """
        objectives = trees.moved(self.state["objectives"], target.device)
        state = {**self.state, "objectives": objectives}
        first = objectives[0]
        objective = Objective(
            network, target, criterion, first["start"], self.asked.settings, mask=mask
        )
        objective.restore(first)
        best = first["best"]
        with torch.no_grad():
            objective.delta.copy_(best["delta"])
            if objective.is_noise_optimised:
                for name, noise in objective.maps.items():
                    noise.copy_(best[f"noise {name}"])
            now = float(objective().min())
        before = float(best["loss"].min())
        if math.isfinite(before) and not math.isclose(now, before, rel_tol=SAME_SCORE):
            raise InputError.about(
                str(self.folder),
                expected=f"networks that give its best picture the loss {before:.4g}",
                got=f"others, that give it {now:.4g}",
                hint="a network has changed since: search anew",
            )
        return state


def save(
    folder: Path,
    found: Projected,
    asked: Asked,
    pictures: tuple[Images, Mask | None],
    *,
    overwrite: bool,
) -> str:
    """Write a search's outcome as a run folder, of a stopped one with the state to go on from.

    Returns:
        Of a stopped search, what to tell whoever stopped it; else nothing.
    """
    target, mask = pictures
    facts, files = asked.facts(), {}
    is_stopped = found.stopped == "cancelled"
    if is_stopped and trees.num_bytes(found.state) <= LARGEST:
        kept = {"asked": asdict(asked), "target": target, "mask": mask, "state": found.state}
        files[STATE] = trees.to_bytes(kept)
        facts[DIGEST] = hashlib.sha256(files[STATE]).hexdigest()
    images = {"target": target}
    tools.save_search(folder, found, images, facts, files=files, overwrite=overwrite)
    if not is_stopped:
        return ""
    place = shlex.quote(folder.as_posix())
    if files:
        size = len(files[STATE]) / 1e6
        tail = f"go on ({size:.1f} MB of state): python -m hw5 project --resume {place}"
    else:
        size = trees.num_bytes(found.state) / 1e6
        tail = f"its state of {size:,.0f} MB is too large to keep, so it cannot go on"
    done = f"stopped after {len(found.history)} of {found.settings.num_steps} steps"
    return f"{done}, the best so far is in {place}; {tail}"


def read(folder: Path) -> Kept:
    """The search that was stopped and kept in a run folder.

    Raises:
        InputError: another kind of folder, or a state that is missing or damaged.
    """
    record, path = runs.load_run(folder).record, folder / STATE
    if DIGEST not in record:
        stopped = record.get("stopped")
        got = "one that kept no state" if stopped in (None, "cancelled") else "one that has ended"
        hint = "only a search that Ctrl-C stopped goes on"
        raise InputError.about(str(folder), expected="a stopped search", got=got, hint=hint)
    data = read_bytes(path, expected="the state of a search")
    if hashlib.sha256(data).hexdigest() != record[DIGEST]:
        raise _unfit(path, "another one than the run's record names, or a damaged one")
    kept = trees.from_bytes(data, str(path))
    try:
        asked = kept["asked"]
        settings, weights = Projection(**asked["settings"]), LossWeights(**asked["weights"])
        asked = Asked(**{**asked, "settings": settings, "weights": weights})
        return Kept(folder, asked, kept["target"], kept["mask"], kept["state"])
    except (KeyError, TypeError) as error:
        raise _unfit(path, f"one of another version ({error})") from error


def _unfit(path: Path, got: str) -> InputError:
    hint = "search anew; the run itself is whole"
    return InputError.about(str(path), expected="the state of this search", got=got, hint=hint)


def _said(value: object) -> str:
    """A value as a command line has it."""
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
