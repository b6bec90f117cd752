"""A hostile submission, as a .toml file of this folder.

Offers `Attack`, `load`, `write` and `PLACES`. The keys:

    tries   what it does, one sentence
    must    what happens instead, one sentence
    kind    the heading that it stands under in the table
    code    Python that is put behind the student's hw5/losses.py; hw5/interpolate.py is honest
    solved  is losses.py solved before that? Otherwise its functions are unwritten (default false)
    earns   the share of the points of each file that its honest part deserves, [least, most];
            interpolate.py's is all of them unless another is given
    says    words, one of which the result must have in its notes, messages or reasons
    needs   "torch", if it can be tried in the whole grader alone (default: anywhere)
    zip     the name of a function of archives.py that packs it
    limits  limits that are tighter than usual, so that it is met sooner

In `code`, @SECRET@ is the path of a file outside, @OUTSIDE@ its folder, @PORT@ and @SOCKET@ where
somebody listens outside. Read next: runner.py.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
LOSSES, INTERPOLATE = "hw5/losses.py", "hw5/interpolate.py"
KINDS = ("leave", "forge", "look", "exhaust", "break out", "confuse", "pack")
NOTHING, ALL = (0.0, 0.0), (1.0, 1.0)


@dataclass(frozen=True)
class Attack:
    """See the module's text."""

    name: str
    kind: str
    tries: str
    must: str
    code: str = ""
    solved: bool = False
    earns: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    needs: str = ""
    zip: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)

    def share(self, file: str) -> tuple[float, float]:
        """Least and most of a file's points that are deserved."""
        honest = ALL if file == INTERPOLATE or self.solved else NOTHING
        return tuple(self.earns.get(Path(file).stem, honest))


def load() -> list[Attack]:
    """Every attack, in the order of the table.

    Raises:
        ValueError: a file has an unknown or missing key, or an unknown kind.
    """
    found = [_read(path) for path in sorted(HERE.glob("*.toml"))]
    return sorted(found, key=lambda attack: (KINDS.index(attack.kind), attack.name))


def _read(path: Path) -> Attack:
    entry = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {item.name for item in fields(Attack)} - {"name"}
    if set(entry) - known or not {"kind", "tries", "must"} <= set(entry):
        raise ValueError(f"{path.name}: expected keys among {sorted(known)}, got {sorted(entry)}")
    if entry["kind"] not in KINDS:
        raise ValueError(f"{path.name}: kind: expected one of {KINDS}, got {entry['kind']!r}")
    entry["says"] = tuple(entry.get("says", ()))
    return Attack(path.stem, **entry)


def files_of(
    attack: Attack, solved: Mapping[str, str], stubs: Mapping[str, str], words: Mapping[str, str]
) -> dict[str, bytes]:
    """The students' files of a submission: losses.py hostile, interpolate.py honest.

    Args:
        attack: what is tried.
        solved: both files with solutions.
        stubs: both files without.
        words: what to put for @NAME@.
    """
    code = attack.code
    for name, value in words.items():
        code = code.replace(f"@{name}@", value)
    base = (solved if attack.solved else stubs)[LOSSES]
    texts = {LOSSES: f"{base}\n\n{code}", INTERPOLATE: solved[INTERPOLATE]}
    return {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
