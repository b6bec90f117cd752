"""Reads a rubric's TOML file, and says in one line what is wrong with it, and on which line.

Offers `load` and `RubricError`. tomllib knows no lines once it has read a file, so the place of a
table or key is looked up in the text when there is something to say. Read next: rubric_shapes.py.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from staff.rubric_shapes import CaseRule, Late, Manual, Part, Rubric

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).resolve().parent / "rubrics"
HEADER = re.compile(r"^\s*\[(?P<many>\[?)\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(#.*)?$")
TOLERANCES = ("relative", "absolute", "relative_float32", "absolute_float32")
KEYS = {
    "": {"name", "title", "late", "tolerance", "curve", "part", "case"},
    "late": {"free_days", "percent_a_day"},
    "tolerance": set(TOLERANCES),
    "curve": {"full", "zero"},
    "part": {"name", "title", "points", "tasks", "notebooks", "manual", "is_extra"},
    "manual": {"name", "title", "points"},
    "case": {field.name for field in fields(CaseRule)},
}
OPTIONAL = {
    "": {"case"},
    "tolerance": KEYS["tolerance"],
    "part": {"tasks", "notebooks", "manual", "is_extra"},
    "case": KEYS["case"],
}


class RubricError(ValueError):
    """A rubric that cannot be meant; names file and line."""


def load(
    name_or_path: str | Path, *, tasks: Collection[str] = (), cases: Collection[str] = ()
) -> Rubric:
    """A rubric by its name in staff/rubrics, or by its path.

    Args:
        name_or_path: "spring2025", or a path that ends in .toml.
        tasks: the tasks that there are; the assignment's if empty.
        cases: the cases that there are, as "1.2 l1"; the grader's if empty.

    Raises:
        RubricError: there is none, or it is not valid.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise RubricError(
            f"rubric: expected a path that ends in .toml or one of {known}, got {name_or_path}"
        ) from error
    if not tasks or not cases:
        from staff.grading.cases import all_cases

        tasks = tasks or {case.task for case in all_cases()}
        cases = cases or {case.key for case in all_cases()}
    return _Reading(path.name, text).rubric(tasks, cases)


