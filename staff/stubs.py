"""A solved file as students receive it: every solution gives way to one line.

Offers `cut`, `regions` and `Region`. The line, and the only form of an unwritten task, is

    raise NotImplementedError("task 1.2: pixel_loss")

It keeps the indentation of the marks, and both marks go. hw5/checking/tasks.py recognises it by its
first words. Read next: mutants.py, which changes solutions instead of cutting them.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

MARKED = re.compile(
    r"^(?P<indent> *)# BEGIN SOLUTION task_(?P<part>\d+)_(?P<number>\d+)\n"
    r"(?P<body>.*?)^(?P=indent)# END SOLUTION$",
    re.DOTALL | re.MULTILINE,
)


class MarksError(ValueError):
    """The marks around solutions cannot be understood; the message says where."""


@dataclass(frozen=True)
class Region:
    """A marked solution."""

    task: str  # "1.2"
    function: str  # "pixel_loss", or "Criterion" for a method of its
    indent: str  # spaces before the marks
    body: str  # the lines between the marks, each with its line break
    start: int  # where the marks begin and end in the text
    end: int


def regions(text: str) -> list[Region]:
    """Every marked solution of a file, in order.

    Raises:
        MarksError: a mark without its partner, or outside any function.
    """
    found = [
        Region(
            task=f"{match['part']}.{match['number']}",
            function=owner(text, match.start()),
            indent=match["indent"],
            body=match["body"],
            start=match.start(),
            end=match.end(),
        )
        for match in MARKED.finditer(text)
    ]
    for mark in ("BEGIN SOLUTION", "END SOLUTION"):
        if text.count(mark) != len(found):
            raise MarksError(f"{text.count(mark)} times '{mark}', but {len(found)} whole regions")
    return found


def cut(text: str) -> str:
    """The text of a solved file with stubs in place of solutions.

    Raises:
        MarksError: a mark without its partner, or outside any function.
    """
    for region in reversed(regions(text)):
        stub = f'raise NotImplementedError("task {region.task}: {region.function}")'
        text = text[: region.start] + region.indent + stub + text[region.end :]
    return text


def owner(text: str, position: int) -> str:
    """Name of the outermost function around a position; of its class, for a method.

    Raises:
        MarksError: there is none.
    """
    line = text.count("\n", 0, position) + 1
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno < line:
            if line <= node.end_lineno + 1:
                return node.name
    raise MarksError(f"line {line}: a solution outside any function")
