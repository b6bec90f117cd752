"""Does anything of the instructors' reach the student? Lines of solutions, names of hidden tests.

Offers `Needle`, `needles` and `leaks_in`. A needle is found however it is spaced, quoted, wrapped
or packed, since needle and hay lose spaces, quotes and backslashes first. A line such as `return x`
says nothing: single lines count from 21 characters on (`with torch.no_grad():` has 20), shorter
ones together with the line that follows. Where the given code rightly holds such a line, REPEATED
admits it for that file and says why. Read next: layers.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from staff.grading.cases import all_cases
from staff.release.files import Decision
from staff.release.layers import Layer
from staff.stubs import Region, regions

TELLING = 21  # characters without spaces: a line that says how a task is solved
PAIR = 28  # the same for two lines that follow each other
NAME = 16  # characters of a test's name: shorter ones are common words
_WORD = re.compile(rb"\w")
_IGNORED = bytes.maketrans(b"", b""), b" \t\r\n\f\\\"'"

# a line of a solution -> files whose given code holds it too, and why that tells nothing
REPEATED: dict[str, tuple[str, ...]] = {
    # every loop with a torch optimiser begins so, and the check's hint says it
    "optimiser.zero_grad()": (
        "hw5/bench/projection.py", "hw5/checking/projector.py", "hw5/inversion/descent.py",
        "hw5/inversion/tuning.py",
    ),
    # the task's own text asks for this line
    "search.report(rate, on_step)": ("hw5/projector.py", "hw5/checking/search.py"),
    # the words of a reason that another loop gives too
    'if should_stop(): return "cancelled"': ("hw5/inversion/tuning.py",),
    # given methods ask the same question, and do something else then
    "if weights.perceptual:": ("hw5/inversion/gauss_newton.py",),
    'if "w" not in generator.spaces:': ("hw5/train/adversarial.py",),
    # the last line of task 1.9, and the whole of a loss that only sums up
    "return Loss(total=sum(terms.values()), terms=terms)": ("hw5/inversion/ablation.py",),
    # a widget's codes have to fit the network just as task 2.5's
    "codes = broadcast_layers(codes, generator.num_layers)": ("hw5/ui/codes.py",),
}  # fmt: skip


# tests of ours whose names students' tests of other things have as well
COMMON_NAMES = {
    "test_a_space_that_the_generator_lacks_is_refused", "test_bad_input_gets_one_clear_line",
    "test_pictures_do_not_influence_each_other", "test_a_truncated_file_is_refused",
}  # fmt: skip


@dataclass(frozen=True)
class Needle:
    """A text that no student may receive."""

    text: bytes  # without what `bare` drops
    what: str  # for the message
    admitted: frozenset[str] = frozenset()  # files that hold it and may
    is_name: bool = False  # then a longer name is another one

    def is_in(self, hay: bytes) -> bool:
        """Does it stand in a text that has been laid bare?"""
        begin = hay.find(self.text)
        while begin >= 0 and self.is_name and _WORD.match(hay, begin + len(self.text)):
            begin = hay.find(self.text, begin + 1)
        return begin >= 0


def needles(root: Path, decision: Decision) -> list[Needle]:
    """Every telling line of every solution in `root`, and the names of tests that stay here."""
    found: dict[bytes, Needle] = {}
    for name in decision.released:
        if name.startswith("hw5/") and name.endswith(".py"):
            for region in regions((root / name).read_text(encoding="utf-8")):
                for needle in of_solution(region):
                    found.setdefault(needle.text, needle)
    for name in hidden_names(root, decision):
        text = name.encode()
        found.setdefault(text, Needle(text, f"the hidden test {name}", is_name=True))
    return list(found.values())


def of_solution(region: Region) -> Iterator[Needle]:
    """The lines of one solution that say how it is done, alone or with the next."""
    lines = [code for line in region.body.splitlines() if (code := without_comment(line))]
    pairs = [f"{first} {second}" for first, second in pairwise(lines)]
    admitted = {bare(line.encode()): frozenset(files) for line, files in REPEATED.items()}
    for least, texts in ((TELLING, lines), (PAIR, pairs)):
        for text in texts:
            telling = bare(text.encode())
            if len(telling) >= least:
                what = f"{text!r} of task {region.task}"
                yield Needle(telling, what, admitted.get(telling, frozenset()))


def without_comment(line: str) -> str:
    """A line of code alone; comments stand two spaces off (ruff sees to that)."""
    code = line.split("  #")[0].strip()
    return "" if code.startswith("#") else code


def hidden_names(root: Path, decision: Decision) -> set[str]:
    """Tests in files that are left out, and hidden cases without a public check of their name."""
    hidden = _names(r"test_\w+", root, decision.left_out) - COMMON_NAMES
    checks = [name for name in decision.released if name.startswith("hw5/checking/")]
    hidden |= {case.name for case in all_cases() if case.hidden} - _names(r"\w+", root, checks)
    return {name for name in hidden if len(name) >= NAME}


def _names(pattern: str, root: Path, files: Iterable[str]) -> set[str]:
    """Names of functions that fit a pattern."""
    texts = [(root / name).read_text(encoding="utf-8") for name in files if name.endswith(".py")]
    defined = re.compile(rf"^\s*def ({pattern})\(", re.MULTILINE)
    return {name for text in texts for name in defined.findall(text)}


def bare(data: bytes) -> bytes:
    """Without spaces, quotes and backslashes: what is left whoever formatted it."""
    return data.translate(*_IGNORED)


def leaks_in(name: str, layers: Iterable[Layer], wanted: Iterable[Needle]) -> Iterator[str]:
    """A line for each needle in each layer of the file called `name`."""
    wanted = [needle for needle in wanted if name not in needle.admitted]
    told: set[str] = set()
    for where, data in layers:
        hay = bare(data)
        for needle in wanted:
            if needle.what not in told and needle.is_in(hay):
                told.add(needle.what)
                yield f"{where}: holds {needle.what}"