class _Reading:
    """One file while it is read."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def refuse(self, place: str, key: str, problem: str) -> RubricError:
        """The error for a key of a table; for the table itself where it has no such key."""
        return RubricError(f"{self.name} line {line_of(self.text, place, key)}: {problem}")

    def rubric(self, tasks: Collection[str], cases: Collection[str]) -> Rubric:
        """The whole file."""
        try:
            data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise RubricError(f"{self.name}: {error}") from error
        self.known("", data, "")
        late = self.known("late", data["late"], "late")
        curve = self.numbers("curve", self.known("curve", data["curve"], "curve"))
        if curve["full"] >= curve["zero"]:
            raise self.refuse("curve", "zero", f"zero: expected more than full, {curve['full']:g}")
        parts = tuple(self.part(f"part[{i}]", part) for i, part in enumerate(data["part"]))
        self.once(parts, tasks)
        return Rubric(
            name=self.word("", data, "name"),
            title=self.word("", data, "title"),
            parts=parts,
            late=Late(**self.numbers("late", late)),
            tolerance=self.numbers(
                "tolerance", self.known("tolerance", data["tolerance"], "tolerance")
            ),
            curve=curve,
            rules=self.rules(data.get("case", {}), cases),
            text=self.text,
        )

    def part(self, place: str, data: Mapping[str, Any]) -> Part:
        """One part, whose items sum to its points."""
        self.known("part", data, place)
        manual = []
        for i, column in enumerate(data.get("manual", ())):
            at = f"{place}.manual[{i}]"
            self.known("manual", column, at)
            words = {key: self.word(at, column, key) for key in ("name", "title")}
            manual.append(Manual(**words, points=self.number(at, column, "points")))
        tasks = self.numbers(f"{place}.tasks", data.get("tasks", {}))
        notebooks = self.numbers(f"{place}.notebooks", data.get("notebooks", {}))
        points, is_extra = self.number(place, data, "points"), data.get("is_extra", False)
        listed = sum(tasks.values()) + sum(notebooks.values()) + sum(m.points for m in manual)
        if (listed < points) if is_extra else abs(listed - points) > 1e-9:
            least = "at least " if is_extra else ""
            raise self.refuse(
                place, "points", f"points: tasks, notebooks and manual columns sum to {listed:g},"
                f" expected {least}{points:g}",
            )  # fmt: skip
        return Part(
            self.word(place, data, "name"), self.word(place, data, "title"), points,
            tasks, notebooks, tuple(manual), bool(is_extra),
        )  # fmt: skip

    def once(self, parts: tuple[Part, ...], tasks: Collection[str]) -> None:
        """Require that every task is known, and that nothing counts twice."""
        seen: dict[str, str] = {}
        for i, part in enumerate(parts):
            items = [(f"part[{i}].tasks", task) for task in part.tasks]
            items += [(f"part[{i}].notebooks", name) for name in part.notebooks]
            items += [(f"part[{i}].manual[{j}]", m.name) for j, m in enumerate(part.manual)]
            for place, name in [(f"part[{i}]", part.name), *items]:
                if place.endswith(".tasks") and name not in tasks:
                    raise self.refuse(place, name, f"{name}: no such task in the assignment")
                if name in seen:
                    raise self.refuse(place, name, f"{name}: counted twice, first in {seen[name]}")
                seen[name] = part.name

    def rules(
        self, data: Mapping[str, Mapping[str, Any]], cases: Collection[str]
    ) -> dict[str, CaseRule]:
        """What is said about single cases."""
        found = {}
        for key, rule in data.items():
            place = f'case."{key}"'
            if key not in cases:
                raise self.refuse(
                    place, "", f"{key}: no such case; see `python -m staff cases --list`"
                )
            self.known("case", rule, place)
            for name in ("relative", "absolute", "full", "zero"):
                if name in rule:
                    self.number(place, rule, name)
            if "hint" in rule:
                self.word(place, rule, "hint")
            if not isinstance(rule.get("hidden", False), bool):
                raise self.refuse(place, "hidden", "hidden: expected true or false")
            found[key] = CaseRule(**rule)
        return found

    def known(self, kind: str, data: Any, place: str) -> Mapping[str, Any]:  # noqa: ANN401
        """Require exactly the keys of this kind of table."""
        if not isinstance(data, Mapping):
            raise self.refuse(place, "", f"{kind}: expected a table")
        odd = [key for key in data if key not in KEYS[kind]]
        if odd:
            expected = ", ".join(sorted(KEYS[kind]))
            raise self.refuse(place, odd[0], f"{odd[0]}: expected one of {expected}")
        missing = sorted(KEYS[kind] - OPTIONAL.get(kind, set()) - set(data))
        if missing:
            raise self.refuse(place, "", f"{missing[0]} is missing from {place or 'the rubric'}")
        return data

    def word(self, place: str, data: Mapping[str, Any], key: str) -> str:
        """A text that is not empty."""
        value = data[key]
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(place, key, f"{key}: expected a text, got {value!r}")
        return value

    def number(self, place: str, data: Mapping[str, Any], key: str) -> float:
        """A number of at least 0."""
        value = data[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise self.refuse(place, key, f"{key}: expected a number of at least 0, got {value!r}")
        return value

    def numbers(self, place: str, data: Mapping[str, Any]) -> dict[str, float]:
        """A table of such numbers."""
        return {key: self.number(place, data, key) for key in data}


def line_of(text: str, place: str, key: str = "") -> int:
    """The line, from 1, of a table or of a key in it.

    Args:
        text: of the file.
        place: "late", "part[1]", "part[1].manual[0]", "part[1].tasks"; "" before the first table.
        key: of that table; "" or a key that it has not gives the line of its header.
    """
    counts: dict[str, int] = {}
    here, header = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        found = HEADER.match(line)
        if found:
            here = _place(found["name"], bool(found["many"]), counts)
            header = number if here == place else header
        elif here == place and key and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return header


def _place(name: str, is_many: bool, counts: dict[str, int]) -> str:
    """The place that a header begins; counts the tables of each list."""
    first, _, rest = name.partition(".")
    if first != "part":
        return name
    if not rest:
        counts["part"] = counts.get("part", -1) + 1
        return f"part[{counts['part']}]"
    inside = f"part[{counts['part']}].{rest}"
    if not is_many:
        return inside
    counts[inside] = counts.get(inside, -1) + 1
    return f"{inside}[{counts[inside]}]"
