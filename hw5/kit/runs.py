"""Run folders: what a run made, kept for a report or a grader to read.

Offers `save_run`, `load_run` and `Run`. A folder holds one PNG per named picture, `record.json`
(settings, losses, times) and `arrays.npz` (codes and the like, exact). It appears whole or not at
all.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from hw5.kit import strict_json
from hw5.kit.checks import InputError
from hw5.kit.decode import open_picture
from hw5.kit.files import MEBIBYTE, atomic_folder, read_bytes, refuse_existing
from hw5.kit.images import from_uint8, on_white, to_png
from hw5.shapes import Images

RECORD = "record.json"
ARRAYS = "arrays.npz"

# Unpacked size: a small file from elsewhere must not be able to fill the memory.
MAX_ARRAYS = 1024 * MEBIBYTE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
        folder: where it was read from.
        images: name to picture (1, 3, H, W) in [-1, 1]; several saved under one name come back as
            their grid.
        arrays: name to tensor, with the bits that were saved.
        record: settings, losses, times; plain JSON values, null where a number was NaN or infinite.
    """

    folder: Path
    images: Mapping[str, Images] = field(default_factory=dict)
    arrays: Mapping[str, torch.Tensor] = field(default_factory=dict)
    record: Mapping[str, strict_json.Json] = field(default_factory=dict)


def save_run(
    folder: str | Path,
    *,
    images: Mapping[str, Images],
    arrays: Mapping[str, torch.Tensor],
    record: Mapping[str, object],
    files: Mapping[str, bytes] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a run folder and return its path.

    Args:
        folder: where; missing parents are made.
        images: name to pictures (N, 3, H, W), several as one grid, clipped to [-1, 1].
        arrays: name to tensor of any shape; bfloat16 becomes float32, which holds its values
            exactly.
        record: anything that `strict_json.plain` takes.
        files: name to contents of further files, as they are; `load_run` leaves them alone.
        overwrite: replace an earlier run there. Any other filled folder is refused even then.

    Raises:
        InputError: `folder` is taken, a name is unusable, a value cannot be saved, or the place
            cannot be written.
    """
    folder = Path(folder)
    refuse_existing(folder, overwrite=overwrite)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).is_file():
        hint = "only an earlier run may be overwritten; choose another name"
        raise InputError.about(str(folder), expected="a run", got="other files", hint=hint)
    _check_names("images", images)
    _check_names("arrays", arrays)
    contents = {f"{name}.png": to_png(picture) for name, picture in images.items()}
    contents[RECORD] = strict_json.to_bytes(record)
    contents[ARRAYS] = _pack(arrays)
    contents |= files or {}
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        for name, data in contents.items():
            (temporary / name).write_bytes(data)
    return folder


def load_run(folder: str | Path) -> Run:
    """Return the run saved in `folder`.

    Raises:
        InputError: no run folder, or a damaged file in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        got = "a file" if folder.is_file() else "no such folder"
        raise InputError.about(str(folder), expected="a run folder", got=got)
    record = strict_json.read(folder / RECORD, expected="the record of a run")
    if not isinstance(record, dict):
        got = type(record).__name__
        raise InputError.about(str(folder / RECORD), expected="a JSON object", got=got)
    pictures = {
        path.stem: from_uint8(np.array(on_white(open_picture(path, min_side=1), str(path))))
        for path in sorted(folder.glob("*.png"))
        if _NAME.fullmatch(path.stem)  # not the ._name.png that some systems add
    }
    return Run(folder, pictures, _unpack(folder / ARRAYS), record)


def _check_names(kind: str, names: Iterable[str]) -> None:
    """Require names that are good file names everywhere, also where case does not count."""
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InputError.about(
                f"{kind}: name", expected="letters, digits, - and _ (at most 64)", got=repr(name)
            )
        if name.lower() in seen:
            raise InputError.about(
                f"{kind}: name", expected="different names", got=f"{name!r} twice"
            )
        seen.add(name.lower())


def _pack(arrays: Mapping[str, torch.Tensor]) -> bytes:
    """Return the bytes of an .npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, tensor in arrays.items():
            if not isinstance(tensor, torch.Tensor):
                got = type(tensor).__name__
                raise InputError.about(f"arrays: {name}", expected="a tensor", got=got)
            tensor = tensor.detach().cpu()
            wide = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
            member = io.BytesIO()
            np.lib.format.write_array(member, wide.numpy(), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, member.getvalue())
    return buffer.getvalue()


def _unpack(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors in an .npz file, running nothing that it holds.

    Raises:
        InputError: missing, damaged, too large, or with Python objects inside.
    """
    data = read_bytes(path, expected="the arrays of a run", limit=MAX_ARRAYS)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > MAX_ARRAYS:
            raise ValueError(f"{unpacked / MEBIBYTE:,.0f} MiB unpacked")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {name: torch.from_numpy(stored[name]) for name in stored.files}
    except Exception as error:  # zip, zlib, numpy and torch each raise their own kinds
        got = f"a damaged one ({str(error)[:80] or type(error).__name__})"
        raise InputError.about(str(path), expected="the arrays of a run", got=got) from error
