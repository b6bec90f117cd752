"""Run an ablation's batches, here or in several processes, so that nothing is lost or left behind.

Offers `run_all`, `Task` and `Done`. Workers compute and answer; only the caller writes files. A
worker ignores Ctrl-C, which reaches every process of a terminal, and obeys the caller's stop
signal instead; it ends by itself when the caller is killed. Read next: ablate.py.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from hw5 import defaults
from hw5.defaults import CPU
from hw5.inversion.ablation import Outcome, run_batch
from hw5.inversion.ablation_grid import Cell
from hw5.kit import devices, images
from hw5.kit.checks import InputError
from hw5.metrics.perceptual import LpipsMetric, lpips_metric
from hw5.search import Record

POLL = 0.2  # seconds between two looks at how far the workers are

open_generator = lru_cache(maxsize=4)(defaults.open_generator)
open_features = lru_cache(maxsize=2)(defaults.open_features)


@lru_cache(maxsize=2)
def open_ruler(device: torch.device = CPU) -> LpipsMetric:
    """The ruler of perceptual distance."""
    return lpips_metric().to(device)


@dataclass(frozen=True)
class Task:
    """A batch of cells and their picture, as bytes: those travel between processes."""

    cells: tuple[Cell, ...]
    target: np.ndarray  # uint8 (H, W, 3)
    device: str = "cpu"


@dataclass(frozen=True)
class Done:
    """A cell's outcome in plain numbers, with its picture as a PNG."""

    cell: Cell
    facts: dict[str, Any]
    png: bytes


@dataclass(frozen=True)
class Failed:
    """A batch that could not be run, and why."""

    cells: tuple[Cell, ...]
    reason: str


def run_all(
    tasks: Sequence[Task], *, jobs: int, on_step: Callable[[], None]
) -> Iterator[list[Done] | Failed]:
    """Yield what became of each task, as soon as it is known.

    Args:
        tasks: what to do.
        jobs: processes at a time; 1 works in this one.
        on_step: called once for every picture that was rendered and scored.
    """
    if jobs > 1 and len(tasks) > 1:
        yield from run_in_processes(tasks, min(jobs, len(tasks)), on_step)
        return
    for task in tasks:
        yield run_task(task, count_evaluations(lambda count: [on_step() for _ in range(count)]))


def run_task(
    task: Task,
    on_step: Callable[[Record], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Done] | Failed:
    """Run one batch; what was stopped half-way is no outcome, so its list is empty."""
    first, place = task.cells[0], devices.pick(task.device)
    try:
        outcomes = run_batch(
            task.cells, open_generator(first.generator, place),
            images.from_uint8(task.target).to(place),
            features=open_features(first.features, place) if first.perceptual else None,
            ruler=open_ruler(place), on_step=on_step, should_stop=should_stop,
        )  # fmt: skip
    except InputError as error:
        return Failed(task.cells, str(error))
    return [done(outcome) for outcome in outcomes if outcome.stopped != "cancelled"]


def done(outcome: Outcome) -> Done:
    """An outcome without tensors."""
    names = ("loss", "terms", "psnr", "lpips", "distance", "evaluations", "seconds", "shared_by",
             "curve", "stopped")  # fmt: skip
    facts = {name: getattr(outcome, name) for name in names}
    return Done(outcome.cell, facts, images.to_png(outcome.image))


def count_evaluations(add: Callable[[int], None]) -> Callable[[Record], None]:
    """An `on_step` that tells `add` how many pictures were scored since the step before."""
    seen = 0

    def on_step(record: Record) -> None:
        nonlocal seen
        add(record.evaluations - seen)
        seen = record.evaluations

    return on_step


# ---------------------------------------------------------------- several processes


def run_in_processes(
    tasks: Sequence[Task], jobs: int, on_step: Callable[[], None]
) -> Iterator[list[Done] | Failed]:
    """`run_all` with a pool. Whatever ends it early, Ctrl-C included, also ends the workers."""
    # Not fork: torch's threads do not survive it.
    context = multiprocessing.get_context("spawn")
    counter, stop = context.Value("q", 0), context.Event()
    threads = max(1, torch.get_num_threads() // jobs)
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=begin_worker, initargs=(counter, stop, threads)
    )
    shown = 0
    try:
        pending = {pool.submit(run_in_worker, task) for task in tasks}
        while pending:
            finished, pending = wait(pending, timeout=POLL, return_when=FIRST_COMPLETED)
            while shown < counter.value:
                on_step()
                shown += 1
            for future in finished:
                yield future.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_worker: dict[str, Any] = {}  # what `begin_worker` was given, in a worker


def begin_worker(counter: Any, stop: Any, threads: int) -> None:  # noqa: ANN401
    """Set up a worker: its share of the cores, and how it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    threading.Thread(target=end_with_parent, daemon=True).start()
    _worker.update(counter=counter, stop=stop)


def end_with_parent() -> None:
    """End this process when its parent is gone, however that was ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def run_in_worker(task: Task) -> list[Done] | Failed:
    """`run_task` in a worker."""

    def add(count: int) -> None:
        with _worker["counter"].get_lock():
            _worker["counter"].value += count

    return run_task(task, count_evaluations(add), _worker["stop"].is_set)
