"""`hw5 ablate`: which settings of a projection matter? The student report's ablations.

Offers `ablate`. The grid is hw5/inversion/ablation_grid.py, the searches are ablation.py. Every
cell is one record (cells/KEY.json beside KEY.png) that is written whole, the JSON last: whatever
ends the command, the next one goes on with the cells that have no record.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hw5.inversion.ablation_grid import Cell, Grid, batches_of, cells_of, key_of, overridden

if TYPE_CHECKING:
    from hw5.cli.ablate_jobs import Done, Task
    from hw5.models.generator import Generator
    from hw5.shapes import Images

CELLS = "cells"
SPLITS = ("train", "test")
FACTS = ("loss", "terms", "psnr", "lpips", "distance", "evaluations", "seconds")


def ablate(
    *,
    grid: Grid,
    quick: bool = False,
    jobs: int | None = None,
    device: str = "cpu",
    out: Path = Path("runs/ablate"),
) -> int:
    """Compare settings of a projection: layers, weights, space and start, optimiser.

    Writes index.html and grid.png, and a record of each cell in cells/. Stopped or killed, the same
    command goes on where it was; cells that were already run, by this grid or another, are kept.

    For example:
      python -m hw5 ablate --quick
      python -m hw5 ablate --pictures my_cat.jpg --jobs 2 --out runs/my_ablation
      python -m hw5 ablate --design product --perceptual 0.3 0.7 --spaces w+ w --evaluations 200

    Args:
        grid: what is varied, and what stays
        quick: a smaller grid, about a minute on two idle cores; options given beside it still hold
        jobs: processes side by side; as many as there are cores by default
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        out: folder to write, new or of an earlier ablation
    """
    from hw5.cli.doctor import usable_cores
    from hw5.kit import devices, progress
    from hw5.kit.checks import check_number

    jobs = usable_cores() if jobs is None else jobs
    check_number("--jobs", jobs, low=1, whole=True)
    devices.pick(device)
    desk = Desk(overridden(grid, Grid.quick()) if quick else grid, out, device=device)
    todo = [cell for cell in desk.keys if cell not in desk.records()]
    print(f"{len(desk.keys) - len(todo)} of {len(desk.keys)} cells are there", flush=True)
    desk.save_targets()
    failures: list[str] = []
    try:
        with progress.bar(sum(cell.evaluations for cell in todo), "ablate") as on_step:
            run(desk, desk.tasks(todo), jobs, on_step, failures)
    finally:
        print(f"wrote {desk.show()}", flush=True)
    for line in failures:
        print(f"hw5: not run: {line}", file=sys.stderr)
    return int(bool(failures))


def run(
    desk: Desk, tasks: Sequence[Task], jobs: int, on_step: Callable[[], None], failures: list[str]
) -> None:
    """Run the tasks and record each outcome as soon as it is there."""
    from hw5.cli.ablate_jobs import Failed, run_all

    with closing(run_all(tasks, jobs=jobs, on_step=on_step)) as answers:
        for answer in answers:
            if isinstance(answer, Failed):
                failures.append(f"{answer.cells[0].label}: {answer.reason}")
                continue
            for done in answer:
                desk.save(done)


class Desk:
    """The grid's targets, keys and records in one folder.

    Making it checks everything that can be checked before work begins, and writes nothing.
    """

    def __init__(self, grid: Grid, folder: Path, *, device: str = "cpu") -> None:
        """Open the networks and read the pictures; `device` is where cells are run.

        Raises:
            InputError: a folder of something else, an unreadable picture, an unknown network, or
                settings that do not fit it.
        """
        from hw5.cli.ablate_jobs import open_features, open_generator, open_ruler
        from hw5.inversion.ablation import check_cell

        check_folder(folder)
        self.grid, self.folder, self.device = grid, folder, device
        cells = cells_of(grid)
        self.features = open_features(grid.features)
        networks = {name: open_generator(name) for name in {cell.generator for cell in cells}}
        for cell in cells:
            check_cell(cell, networks[cell.generator], self.features)
        self.ruler = open_ruler().name
        main = networks[grid.generator]
        self.targets = {
            (name, picture): target_of(picture, main, network.image_size, grid.seed)
            for name, network in networks.items()
            for picture in grid.pictures
        }
        self.digests = self._digests(networks)
        self.keys = {cell: key_of(cell, self._digests_of(cell)) for cell in cells}

    def tasks(self, cells: Sequence[Cell]) -> list[Task]:
        """Batches of cells with their targets, the longest first so that no process waits."""
        from hw5.cli.ablate_jobs import Task
        from hw5.kit.images import to_uint8

        batches = batches_of(cells, self.grid.batch_size)
        batches.sort(key=lambda batch: -len(batch))
        pixels = {pair: to_uint8(target)[0] for pair, target in self.targets.items()}
        return [
            Task(batch, pixels[batch[0].generator, batch[0].picture], self.device)
            for batch in batches
        ]

    def records(self) -> dict[Cell, Mapping[str, Any]]:
        """The cells of this grid that have been run.

        Raises:
            InputError: a record that is damaged or lacks its picture.
        """
        found = {}
        for cell, key in self.keys.items():
            path = self.folder / CELLS / f"{key}.json"
            if path.exists():
                found[cell] = read_record(path)
        return found

    def save(self, done: Done) -> None:
        """Write a cell's picture, then its record: a record that is there is complete."""
        from hw5.kit import strict_json
        from hw5.kit.files import atomic_write

        path = self.folder / CELLS / f"{self.keys[done.cell]}.png"
        with atomic_write(path) as temporary:
            temporary.write_bytes(done.png)
        record = {**done.facts, "cell": asdict(done.cell), "digests": self._digests_of(done.cell)}
        strict_json.write(path.with_suffix(".json"), {**record, "ruler": self.ruler})

    def save_targets(self) -> None:
        """Write the targets beside the cells."""
        from hw5.kit import images

        for pair, target in self.targets.items():
            images.save(self.folder / self.target_file(pair), target)

    def target_file(self, pair: tuple[str, str]) -> str:
        """Where a target is, relative to the folder; named by what it shows."""
        return f"{CELLS}/target-{self.digests[pair]}.png"

    def show(self) -> str:
        """Write the page and the sheet of what is there; say where."""
        from hw5.cli.ablate_page import Shown, write_page, write_sheet

        shown = {}
        for cell, facts in self.records().items():
            pair = (cell.generator, cell.picture)
            size = self.targets[pair].shape[-1]
            picture = f"{CELLS}/{self.keys[cell]}.png"
            shown[cell] = Shown(cell, facts, picture, self.target_file(pair), size)
        page = write_page(self.folder, self.grid, shown, ruler=self.ruler)
        sheet = write_sheet(self.folder, self.grid, shown)
        return f"{page}" + (f" and {sheet}" if sheet else "")

    def _digests(self, networks: Mapping[str, Generator]) -> dict[object, str]:
        """Digest of each network's weights and of each target's pixels."""
        from hw5.kit.images import to_uint8

        found: dict[object, str] = {name: weights_digest(net) for name, net in networks.items()}
        found["features"] = weights_digest(self.features)
        for pair, target in self.targets.items():
            found[pair] = hashlib.sha256(to_uint8(target).tobytes()).hexdigest()[:16]
        return found

    def _digests_of(self, cell: Cell) -> dict[str, str]:
        """What a cell's settings refer to."""
        return {
            "generator": self.digests[cell.generator],
            "target": self.digests[cell.generator, cell.picture],
            "features": self.digests["features"] if cell.perceptual else "",
            "ruler": self.ruler,
        }


