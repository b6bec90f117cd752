"""The one table of networks: data/MANIFEST.toml, read and written.

Offers `Entry`, `entries`, `names`, `describe` and `register`. Where the files lie is for places.py
to say; saved.py and published.py make networks of them.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from hw5.kit.checks import InputError, check_choice
from hw5.kit.files import atomic_write, read_bytes

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # the one package that training needs beside the four of hw5/train

DATA = Path(__file__).resolve().parents[2] / "data"
MANIFEST = "MANIFEST.toml"


@dataclass(frozen=True)
class Entry:
    """One network as the manifest lists it: bundled (`file`), inside a Python package, or neither.

    What has to be brought here has a `filename`, and a `url`, or a `page` where a person gets it.
    """

    name: str
    kind: str  # what reads it: a key of saved.BUILDERS, published.PACKAGED or published.READERS
    what: str  # one sentence for people
    licence: str
    origin: str  # the command that made it, or where it comes from
    file: str = ""  # relative to the data folder; empty: not bundled
    filename: str = ""  # of a published file, wherever it lies
    url: str = ""  # its address
    page: str = ""  # where a person gets it, if no program can
    sha256: str = ""  # empty for a published file: recorded at first use (trust.py)
    bytes: int = 0  # 0: not known beforehand
    instead: str = ""  # the network that is used as long as this one is not here

    @property
    def published(self) -> bool:
        """Is it a file of others that has to be brought to this machine?"""
        return bool(self.filename)


def entries(data: Path = DATA) -> dict[str, Entry]:
    """Everything that the manifest in `data` lists, by name and in its order.

    Raises:
        InputError: No manifest, or a damaged one.
    """
    path = data / MANIFEST
    try:
        listed = tomllib.loads(read_bytes(path, expected="a manifest").decode())
        return {item["name"]: Entry(**item) for item in listed.get("weights", [])}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise InputError(f"{path}: not a manifest of weights: {error}") from error


def names(*, data: Path = DATA) -> tuple[str, ...]:
    """Names that `zoo.load` knows, in the order of the manifest."""
    return tuple(entries(data))


def describe(name: str, *, data: Path = DATA) -> Entry:
    """What the manifest says about `name`.

    Raises:
        InputError: No such name; the message lists the known ones.
    """
    known = entries(data)
    check_choice("weights", name, tuple(known))
    return known[name]


def check_name(what: str, name: str, kinds: tuple[str, ...], *, data: Path = DATA) -> None:
    """Require the name of a network of one of these kinds.

    Raises:
        InputError: another; the message lists the names that would do, or says that a file of
            another kind was named.
    """
    if Path(name).suffix or Path(name).exists():
        expected = "a name out of `python -m hw5 models`, or a file of weights"
        raise InputError.about(what, expected=expected, got=f"{name}, which is neither")
    known = entries(data).values()
    check_choice(what, name, tuple(entry.name for entry in known if entry.kind in kinds))


def register(entry: Entry, data: Path) -> None:
    """Put `entry` into the manifest: in the place of one with its name, else at the end."""
    path = data / MANIFEST
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    # A JSON string or integer is also one of TOML.
    fields = {key: value for key, value in asdict(entry).items() if value or key in _ALWAYS}
    lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in fields.items()]
    block = "\n".join(["[[weights]]", *lines]) + "\n"
    old = rf'^\[\[weights\]\]\nname = "{re.escape(entry.name)}"\n(?:[a-z0-9]+ = .*\n?)*'
    text, count = re.subn(old, lambda _: block, text, flags=re.MULTILINE)
    if not count:
        text = f"{text.rstrip()}\n\n{block}".lstrip()
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


_ALWAYS = ("name", "kind", "what", "licence", "origin")  # written even when empty
