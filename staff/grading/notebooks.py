"""The instructor's notebooks, run with a student's functions: evidence, feedback, a few points.

Offers `prepare` (once per batch), `grade_notebooks` and `Sheet`. A student's own notebook proves
nothing, for its reference is itself. So ours runs in a jail, without its outputs, against the
student's package; what it shows comes back as words and plain pixels and is compared here by the
rules of hw5.testing. Cells that stubs pass as well earn nothing. A student's code runs in the
kernel that makes the outputs and could forge them: that is why this is worth few points, and the
cases of grade.py most. Read next: notebook_worker.py, notebook_compare.py.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from staff.grading import tree as trees
from staff.grading.exchange import FrameError, Reader
from staff.grading.graded import NotebookResult
from staff.grading.notebook_compare import Judged, Shown, compared_cells, judge, parse
from staff.grading.notebook_worker import CELL, READY, STOPPED
from staff.release.files import ROOT
from staff.release.tree import cleared
from staff.sandbox import Jail, Limits, Mount, StaffError
from staff.sandbox.environment import HOME

KIT, TREE = "/grading/kit", "/grading/tree"  # where the jail sees them
MAX_FRAME = 64 * 2**20  # bytes of one cell's answer; our largest sheet has 3 MiB of pixels
MAX_PICTURES = 6  # of one notebook that the feedback shows
# Of one core 25 s and 1.0 GB for 01, 33 s and 1.1 GB for 03 (measured); a busy box takes longer.
LIMITS = Limits(
    wall_s=900, cpu_s=900, memory_mb=3000, processes=128, files_mb=256, reply_mb=256, open_files=512
)
ENVIRONMENT = {"HW5_RUNS": f"{HOME}/runs", "MPLCONFIGDIR": f"{HOME}/matplotlib"}
OURS = ("hw5/__init__.py", "hw5/testing/__init__.py", "hw5/testing/outputs.py",
        "hw5/testing/pictures.py", "staff/__init__.py", "staff/grading/__init__.py",
        "staff/grading/exchange.py", "staff/grading/notebook_kernel.py",
        "staff/grading/notebook_worker.py")  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A notebook to grade with: which of its cells count."""

    notebook: str  # "02_inversion"
    cells: tuple[str, ...]  # ids of cells that are compared and that stubs do not pass


def prepare(names: Sequence[str], jail: Jail, *, root: Path = ROOT) -> tuple[Sheet, ...]:
    """Run the notebooks with stubs, to learn which cells say something about a student.

    And with the solved functions, as a canary: a machine on which those lose points, because it is
    too busy or draws other pictures, must not judge a student's.

    Raises:
        StaffError: a notebook is not there, does not start, or the solved functions lose points.
    """
    return tuple(prepared(name, jail, root) for name in names)


def prepared(name: str, jail: Jail, root: Path) -> Sheet:
    """One notebook's sheet; both of its runs go on at the same time."""
    book = reference(name, root)
    with ThreadPoolExecutor(2) as pool:
        stubs = pool.submit(run, name, {}, jail, root)
        solved = run(name, trees.solutions(root), jail, root)
    cells = compared_cells(book)
    lost = [found for found in (judge(cell, solved) for cell in cells) if found.faults]
    if lost:
        first = f"{lost[0].cell}: {lost[0].faults[0]}"
        raise StaffError(
            f"{name}: expected the solved functions to pass every cell, got {len(lost)} that fail, "
            f"first {first}; is the machine busy, or its torch another one?"
        )
    judged = [judge(cell, stubs.result()) for cell in cells]
    return Sheet(name, tuple(found.cell for found in judged if found.faults))


def grade_notebooks(
    files: Mapping[str, bytes],
    sheets: Sequence[Sheet],
    points: Mapping[str, float],
    jail: Jail,
    *,
    pictures: Path,
    root: Path = ROOT,
) -> tuple[NotebookResult, ...]:
    """Every notebook's result with a student's functions.

    Args:
        files: the student's files by name, as `tree.overlay` gives them.
        sheets: what `prepare` made.
        points: notebook -> points to be had.
        jail: where the notebooks run.
        pictures: folder for the pictures that differ, made when there is one.
        root: the solved repository.

    Raises:
        StaffError: a notebook did not start.
    """
    return tuple(
        grade_one(sheet, run(sheet.notebook, files, jail, root), points[sheet.notebook], pictures,
                  root)
        for sheet in sheets
    )  # fmt: skip


