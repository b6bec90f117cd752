"""Build the student release: folder, zip, digests, and nothing at all while a gate complains.

Offers `build` and `ReleaseReport`. Read next: files.py, tree.py, gates.py.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from staff.release.files import ROOT, ReleaseError
from staff.release.gates import GATES, Release, faults_of
from staff.release.pack import files_in, make_repository, write_digests, write_zip
from staff.release.tree import write_tree

NAME = "hw5"  # of the folder that students unpack
DIGESTS = "SHA256SUMS"
Gate = Callable[[Release], list[str]]


@dataclass(frozen=True)
class ReleaseReport:
    """What was built."""

    folder: Path
    archive: Path
    digests: Path
    num_files: int
    num_bytes: int  # of the folder
    commit: str  # of the repository it was made from; "" where it had changes or no commit
    seconds: float


def build(
    out: Path,
    root: Path = ROOT,
    *,
    overwrite: bool = False,
    repository: bool = False,
    gates: tuple[Gate, ...] = GATES,
) -> ReleaseReport:
    """Write OUT/hw5 (the folder), OUT/hw5.zip and OUT/SHA256SUMS.

    Args:
        out: a folder that does not exist, or is empty.
        root: the solved repository.
        overwrite: replace what is there.
        repository: make the folder a git repository of one commit.
        gates: what to refuse the release for.

    Raises:
        ReleaseError: a gate complains; nothing is written, and `faults` says it all.
        InputError: `out` cannot be written.
    """
    from hw5.kit.files import atomic_folder  # here: it brings torch along

    began = time.perf_counter()
    with atomic_folder(out, overwrite=overwrite) as temporary:
        tree = temporary / NAME
        decision = write_tree(tree, root)
        if repository:
            make_repository(tree)
        if faults := faults_of(Release(tree, root, decision), gates):
            raise ReleaseError(*faults)
        archive, files = tree.with_suffix(".zip"), files_in(tree)
        write_zip(tree, archive)
        write_digests(temporary, [*files, archive], temporary / DIGESTS)
        num_bytes = sum(path.stat().st_size for path in files)
    return ReleaseReport(
        folder=out / NAME,
        archive=out / f"{NAME}.zip",
        digests=out / DIGESTS,
        num_files=len(decision.released),
        num_bytes=num_bytes,
        commit=clean_commit(root),
        seconds=time.perf_counter() - began,
    )


def clean_commit(root: Path) -> str:
    """The commit that `root` is at; "" where tracked files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return "" if changed else git("rev-parse", "HEAD")
