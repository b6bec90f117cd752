"""What a release is refused for. Each gate is a function from a built folder to complaints.

Offers `GATES`, `Release` and `faults_of`; trials.py holds the two gates that run the checks. Read
next: build.py, which asks them all.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from staff.release import leaks, links, marks, trials
from staff.release.files import ADMITTED, Decision
from staff.release.layers import git_objects, layers_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = "data"
COMPILED = re.compile(r"\.(?:pyc|pyo|so|pyd|dll|dylib|pickle|pkl)$|(?:^|/)__pycache__/")
TEXT = {".py", ".md", ".toml", ".txt", ".html", ".css", ".js", ".json", ".ipynb", ".lock", ""}
INSTRUCTORS = re.compile(r"\bstaff\b", re.IGNORECASE)


@dataclass(frozen=True)
class Release:
    """A built folder, and the repository it was made from."""

    tree: Path
    root: Path
    decision: Decision

    @cached_property
    def files(self) -> list[str]:
        """Every file of the folder, relative, without git's own."""
        found = (p.relative_to(self.tree) for p in self.tree.rglob("*") if not p.is_dir())
        return sorted(p.as_posix() for p in found if p.parts[0] != ".git")

    def texts(self) -> Iterator[tuple[str, str]]:
        """Name and words of every text file."""
        for name in self.files:
            if Path(name).suffix in TEXT:
                yield name, (self.tree / name).read_text(encoding="utf-8", errors="replace")


def undecided_files(release: Release) -> list[str]:
    """Files that nobody has admitted, and admitted ones that are not there."""
    listed = {*release.decision.released}
    look = f"look at it, then `python -m staff release --admit` ({ADMITTED.name})"
    faults = [f"{name}: new; {look}" for name in release.decision.undecided]
    faults += [f"{name}: admitted, but no longer tracked; {look}" for name in release.decision.gone]
    strangers = [name for name in release.files if name not in listed]
    return faults + [f"{name}: in the folder, but not of the release" for name in strangers]


def marks_left(release: Release) -> list[str]:
    """Marks that students would see: of solutions, or of lines for one side."""
    return [f"{name}: {line}" for name, text in release.texts() for line in marks.leftovers(text)]


def compiled_files(release: Release) -> list[str]:
    """Compiled or pickled code: it cannot be read, so it is not given out."""
    return [f"{name}: compiled code" for name in release.files if COMPILED.search(name)]


def solution_lines(release: Release) -> list[str]:
    """Lines of solutions and names of hidden tests, in files, in what is packed in them, in git."""
    wanted = leaks.needles(release.root, release.decision)
    known, faults = vouched_for(release.tree), []
    for name in release.files:
        data = (release.tree / name).read_bytes()
        if name not in known:
            faults += leaks.leaks_in(name, layers_of(name, data), wanted)
    released = {leaks.bare((release.tree / name).read_bytes()) for name in release.files}
    for name, data in git_objects(release.tree):
        if leaks.bare(data) not in released:  # searched above, under its own name
            faults += leaks.leaks_in(name, layers_of(name, data), wanted)
    return faults


def vouched_for(tree: Path) -> set[str]:
    """Weights whose digest is the manifest's: numbers alone, so no solution hides there."""
    good = (entry for entry, fault in _weights(tree) if not fault)
    return {f"{DATA}/{entry['file']}" for entry in good}


def words_about_instructors(release: Release) -> list[str]:
    """Texts that speak of the instructors' side or of files that students do not get."""
    faults = [
        f"{name}: line {number} speaks of {found[0]!r}"
        for name, text in release.texts()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := INSTRUCTORS.search(line))
    ]
    folders = {f"{Path(name).parent.as_posix()}/" for name in release.decision.left_out}
    given = {f"{p.as_posix()}/" for name in release.decision.released for p in Path(name).parents}
    absent = sorted({*release.decision.left_out, *folders} - given)
    return faults + [
        f"{name}: speaks of {path}, which students do not get"
        for name, text in release.texts()
        for path in absent
        if path in text and re.search(rf"(?<![\w/.]){re.escape(path)}", text)
    ]


def notebook_outputs(release: Release) -> list[str]:
    """Notebooks that still show something."""
    faults = []
    for name in (name for name in release.files if name.endswith(".ipynb")):
        cells = json.loads((release.tree / name).read_text(encoding="utf-8"))["cells"]
        shown = [c for c in cells if c.get("outputs") or c.get("execution_count") is not None]
        faults += [f"{name}: {len(shown)} cells with outputs"] if shown else []
    return faults


def broken_links(release: Release) -> list[str]:
    """Relative links that lead nowhere."""
    return links.broken_links(release.tree)


def changed_weights(release: Release) -> list[str]:
    """Weights that are not those of the manifest, or are not in it."""
    entries = list(_weights(release.tree))
    faults = [f"{DATA}/{entry['file']}: {fault}" for entry, fault in entries if fault]
    listed = {f"{DATA}/{entry['file']}" for entry, _ in entries}
    weights = [n for n in release.files if n.startswith(f"{DATA}/") and n.endswith(".safetensors")]
    return faults + [f"{n}: not in MANIFEST.toml" for n in weights if n not in listed]


def _weights(tree: Path) -> Iterator[tuple[dict, str]]:
    """Each weight that the manifest says is here, and what is wrong with it, if anything."""
    manifest = tree / DATA / "MANIFEST.toml"
    if not manifest.is_file():
        return
    for entry in tomllib.loads(manifest.read_text(encoding="utf-8"))["weights"]:
        if "file" not in entry:
            continue
        path = tree / DATA / entry["file"]
        if not path.is_file():
            yield entry, "missing"
            continue
        data = path.read_bytes()
        same = hashlib.sha256(data).hexdigest() == entry["sha256"] and len(data) == entry["bytes"]
        yield entry, "" if same else "another digest or size than in MANIFEST.toml"


def checks_that_say_wrong(release: Release) -> list[str]:
    """Stubs that pass a check, and solutions that fail one."""
    return trials.stubs_that_pass(release.tree) + trials.solutions_that_fail(release.root)


GATES: tuple[Callable[[Release], list[str]], ...] = (
    undecided_files, marks_left, compiled_files, solution_lines, words_about_instructors,
    notebook_outputs, broken_links, changed_weights, checks_that_say_wrong,
)  # fmt: skip


def faults_of(
    release: Release, gates: tuple[Callable[[Release], list[str]], ...] = GATES
) -> list[str]:
    """What every gate has to complain about."""
    return [fault for gate in gates for fault in gate(release)]