def grade_one(
    sheet: Sheet, shown: Mapping[str, Shown], possible: float, pictures: Path, root: Path = ROOT
) -> NotebookResult:
    """One notebook's result from what its cells showed."""
    cells = {cell.id: cell for cell in compared_cells(reference(sheet.notebook, root))}
    judged = [judge(cells[name], shown) for name in sheet.cells]
    failed = [found for found in judged if found.faults]
    right = 1 - len(failed) / len(judged) if judged else 0.0
    return NotebookResult(
        notebook=sheet.notebook,
        points=round(possible * right, 2),
        possible=possible,
        cells=len(judged),
        failed=tuple(f"{found.cell}: {found.faults[0]}" for found in failed),
        pictures=keep_pictures(sheet.notebook, failed, pictures),
    )


def keep_pictures(
    notebook: str, failed: Sequence[Judged], folder: Path
) -> tuple[tuple[str, str, str], ...]:
    """Write the first pictures that differ, theirs and expected, as files of our own making."""
    from PIL import Image

    kept = []
    pairs = [(found, pair) for found in failed for pair in found.pictures]
    for number, (found, (theirs, expected)) in enumerate(pairs[:MAX_PICTURES], 1):
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"{notebook}-{number}-{side}.png" for side in ("yours", "expected")]
        for name, array in zip(names, (theirs, expected), strict=True):
            Image.fromarray(array).save(folder / name)
        kept.append((f"{notebook}, cell {found.cell}", *names))
    return tuple(kept)


def reference(name: str, root: Path) -> NotebookNode:
    """The instructor's notebook, with its outputs.

    Raises:
        StaffError: there is none of this name.
    """
    path = root / "notebooks" / f"{name}.ipynb"
    if not path.is_file():
        raise StaffError(f"notebook: expected one of {root / 'notebooks'}, got {name!r}")
    return nbformat.read(path, as_version=4)


def run(name: str, files: Mapping[str, bytes], jail: Jail, root: Path = ROOT) -> dict[str, Shown]:
    """What each cell of a notebook shows with a student's files, by the cell's id.

    Raises:
        StaffError: the kernel did not start.
    """
    with folders(name, files, root) as (kit, tree):
        worker = f"{KIT}/staff/grading/notebook_worker.py"
        ended = jail.run(
            [sys.executable, "-I", "-B", worker, KIT, TREE, name],
            mounts=[Mount(kit, KIT), Mount(tree, TREE), Mount(root / "data", f"{TREE}/data")],
            limits=LIMITS,
            env=ENVIRONMENT,
        )
    shown: dict[str, Shown] = {}
    started, trouble = False, ended.message
    try:
        for frame in Reader(MAX_FRAME).frames(ended.reply):
            kind = frame.words.get("kind")
            started = started or kind == READY
            if kind == CELL:
                shown[frame.words.get("cell", "")] = parse(frame)
            elif kind == STOPPED:
                shown[frame.words.get("cell", "")] = Shown(trouble=frame.words.get("text", ""))
    except FrameError as error:
        trouble = str(error)
    if not started:
        last = ended.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
        raise StaffError(f"{name}: the kernel did not start: {trouble}: {last[-1]}")
    return shown


@contextmanager
def folders(name: str, files: Mapping[str, bytes], root: Path) -> Iterator[tuple[Path, Path]]:
    """The two folders that the jail sees, gone afterwards."""
    scratch = Path(tempfile.mkdtemp(prefix="hw5-notebook-"))
    try:
        kit, tree = scratch / "kit", scratch / "tree"
        book = cleared((root / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
        ours = {name: (root / name).read_bytes() for name in OURS}
        trees.write(kit, ours | {f"notebooks/{name}.ipynb": book.encode()})
        pages = (p for p in (root / "report").rglob("*") if p.is_file() and "media" not in p.parts)
        given = {p.relative_to(root).as_posix(): p.read_bytes() for p in pages}
        static = {p for p in (root / "hw5" / "ui").iterdir() if p.suffix in (".js", ".css")}
        given |= {p.relative_to(root).as_posix(): p.read_bytes() for p in static}
        trees.write(tree, {**trees.package(root), **given, **files})
        for folder in ("data", "notebooks"):
            (tree / folder).mkdir(exist_ok=True)
            (tree / folder).chmod(0o755)
        scratch.chmod(0o755)
        yield kit, tree
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
