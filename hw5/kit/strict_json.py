"""JSON without surprises: no NaN, no duplicate names, no silent conversions; errors say where.

Offers `parse` (text in), `write` (values out) and `plain` (what `write` can hold). Sketches and
run records use it. Read next: strokes.py, runs.py.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NoReturn, TypeAlias

import numpy as np
import torch

from hw5.kit.checks import InputError, brief
from hw5.kit.files import MEBIBYTE, atomic_write, read_bytes

Json: TypeAlias = Any  # None, bool, int, float, str, list of Json, dict of str to Json

MAX_BYTES = 16 * MEBIBYTE


def read(path: str | Path, *, expected: str) -> Json:
    """Return the value in the JSON file at `path`; see `parse`.

    Args:
        path: the file.
        expected: what the file should be, for messages ("a sketch").

    Raises:
        InputError: unreadable, larger than 16 MiB, or not strict JSON.
    """
    return parse(read_bytes(path, expected=expected, limit=MAX_BYTES), str(path))


def parse(data: bytes, name: str) -> Json:
    """Return the value written in `data`, UTF-8 JSON with or without a byte order mark.

    Raises:
        InputError: not UTF-8, not JSON (the message has line and column), NaN, infinity, or a name
            given twice.
    """
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise InputError.about(name, expected="JSON text", got="other bytes", hint=hint) from error
    except json.JSONDecodeError as error:
        got = f"a mistake in line {error.lineno}, column {error.colno} ({error.msg})"
        raise InputError.about(name, expected="JSON text", got=got) from error
    except RecursionError as error:
        raise InputError.about(
            name, expected="JSON text", got="thousands of nested lists"
        ) from error
    except ValueError as error:  # from the two hooks, or a number with thousands of digits
        raise InputError.about(name, expected="JSON text", got=str(error)[:100]) from error


def write(path: str | Path, value: Json) -> None:
    """Write `plain(value)` to `path` as indented UTF-8 JSON, whole or not at all.

    Raises:
        InputError: `value` holds something that JSON cannot, or the place cannot be written.
    """
    data = to_bytes(value)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def to_bytes(value: Json) -> bytes:
    """Return `plain(value)` as indented UTF-8 JSON that ends with a line break.

    Raises:
        InputError: `value` holds something that JSON cannot.
    """
    try:
        text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode("utf-8")
    except RecursionError as error:
        got = "thousands of nested lists, or one that holds itself"
        raise InputError.about("record", expected="a plain document", got=got) from error
    except UnicodeEncodeError as error:
        got = brief(error.object[error.start : error.end])
        raise InputError.about("record", expected="text that UTF-8 can hold", got=got) from error


def plain(value: object, where: str = "record") -> Json:
    """Return `value` in JSON's own types.

    Dataclasses and mappings become objects, tuples and 1-D arrays lists, paths strings (with /),
    numbers of torch and numpy plain numbers. NaN and infinity become null, because JSON has no
    other word for "no number".

    Args:
        value: what to convert.
        where: its place in the document, for messages.

    Raises:
        InputError: of a type without a plain form, a larger array, or an object whose names are
            not strings.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        return _plain_array(value, where)
    return _plain_container(value, where)


def _plain_container(value: object, where: str) -> Json:
    """Return a dataclass, mapping, list or tuple in JSON's own types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InputError.about(where, expected="names that are strings", got=brief(key))
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    expected = "numbers, strings, lists, mappings or dataclasses"
    raise InputError.about(where, expected=expected, got=type(value).__name__)


def _plain_array(value: torch.Tensor | np.ndarray | np.generic, where: str) -> Json:
    """Return an array of no or one dimension as a number or a list."""
    if value.ndim > 1:
        hint = "larger arrays go into arrays.npz"
        got = f"an array {tuple(value.shape)}"
        raise InputError.about(where, expected="a number or a row of numbers", got=got, hint=hint)
    return plain(value.tolist(), where)


def _no_constant(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser takes although JSON has no such words."""
    raise ValueError(f"{word}, which is not JSON")


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Return `pairs` as a dict, refusing a name that is given twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {brief(twice)} twice in one object")
    return found
