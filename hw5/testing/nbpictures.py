"""A pytest plugin: notebooks are run again and their pictures compared, `pytest --nbpictures`.

Built on nbval, which runs the cells in order and compares text; it skips pictures, trusts cells
that were never run, and waits for dead kernels. Here
- a picture passes when it is near its reference (pictures.py); if not, the two side by side and a
  map of their difference are written into a folder that the message names;
- a notebook without stored outputs is an error, not a success, unless its metadata says {"hw5":
  {"compare": false}}, as a student's copy does: then it has to run through, and that is all;
- a cell has its own time, and a kernel that dies is noticed within a second; what comes after it
  in the notebook counts as skipped.
A cell's metadata may say {"hw5": {"psnr": 30, "ssim": 0.95, "local": 25, "rtol": 0, "timeout":
120}}; rtol is the share by which numbers in its text may differ. Cells with the tag
nbval-ignore-output are run and not compared. pyproject.toml switches the plugin on.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbval.kernel import CURRENT_ENV_KERNEL_NAME
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from hw5.checking.tasks import UNWRITTEN
from hw5.testing.kernel import KernelDied, WatchedKernel
from hw5.testing.outputs import Screen, settle_numbers, take_apart
from hw5.testing.pictures import Tolerance, faults_of, frames_of, write_evidence

FOLDER = "build/nbpictures"


@dataclass(frozen=True)
class CellRules:
    """What a cell's metadata may say."""

    pictures: Tolerance = field(default_factory=Tolerance)
    # share by which numbers in its text may differ from the stored ones
    rtol: float = 0.0
    # seconds; a notebook shall take 90 on two idle cores, and machines are seldom idle (ours)
    timeout: float = 120.0

    @classmethod
    def of(cls, metadata: Mapping[str, Any], name: str) -> CellRules:
        """Read them; `name` says which cell, for the message.

        Raises:
            CollectError: an unknown name, or no positive number.
        """
        said = dict(metadata.get("hw5", {}))
        of_pictures = [rule.name for rule in fields(Tolerance)]
        known = [*of_pictures, "rtol", "timeout"]
        for key, value in said.items():
            if key not in known or isinstance(value, bool) or not isinstance(value, int | float):
                raise pytest.Collector.CollectError(
                    f"{name}: metadata hw5: expected numbers called {', '.join(known)}, "
                    f"got {key}: {value!r}"
                )
        tolerance = Tolerance(**{key: said.pop(key) for key in of_pictures if key in said})
        return cls(tolerance, **said)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our two options."""
    group = parser.getgroup("nbpictures", "notebooks as tests, pictures compared")
    group.addoption(
        "--nbpictures", action="store_true",
        help="run notebooks against their stored outputs, pictures too",
    )  # fmt: skip
    group.addoption(
        "--nbpictures-out", metavar="FOLDER", default=FOLDER,
        help=f"where pictures that fail are shown (default: {FOLDER})",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Keep the cells of a notebook together: they share a kernel, so one worker must run them."""
    if not config.option.nbpictures:
        return
    if config.option.nbval or config.option.nbval_lax:
        raise pytest.UsageError("--nbpictures and --nbval: choose one, or every cell runs twice")
    if getattr(config.option, "dist", "no") in ("load", "worksteal"):
        config.option.dist = "loadfile"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take notebooks, when asked for."""
    if parent.config.option.nbpictures and file_path.suffix == ".ipynb":
        return PictureNotebook.from_parent(parent, path=file_path)
    return None


class PictureNotebook(IPyNbFile):
    """One notebook: its cells, its kernel, and the folder for pictures that fail."""

    lost = ""  # why the cells that are left cannot be run
    screen = Screen("")
    outputs: list[NotebookNode] | None = None  # of the running cell

    @property
    def evidence(self) -> Path:
        """Where this notebook's failures are shown."""
        name = re.sub(r"[^\w.-]+", "-", self.nodeid.removesuffix(".ipynb")).strip("-.")
        return self.config.rootpath / self.config.option.nbpictures_out / name

    def collect(self) -> Iterator[PictureCell]:
        """One item for each code cell.

        Raises:
            CollectError: no notebook, wrong metadata, or no stored outputs to compare with.
        """
        try:
            cells = list(super().collect())
        except (ValueError, KeyError, AttributeError) as error:
            raise self.CollectError(f"{self.path.name}: not a notebook ({error})") from error
        if not self.nb.metadata.get("hw5", {}).get("compare", True):
            for cell in cells:
                cell.options["check"] = False
        blank = [c.cell_num for c in cells if c.options["check"] and never_run(c)]
        if blank:
            raise self.CollectError(
                f"{self.path.name}: nothing to compare with: {len(blank)} of {len(cells)} code "
                f"cells were never run (the first is cell {blank[0]}). Run the notebook from top "
                "to bottom and save it with its outputs."
            )
        for cell in cells:
            yield PictureCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )

    def setup(self) -> None:
        """Start the kernel in the notebook's folder; it finds the modules that the tests find.

        Runs that the notebook keeps go beside the evidence, so that testing replaces nobody's own.
        """
        shutil.rmtree(self.evidence, ignore_errors=True)
        option = self.config.option
        paths = [str(path) for path in self.config.getini("pythonpath")]
        paths += [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
        self.kernel = WatchedKernel(
            option.nbval_kernel_name or CURRENT_ENV_KERNEL_NAME,
            folder=self.path.parent,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "HW5_RUNS": str(self.evidence / "runs"),
            },
            startup_timeout=option.nbval_kernel_startup_timeout,
        )
        self.setup_sanitize_files()

    def get_kernel_message(
        self, timeout: float | None = None, stream: str = "iopub"
    ) -> dict[str, Any]:
        """The next message that is not yet dealt with."""
        while True:
            message = super().get_kernel_message(timeout, stream)
            if self.outputs is None or not self.screen.takes(message, self.outputs):
                return message


