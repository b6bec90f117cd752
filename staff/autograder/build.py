"""Build Gradescope's zip: the grader, stubs, and an exam with its answers.

Offers `build_zip` and `masked`. The zip holds no solution: answers are numbers, made here. Read
next: inside.py.
"""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

from staff.release.files import ROOT, tracked
from staff.stubs import regions

HERE = Path(__file__).resolve().parent
TOP = ("setup.sh", "run_autograder")  # where Gradescope looks for them
# What the grader needs beside the package and itself.
ALSO = ("pyproject.toml", "requirements.txt", "requirements.lock", "LICENSE")
# Ours, but of no use to the grader in there.
NOT_NEEDED = ("staff/mutants/", "staff/alternatives/", "staff/attacks/", "staff/release/")
_DAY = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE, _PLAIN = 0o100755 << 16, 0o100644 << 16


def build_zip(out: Path, exam: object, *, pip_flags: str = "", root: Path = ROOT) -> int:
    """Write the autograder's zip and return the number of its files.

    Args:
        out: the file to write.
        exam: what `make_exam` made.
        pip_flags: words for pip in the container, such as where to find torch's CPU build.
        root: the solved repository.

    Raises:
        InputError: the file cannot be written.
    """
    from hw5.kit.files import atomic_write

    files = contents(root) | {
        "exam": pickle.dumps(exam),
        "pip_flags": f"{pip_flags}\n".encode(),
        **{name: (HERE / name).read_bytes() for name in TOP},
    }
    with atomic_write(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _EXECUTABLE if name in TOP else _PLAIN
            archive.writestr(entry, files[name])
    return len(files)


def contents(root: Path = ROOT) -> dict[str, bytes]:
    """The repository's files that the grader needs, solutions masked."""
    wanted = [
        name
        for name in tracked(root)
        if name in ALSO or (name.startswith(("hw5/", "staff/")) and not name.startswith(NOT_NEEDED))
    ]
    return {name: masked(name, (root / name).read_bytes()) for name in wanted}


def masked(name: str, data: bytes) -> bytes:
    """A file whose solutions are stubs, the marks still around them: they say what is handed in."""
    if not (name.startswith("hw5/") and name.endswith(".py")):
        return data
    text = data.decode("utf-8")
    for region in reversed(regions(text)):
        stub = (
            f'{region.indent}raise NotImplementedError("task {region.task}: {region.function}")\n'
        )
        start = text.index(region.body, region.start)
        text = text[:start] + stub + text[start + len(region.body) :]
    return text.encode("utf-8")
