"""The plumbing of every training run: time budget, resuming after kill -9, log, samples, EMA.

Offers `Run` (a folder with checkpoint, CSV log and sample grids), `repeat`, the one loop of all
trainings, and `ExponentialAverage`. The methods are in
regress.py, adversarial.py, read_factors.py and encoders.py.
"""

from __future__ import annotations

import copy
import csv
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from hw5.kit import images, seeding
from hw5.kit.files import atomic_write

# (pictures seen before it, share of the plan that is done, its random numbers) -> losses by name
Step = Callable[[int, float, torch.Generator], Mapping[str, float]]


class ExponentialAverage:
    """Running average of a network's weights, whose half-life is counted in pictures."""

    def __init__(self, network: nn.Module, *, half_life: float, trained: bool = False) -> None:
        """Start from a copy of `network`; after `half_life` pictures half of it is forgotten.

        Early on sooner, as a network's first weights are worth little, unless it is `trained`.
        """
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life, self.trained = half_life, trained

    @torch.no_grad()
    def update(self, network: nn.Module, *, pictures: int, seen: int) -> None:
        """Take in the weights after a step of `pictures`, `seen` before it.

        Early on it forgets faster (EMA warm-up).
        """
        shortest = self.half_life if self.trained else 0.05 * seen + pictures
        half_life = min(self.half_life, shortest)
        keep = 0.5 ** (pictures / half_life)
        for average, new in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(new, 1.0 - keep)
        for average, new in zip(self.network.buffers(), network.buffers(), strict=True):
            average.copy_(new)


