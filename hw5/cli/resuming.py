"""A search that Ctrl-C may stop: kept in its run folder, read back, and gone on with.

Offers `search`, by which `project` and `draw` run what searches.py asks for, `save`, `read` and
`Kept`. The state is one file of its own, whose digest stands in the run's record: a damaged one is
refused, not searched on from. Everything here imports torch, so the commands import this file only
when they run.
"""

from __future__ import annotations

import hashlib
import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from hw5 import defaults
from hw5.cli import tools
from hw5.cli.parsing import is_given
from hw5.cli.searches import Asked, Given
from hw5.kit import devices, files, progress, runs, seeding, stopping, trees
from hw5.kit.checks import InputError, check_images
from hw5.losses import Criterion
from hw5.models.generator import Generator
from hw5.objective import Objective, State
from hw5.search import Projected

STATE = "search.safetensors"
DIGEST = "search_state"  # the record's entry: SHA-256 of that file
# Of the bundled generators, a state has a few MB; L-BFGS over a big one's noise maps: gigabytes.
LARGEST = 64 * files.MEBIBYTE
# A search scores its own best picture alike on every machine, and in bfloat16 nearly so.
SAME_SCORE = 0.05
FREE = ("device",)  # may be another one when a search goes on


@dataclass(frozen=True, eq=False)
class Kept:
    """A search that was stopped."""

    folder: Path
    asked: Asked
    given: Given
    state: State
    draws: torch.Tensor  # state of the random numbers that follow the search

    @property
    def steps(self) -> int:
        """Steps done."""
        return len(self.state["history"])

    def same(self, asked: Asked, words: Sequence[str]) -> Asked:
        """What the search was asked for at first, on another device if one is named now.

        Raises:
            InputError: an option among the words that would change it.
        """
        before, subject = self.asked.options(), self.asked.subject
        for name, now in asked.options().items():
            option = subject if name == subject else f"--{name.replace('_', '-')}"
            named = name == subject and any(Path(word) == Path(str(now)) for word in words)
            given = named or (name != subject and is_given(option, words))
            if given and name not in FREE and now != before[name]:
                raise InputError.about(
                    option,
                    expected=f"{_said(before[name])}, as in {self.folder}, or nothing",
                    got=_said(now),
                    hint="a search goes on with what it began with",
                )
        device = asked.device if is_given("--device", words) else self.asked.device
        return replace(self.asked, device=device)

    def moved(self, network: Generator, place: torch.device) -> Given:
        """What the search was given, whatever became of its files.

        Raises:
            InputError: the generator makes pictures of another size now.
        """
        target = self.given["target"]
        check_images(f"{self.folder}: {self.asked.subject}", target, size=network.image_size)
        return trees.moved(self.given, place)

    def ready(self, network: Generator, criterion: Criterion, given: Given) -> State:
        """The state on the target's device, for `projector.project`.

        Raises:
            InputError: the networks are not those of the search: they score its best differently.
        """
        target, mask, score = given["target"], given["mask"], self.asked.score(criterion, given)
        objectives = trees.moved(self.state["objectives"], target.device)
        state = {**self.state, "objectives": objectives}
        first = objectives[0]
        objective = Objective(
            network, target, score, first["start"], self.asked.settings, mask=mask
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


def search(
    asked: Asked, words: Sequence[str], out: Path, *, resume: Path | None, overwrite: bool
) -> tuple[Projected, dict[str, float], Path]:
    """Search, or go on with what is kept in the folder `resume`, and write a run folder.

    Returns:
        What was found, what the record says of it beside, and the folder: `resume` is replaced
        unless the words name another one.

    Raises:
        InputError: what was asked for cannot be used.
        KeyboardInterrupt: Ctrl-C, with what to say of it if the search is kept.
    """
    kept = read(resume, type(asked)) if resume else None
    if kept:
        asked = kept.same(asked, words)
        out, overwrite = (out, overwrite) if is_given("--out", words) else (kept.folder, True)
    files.refuse_existing(out, overwrite=overwrite)
    asked = asked if kept else asked.filled()
    place = devices.pick(asked.device)
    network = defaults.open_generator(asked.generator, place)
    asked = replace(asked, settings=tools.settled(asked.settings, network, asked.generator))
    given = kept.moved(network, place) if kept else asked.given(network, place)
    found, facts = _carry_out(asked, kept, network, given, out, overwrite=overwrite)
    return found, facts, out


def _carry_out(
    asked: Asked, kept: Kept | None, network: Generator, given: Given, out: Path, *, overwrite: bool
) -> tuple[Projected, dict[str, float]]:
    """Search under a bar, with an ear for Ctrl-C, and write what was found."""
    criterion = defaults.build_criterion(asked.weights, given["target"].device)
    state = kept.ready(network, criterion, given) if kept else None
    rng = seeding.make(asked.seed)
    if kept:
        rng.set_state(kept.draws)
    draws = rng.get_state()

    def should_stop() -> bool:
        nonlocal draws
        draws = rng.get_state()  # by now the start is drawn; what follows the search is not yet
        return stop()

    left = asked.settings.num_steps - (kept.steps if kept else 0)
    with stopping.Stop() as stop:
        with progress.bar(left, asked.command) as on_step:
            found, facts = asked.find(
                network, given, criterion=criterion, rng=rng, on_step=on_step,
                should_stop=should_stop, resume=state,
            )  # fmt: skip
        if not found.history:  # stopped before its first step: there is nothing to keep
            raise KeyboardInterrupt
        this = Kept(out, asked, given, found.state, draws)
        stopped = save(this, found, asked.facts() | facts, overwrite=overwrite)
    if stopped:
        raise KeyboardInterrupt(stopped)
    return found, facts


def save(kept: Kept, found: Projected, facts: dict[str, object], *, overwrite: bool) -> str:
    """Write a search's outcome as its run folder, of a stopped one with the state to go on from.

    Returns:
        Of a stopped search, what to tell whoever stopped it; else nothing.
    """
    asked, contents = kept.asked, {}
    is_stopped = found.stopped == "cancelled"
    if is_stopped and trees.num_bytes(kept.state) <= LARGEST:
        plain = {"given": kept.given, "state": kept.state, "draws": kept.draws}
        plain |= {"command": asked.command, "asked": asdict(asked)}
        contents[STATE] = trees.to_bytes(plain)
        facts = facts | {DIGEST: hashlib.sha256(contents[STATE]).hexdigest()}
    images = asked.pictures(kept.given)
    tools.save_search(kept.folder, found, images, facts, files=contents, overwrite=overwrite)
    if not is_stopped:
        return ""
    place = shlex.quote(kept.folder.as_posix())
    if contents:
        size = len(contents[STATE]) / 1e6
        tail = f"go on ({size:.1f} MB of state): python -m hw5 {asked.command} --resume {place}"
    else:
        size = trees.num_bytes(kept.state) / 1e6
        tail = f"its state of {size:,.0f} MB is too large to keep, so it cannot go on"
    done = f"stopped after {len(found.history)} of {found.settings.num_steps} steps"
    return f"{done}, the best so far is in {place}; {tail}"


def read(folder: Path, kind: type[Asked]) -> Kept:
    """The search that was stopped and kept in a run folder.

    Raises:
        InputError: another kind of folder or search, or a state that is missing or damaged.
    """
    record, path = runs.load_run(folder).record, folder / STATE
    if DIGEST not in record:
        stopped = record.get("stopped")
        got = "one that kept no state" if stopped in (None, "cancelled") else "one that has ended"
        hint = "only a search that Ctrl-C stopped goes on"
        raise InputError.about(str(folder), expected="a stopped search", got=got, hint=hint)
    data = files.read_bytes(path, expected="the state of a search")
    if hashlib.sha256(data).hexdigest() != record[DIGEST]:
        raise _unfit(path, "another one than the run's record names, or a damaged one")
    kept = trees.from_bytes(data, str(path))
    try:
        command = kept["command"]
        if command != kind.command:
            expected, got = f"a stopped search of {kind.command}", f"one of {command}"
            hint = f"python -m hw5 {command} --resume {shlex.quote(folder.as_posix())}"
            raise InputError.about(str(folder), expected=expected, got=got, hint=hint)
        return Kept(folder, kind.of(kept["asked"]), kept["given"], kept["state"], kept["draws"])
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
