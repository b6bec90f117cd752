"""The hand-in: code and page as the course names them, refused while something is missing.

Offers `pack`. The course wants two packages: ANDREWID_code_projX.zip with a main.py that runs
everything and a README, and the folder projX with index.html and relative links only.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hw5.kit import files
from hw5.kit.checks import InputError, check_number
from report.build import set_page
from report.parts import Gap

ROOT = Path(__file__).resolve().parents[1]
STUDENT_FILES = ("losses", "latents", "projector", "interpolate", "draw")  # of hw5/
# What the code package holds: folders with the kinds of files in them, and files of the root. The
# weights stay out: 32 MB that every copy of the assignment has.
FOLDERS = ("hw5", "report", "notebooks", "data/sketches")
KINDS = (".py", ".js", ".css", ".html", ".md", ".json", ".ipynb", ".png", ".jpg")
FILES = ("README.md", "LICENSE", "Makefile", "pyproject.toml", "requirements.txt",
         "requirements.lock", "data/MANIFEST.toml")  # fmt: skip
NOT_CODE = ("report/index.html", "report/media")  # what the report command writes
MAX_CODE = 100 * 1024 * 1024  # bytes that Gradescope takes in one upload (its help pages)
DATE = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive
MAIN = '''"""Run everything: python main.py, with data/weights of the assignment beside it."""

import sys

from hw5.__main__ import main

sys.exit(main(["report", *sys.argv[1:]]))
'''


@dataclass(frozen=True)
class Packed:
    """What was written, and what it lacks."""

    paths: tuple[Path, ...]
    gaps: tuple[Gap, ...]


def pack(
    andrew_id: str,
    *,
    project: int,
    runs: Path,
    out: Path,
    allow_gaps: bool = False,
    root: Path = ROOT,
) -> Packed:
    """Set the page, check it, and write both packages into `out`.

    Args:
        andrew_id: begins the archives' names.
        project: X of projX.
        runs: folder of all runs.
        out: new, empty, or of an earlier hand-in.
        allow_gaps: pack although something is missing.
        root: the folder that holds hw5/ and report/.

    Raises:
        InputError: an id that is none, something missing, or a place that cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{1,15}", andrew_id):
        hint = "the part before @andrew.cmu.edu"
        raise InputError.about("andrew_id", expected="letters and digits", got=andrew_id, hint=hint)
    check_number("--project", project, low=1, high=99, whole=True)
    code, folder = f"{andrew_id}_code_proj{project}.zip", f"proj{project}"
    refuse_others(out)
    with files.atomic_folder(out, overwrite=True) as temporary:
        built = set_page(temporary / folder, runs, words=root / "report")
        gaps = (*unwritten_tasks(root), *built.gaps)
        if gaps and not allow_gaps:
            raise refusal(gaps)
        write_zip(temporary / code, {**code_files(root), "main.py": MAIN.encode()})
        page = {
            p.relative_to(temporary).as_posix(): p.read_bytes() for p in tree(temporary / folder)
        }
        write_zip(temporary / f"{andrew_id}_page_proj{project}.zip", page)
        names = sorted(path.name for path in temporary.iterdir())
    return Packed(tuple(out / name for name in names), gaps)


def refuse_others(out: Path) -> None:
    """Require that `out` is new, empty, or holds an earlier hand-in.

    Raises:
        InputError: other files, which must not be lost.
    """
    if out.is_dir() and any(out.iterdir()) and not any(out.glob("*_code_proj*.zip")):
        hint = "choose another folder with --out"
        raise InputError.about(
            str(out), expected="an earlier hand-in", got="other files", hint=hint
        )
    files.refuse_existing(out, overwrite=True)


def refusal(gaps: tuple[Gap, ...]) -> InputError:
    """One line that names what is missing."""
    first = "; ".join(gap.what for gap in gaps[:3]) + ("; ..." if len(gaps) > 3 else "")
    hint = "make them, as the page says at its end, or add --incomplete"
    return InputError.about(
        "handin", expected="a complete report", got=f"{len(gaps)} gaps: {first}", hint=hint
    )


def unwritten_tasks(root: Path) -> Iterator[Gap]:
    """Tasks of the student's files that still raise NotImplementedError."""
    for name in STUDENT_FILES:
        text = (root / "hw5" / f"{name}.py").read_text("utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(r"\s*raise NotImplementedError", line):
                yield Gap(f"a task of hw5/{name}.py, line {number}", "write it")


def code_files(root: Path) -> dict[str, bytes]:
    """The code package: place in the archive to contents.

    Raises:
        InputError: more than an upload may hold.
    """
    paths = [root / name for name in FILES if (root / name).is_file()]
    paths += [path for name in FOLDERS for path in tree(root / name) if path.suffix in KINDS]
    found = {path.relative_to(root).as_posix(): path for path in paths}
    kept = {name: path for name, path in found.items() if not name.startswith(NOT_CODE)}
    if (size := sum(path.stat().st_size for path in kept.values())) > MAX_CODE:
        hint = "take large pictures out of report/text and notebooks"
        raise InputError.about(
            "the code package", expected="at most 100 MB", got=f"{size / 1e6:.0f} MB", hint=hint
        )
    return {name: path.read_bytes() for name, path in kept.items()}


def tree(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, hidden ones and caches left out."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not any(p.startswith((".", "__pycache__")) for p in inside):
            yield path


def write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write an archive whose bytes depend on `contents` alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