def weights_digest(network: Any) -> str:  # noqa: ANN401
    """16 hex digits of a network's weights and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def target_of(picture: str, generator: Generator, size: int, seed: int) -> Images:
    """A target (1, 3, size, size): the word generated, train, test or chelsea, or a file."""
    import torch

    from hw5 import latents, world
    from hw5.cli import tools
    from hw5.kit import images, seeding
    from hw5.world.dataset import split_factors

    if Path(picture).exists():
        return tools.read_target(picture, size)
    if picture in SPLITS:
        return world.render(split_factors(picture, 1, first=seed), size).image
    if picture == "generated":
        space = generator.spaces[-1]
        code = latents.sample_codes(generator, space, 1, rng=seeding.make(seed))
        with torch.no_grad():
            made = latents.render(generator, code, space).clamp(-1, 1)
        return images.resize(made, size)
    return tools.read_target(picture, size)


def check_folder(folder: Path) -> None:
    """Require a folder that is new, empty, or of an earlier ablation.

    Raises:
        InputError: a file, or other files in it.
    """
    from hw5.kit.checks import InputError
    from hw5.kit.files import refuse_existing

    if folder.is_dir() and any(folder.iterdir()) and not (folder / CELLS).is_dir():
        hint = "choose a new folder, or that of an earlier ablation to go on"
        raise InputError.about(str(folder), expected="an ablation", got="other files", hint=hint)
    refuse_existing(folder, overwrite=True)


def read_record(path: Path) -> Mapping[str, Any]:
    """A cell's record.

    Raises:
        InputError: damaged, or its picture is missing; both can be deleted and run again.
    """
    from hw5.kit import strict_json
    from hw5.kit.checks import InputError

    record = strict_json.read(path, expected="a cell's record")
    whole = isinstance(record, dict) and all(name in record for name in FACTS)
    if not whole or not path.with_suffix(".png").is_file():
        hint = "delete it, and the cell is run again"
        raise InputError.about(str(path), expected="a cell with its picture", got="less", hint=hint)
    return record
