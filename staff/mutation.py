"""Changed solutions: misconceptions for the checks to catch, and other right ways for them to pass.

Offers `Mutant`, `load` and `apply`. A mutant is a few lines of TOML (staff/mutants/, one file per
part; staff/alternatives/ for right ones):

    name     the misconception, in a few words; unique within its part
    task     "1.2": whose solution is changed
    search   what to replace: it stands exactly once in that solution. Without it, all of it
    replace  what to put there; a whole solution is indented like the one it replaces
    hint     words that the first named slip must contain, so that it names this misconception;
             none where the change is right

Read next: trial.py, which runs the checks on each.
"""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from staff.stubs import MarksError, Region, regions

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STAFF = Path(__file__).resolve().parent
KEYS = {"name", "task", "search", "replace", "hint"}


@dataclass(frozen=True)
class Mutant:
    """A change of one solution; see the module's text for the fields."""

    part: str
    name: str
    task: str
    replace: str
    search: str = ""
    hint: tuple[str, ...] = ()


def load(folder: str = "mutants", parts: tuple[str, ...] = ()) -> list[Mutant]:
    """Every mutant of a folder of staff/, or those of some parts.

    Raises:
        ValueError: an unknown part, an unknown or missing key, or a name that is there twice.
    """
    files = {path.stem: path for path in sorted((STAFF / folder).glob("*.toml"))}
    unknown = [part for part in parts if part not in files]
    if unknown:
        raise ValueError(f"part: expected one of {', '.join(files)}, got {unknown[0]}")
    found = []
    for part in parts or files:
        listed = tomllib.loads(files[part].read_text(encoding="utf-8"))["mutant"]
        for entry in listed:
            if set(entry) - KEYS or not {"name", "task", "replace"} <= set(entry):
                raise ValueError(f"{files[part].name}: {entry} has other keys than {sorted(KEYS)}")
            found.append(Mutant(part, **entry | {"hint": tuple(entry.get("hint", ()))}))
        names = [entry["name"] for entry in listed]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{files[part].name}: twice {sorted(twice)}")
    return found


def apply(mutant: Mutant, text: str) -> str:
    """The text of a solved file with one solution changed.

    Raises:
        MarksError: the file has no such task, or the search text is not there exactly once.
    """
    region = next((r for r in regions(text) if r.task == mutant.task), None)
    if region is None:
        raise MarksError(f"{mutant.name}: no solution of task {mutant.task}")
    body = changed_body(mutant, region)
    start = text.index(region.body, region.start)
    return text[:start] + body + text[start + len(region.body) :]


def changed_body(mutant: Mutant, region: Region) -> str:
    """The solution as the mutant has it."""
    if not mutant.search:
        return textwrap.indent(mutant.replace.strip("\n") + "\n", region.indent)
    times = region.body.count(mutant.search)
    if times != 1:
        raise MarksError(f"{mutant.name}: {mutant.search!r} is there {times} times, not once")
    return region.body.replace(mutant.search, mutant.replace)


def files_of_tasks(package: Path) -> dict[str, Path]:
    """Task -> the file of a package that holds its solution."""
    return {
        region.task: path
        for path in sorted(package.rglob("*.py"))
        for region in regions(path.read_text(encoding="utf-8"))
    }