class Run:
    """One training run in a folder; goes on where it stopped, whatever stopped it.

    A call plans `hours` of wall clock. Killed half-way, the next call finishes that plan, whatever
    it asks for; finished, the next call plans its own hours from the weights that are there, unless
    it is told not to: the first of two phases stays finished while the second one goes on. A
    checkpoint is written every `save_every` seconds under a temporary name and then renamed, so
    there is always a whole one.
    """

    def __init__(
        self, folder: Path, *, hours: float, save_every: float = 120.0, again: bool = True
    ) -> None:
        """Open or create the folder and plan `hours` of work; `again` though they are done?"""
        self.folder = folder
        self.again = again
        self.folder.mkdir(parents=True, exist_ok=True)
        self.budget = 3600.0 * hours
        self.save_every = save_every
        self.last_save = self.mark = time.monotonic()
        self.seconds = 0.0  # spent in all calls, up to `mark`
        self.began = 0.0  # seconds at which the present plan began

    @property
    def checkpoint(self) -> Path:
        """The file that a later call resumes from."""
        return self.folder / "checkpoint.pt"

    def resume(self, parts: Mapping[str, Any]) -> int:
        """Fill `parts` (anything with `load_state_dict`) and return the pictures seen so far."""
        if not self.checkpoint.exists():
            self._forget_rows(beyond=0)
            return 0
        stored = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(stored["parts"][name])
        self.seconds, self.mark = stored["seconds"], time.monotonic()
        is_whole = self.seconds >= stored["began"] + stored["budget"]
        self.began = self.seconds if is_whole and self.again else stored["began"]
        if not is_whole:  # the second of two phases has less than a call's hours, unless it is done
            self.budget = stored["budget"]
        self._forget_rows(beyond=stored["seen"])
        return stored["seen"]

    def _forget_rows(self, *, beyond: int) -> None:
        """Drop the log's rows of pictures after the checkpoint: they are to be seen again."""
        path = self.folder / "log.csv"
        if not path.exists():
            return
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        whole = [row for row in rows if len(row) == len(header)]  # a kill may cut off the last
        with (
            atomic_write(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as f,
        ):
            csv.writer(f).writerows([header, *(row for row in whole if float(row[0]) <= beyond)])

    def elapsed(self) -> float:
        """Seconds spent in all calls so far."""
        return self.seconds + time.monotonic() - self.mark

    def progress(self) -> float:
        """Share of the present plan that is done."""
        return (self.elapsed() - self.began) / self.budget if self.budget else 1.0

    def finished(self) -> bool:
        """Is the present plan done?"""
        return self.progress() >= 1.0

    def due(self) -> bool:
        """Is it time for a checkpoint?"""
        return time.monotonic() - self.last_save > self.save_every

    def save(self, parts: Mapping[str, Any], seen: int) -> None:
        """Write the checkpoint, whole or not at all."""
        self.seconds, self.mark = self.elapsed(), time.monotonic()
        self.last_save = self.mark
        state = {
            "parts": {name: part.state_dict() for name, part in parts.items()},
            "seen": seen,
            "seconds": self.seconds,
            "began": self.began,
            "budget": self.budget,
        }
        with atomic_write(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def log(self, row: Mapping[str, float]) -> None:
        """Append a row to log.csv, pictures seen first; the first row names the columns."""
        path = self.folder / "log.csv"
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if is_new:
                writer.writeheader()
            # pictures are counted, and stay whole beyond a million
            writer.writerow({k: v if isinstance(v, int) else f"{v:.6g}" for k, v in row.items()})
        self.show(row)

    def show(self, row: Mapping[str, float]) -> None:
        """Progress on the terminal: a bar, the time left and the row. Plain, to need no package."""
        share = min(self.progress(), 1.0)
        filled = "#" * round(24 * share)
        left = max(0.0, (1.0 - share) * self.budget) / 60
        numbers = "  ".join(f"{key} {value:.4g}" for key, value in row.items() if key != "seconds")
        end = "\r" if sys.stderr.isatty() else "\n"
        print(
            f"[{filled:<24}] {left:.0f} min left  {numbers}", end=end, file=sys.stderr, flush=True
        )

    @torch.no_grad()
    def snapshot(self, generator: nn.Module, samples: Tensor, seen: int) -> None:
        """Keep the weights and a grid of `samples` (N, 3, H, W) as PNG, named by `seen`."""
        grid = images.grid(samples.clamp(-1.0, 1.0).cpu())
        images.save(self.folder / f"samples-{seen:08d}.png", grid)
        state = generator.state_dict()
        half = {key: value.half().cpu().contiguous() for key, value in state.items()}
        with atomic_write(self.folder / f"weights-{seen:08d}.safetensors") as temporary:
            safetensors.torch.save_file(half, temporary)


def repeat(
    run: Run,
    parts: Mapping[str, Any],
    step: Step,
    *,
    batch: int,
    seed: int,
    columns: Sequence[str] = (),
    log_every: int = 100,
    on_save: Callable[[int], object] = lambda seen: None,
) -> dict[str, float]:
    """Take steps until the hours of `run` are over, from its checkpoint on if there is one.

    Args:
        run: Where and how long.
        parts: What a checkpoint holds.
        step: Learns from `batch` pictures; see `Step`.
        batch: Pictures of a step.
        seed: Of the steps' random numbers; a resumed run draws what an unbroken one does.
        columns: Losses in the log, for steps that do not have all of them; by default, all.
        log_every: Steps from one row of the log to the next.
        on_save: Called with the pictures seen, after each checkpoint.

    Returns:
        Pictures and seconds in all calls so far, and each loss as a running mean.
    """
    seen, means = run.resume(parts), {}

    def save() -> None:
        run.save(parts, seen)
        on_save(seen)

    while not run.finished():
        losses = step(seen, run.progress(), seeding.part(seed, seen))
        for name, value in losses.items():
            means[name] = 0.98 * means.get(name, value) + 0.02 * value
        seen += batch
        if (seen // batch) % log_every == 0:
            told = {name: means.get(name, float("nan")) for name in columns or means}
            run.log({"pictures": seen, "seconds": run.elapsed(), **told})
        if run.due():
            save()
    save()
    return {"pictures": seen, "seconds": run.seconds, **means}


def cosine(progress: float, *, warm_up: float = 0.02, floor: float = 0.02) -> float:
    """Learning-rate factor: linear warm-up, then a half cosine down to `floor`."""
    rise = min(1.0, progress / warm_up) if warm_up else 1.0
    fall = 0.5 * (1.0 + torch.cos(torch.tensor(torch.pi * min(progress, 1.0))).item())
    return rise * (floor + (1.0 - floor) * fall)


def sample_codes(generator: nn.Module, count: int = 64) -> Tensor:
    """The z `(count, d)` of every sample grid: always the same, on the generator's device."""
    rng = torch.Generator().manual_seed(1)
    where = next(generator.parameters()).device
    return torch.randn(count, generator.z_dim, generator=rng).to(where)