class PictureCell(IPyNbCell):
    """One cell: run it in its time, compare text by nbval and pictures by `faults_of`."""

    def __init__(self, name: str, parent: PictureNotebook, **rest: Any) -> None:  # noqa: ANN401
        super().__init__(name, parent, **rest)
        self.rules = CellRules.of(self.cell.metadata, f"{parent.path.name}, cell {self.cell_num}")

    def setup(self) -> None:
        """Skip what follows a cell that took the kernel with it."""
        if self.parent.lost:
            pytest.skip(f"not run: {self.parent.lost}")

    def runtest(self) -> None:
        """Run and compare.

        Raises:
            NbCellError: an exception, another output, no time left, or a dead kernel.
        """
        option, notebook = self.config.option, self.parent
        usual, option.nbval_cell_timeout = option.nbval_cell_timeout, self.rules.timeout
        try:
            super().runtest()
        except KernelDied as death:
            notebook.lost = f"the kernel died in cell {self.cell_num}"
            self.raise_cell_error("The kernel died in this cell. Its last words:", str(death))
        except NbCellError:
            notebook.lost = unwritten_task(notebook.outputs or [])
            raise
        finally:
            option.nbval_cell_timeout = usual
            if notebook.timed_out and not notebook.lost:
                notebook.lost = f"cell {self.cell_num} took longer than {self.rules.timeout:g} s"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
        """Nbval's report, beginning with the reason: the summary shows one line of it."""
        text = super().repr_failure(excinfo)
        return text.partition("\n")[2] if isinstance(excinfo.value, NbCellError) else text

    @property
    def test_outputs(self) -> list[NotebookNode] | None:
        """Outputs of this run; nbval sets them when the kernel has taken the cell."""
        return self.parent.outputs

    @test_outputs.setter
    def test_outputs(self, outputs: list[NotebookNode] | None) -> None:
        """Watch them: the kernel may take them back."""
        self.parent.outputs = outputs
        kernel = self.parent.kernel
        self.parent.screen = Screen(kernel.asked if kernel else "")

    def compare_outputs(
        self,
        test: list[NotebookNode],
        ref: list[NotebookNode],
        skip_compare: tuple[str, ...] | None = None,
    ) -> bool:
        """Text and structure by nbval, pictures by us; reasons go into nbval's report."""
        (fresh, new), (stored, old) = take_apart(test), take_apart(ref)
        settle_numbers(fresh, stored, self.rules.rtol)
        same = super().compare_outputs(fresh, stored, skip_compare)
        faults = self.picture_faults(new, old)
        self.comparison_traceback += faults
        return same and not faults

    def picture_faults(self, fresh: list[bytes], stored: list[bytes]) -> list[str]:
        """Complaints about the pictures, each with the files that show it."""
        if len(fresh) != len(stored):
            return [f"{len(fresh)} pictures shown, {len(stored)} stored"]
        found = []
        for number, (new, old) in enumerate(zip(fresh, stored, strict=True), 1):
            frames, reference = frames_of(new), frames_of(old)
            if faults := faults_of(frames, reference, self.rules.pictures):
                stem = self.parent.evidence / f"cell-{self.cell_num:02d}-picture-{number}"
                middle = min(len(frames), len(reference)) // 2
                paths = write_evidence(stem, frames[middle], reference[middle])
                found.append(f"Picture {number}: {'; '.join(faults)}.")
                found += [f"  look at {path}" for path in paths]
        return found


def unwritten_task(outputs: list[NotebookNode]) -> str:
    """Why nothing after a cell can be run, if it stopped at a task that is still to be written."""
    for output in outputs:
        found = UNWRITTEN.match(output.get("evalue", ""))
        if found and output.get("ename") == "NotImplementedError":
            return f"task {found[1]} is yours to write"
    return ""


def never_run(item: IPyNbCell) -> bool:
    """Has a cell with code in it no stored execution? Then nbval would compare nothing."""
    is_skipped = item.options["skip"] or not item.cell.source.strip()
    return not is_skipped and item.cell.execution_count is None
