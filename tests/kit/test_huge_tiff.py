"""A huge TIFF shows the same in bands as at once, in whatever way it packs its rows."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from hw5.kit import huge, huge_tiff
from hw5.kit.checks import InputError

HEIGHT, WIDTH, FACTOR = 75, 110, 4
Y, X = np.mgrid[:HEIGHT, :WIDTH]
WAVES = np.stack([128 + 90 * np.sin(X / 12), 128 + 90 * np.cos(Y / 9), 60 + X], axis=2)
PIXELS = WAVES.round().astype(np.uint8)
PICTURE = Image.fromarray(PIXELS)
GREY = PIXELS[..., 0]
SLACK = {
    "CMYK": 3,
    "YCbCr": 2,
    "LAB": 9,
}  # levels, where the average is not one of red, green, blue


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Every picture counts as huge and is reduced by four; strips and bands are a few rows."""
    monkeypatch.setattr(huge, "MAX_PIXELS", 1000)
    monkeypatch.setattr(huge, "REDUCED_PIXELS", HEIGHT * WIDTH / FACTOR**2)
    monkeypatch.setattr(huge_tiff, "BAND", 3000)
    monkeypatch.setattr(TiffImagePlugin, "STRIP_SIZE", 1000)


def averaged(levels: np.ndarray) -> np.ndarray:
    """Means of squares of `FACTOR` x `FACTOR`; those at the edges are cut."""
    rows, columns = range(0, HEIGHT, FACTOR), range(0, WIDTH, FACTOR)
    return np.array(
        [[levels[i : i + FACTOR, j : j + FACTOR].mean(axis=(0, 1)) for j in columns] for i in rows]
    )


def read(path) -> np.ndarray:
    found = huge.open_reduced(path)
    assert found.size == (WIDTH, HEIGHT)
    return np.asarray(found.picture).astype(float)


@pytest.mark.parametrize("packing", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize(
    "mode", ["RGB", "L", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "P", "1", "I;16", "I;16B"]
)
def test_every_mode_in_every_packing(tmp_path, mode, packing):
    if mode.startswith("I;16"):
        picture = Image.new(mode, (WIDTH, HEIGHT))
        picture.frombytes((GREY.astype(">u2" if mode[-1] == "B" else "<u2") * 257).tobytes())
    else:
        picture = PICTURE.quantize(32) if mode == "P" else PICTURE.convert(mode)
    picture.save(tmp_path / "a.tif", compression=packing)
    levels = np.repeat(GREY[..., None], 3, 2) if mode[0] == "I" else np.asarray(
        picture.convert("RGB")
    )  # fmt: skip
    found = read(tmp_path / "a.tif")
    assert np.abs(found[..., :3] - averaged(levels)).max() <= SLACK.get(mode, 1)
    assert found.shape[2] == (4 if mode in ("RGBA", "LA") else 3)


def test_jpeg_in_a_tiff_takes_its_tables_along(tmp_path):
    PICTURE.save(tmp_path / "a.tif", compression="jpeg", quality=95)
    assert np.abs(read(tmp_path / "a.tif") - averaged(PIXELS)).max() <= 8


def test_lines_of_a_fax(tmp_path):
    picture = PICTURE.convert("1")
    picture.save(tmp_path / "a.tif", compression="group4")
    assert (
        np.abs(read(tmp_path / "a.tif") - averaged(np.asarray(picture)[..., None] * 255)).max() <= 1
    )


def written(
    tags: dict[int, tuple[int, ...]], blocks: list[bytes], order: str, places: int
) -> bytes:
    """A TIFF by hand: blocks, then a directory of LONGs whose tag `places` says where they are."""
    body, starts = b"", []
    for block in blocks:
        starts.append(8 + len(body))
        body += block
    tags = tags | {
        places: tuple(starts),
        places + (6 if places == 273 else 1): tuple(map(len, blocks)),
    }
    at = 8 + len(body)
    behind, entries = at + 2 + 12 * len(tags) + 4, b""
    extra = b""
    for tag, values in sorted(tags.items()):
        data = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            data, extra = struct.pack(order + "I", behind + len(extra)), extra + data
        entries += struct.pack(order + "HHI", tag, 4, len(values)) + data
    start = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, at)
    return start + body + struct.pack(order + "H", len(tags)) + entries + bytes(4) + extra


def base(bits: int, channels: int, **more: int) -> dict[int, tuple[int, ...]]:
    kind = 2 if channels == 3 else more.get("kind", 1)
    tags = {256: WIDTH, 257: HEIGHT, 259: 1, 262: kind, 277: channels}
    return {tag: (value,) for tag, value in tags.items()} | {258: (bits,) * channels}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [8, 16])
def test_tiles(tmp_path, order, bits):
    side, across, down = 32, -(-WIDTH // 32), -(-HEIGHT // 32)
    filled = np.zeros((down * side, across * side, 3), np.uint8)
    filled[:HEIGHT, :WIDTH] = PIXELS
    values = filled if bits == 8 else filled.astype(order + "u2") * 257
    values = values.astype(order + "u2") if bits == 16 else values
    tiles = [
        values[side * i : side * (i + 1), side * j : side * (j + 1)].tobytes()
        for i in range(down)
        for j in range(across)
    ]
    tags = base(bits, 3) | {322: (side,), 323: (side,)}
    (tmp_path / "a.tif").write_bytes(written(tags, tiles, order, 324))
    assert np.abs(read(tmp_path / "a.tif") - averaged(PIXELS)).max() <= 1


def test_rows_that_are_not_packed_are_taken_one_by_one_from_a_strip(tmp_path, monkeypatch):
    monkeypatch.setattr(huge_tiff, "MAX_PIXELS", 10 * WIDTH)  # of a strip that must be whole
    whole = written(base(8, 3) | {278: (HEIGHT,)}, [PIXELS.tobytes()], "<", 273)
    (tmp_path / "a.tif").write_bytes(whole)
    assert np.abs(read(tmp_path / "a.tif") - averaged(PIXELS)).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_zero_may_mean_white(tmp_path, bits):
    values = GREY if bits == 8 else GREY.astype("<u2") * 257
    data = written(base(bits, 1, kind=0) | {278: (HEIGHT,)}, [values.tobytes()], "<", 273)
    (tmp_path / "a.tif").write_bytes(data)
    assert np.abs(read(tmp_path / "a.tif") - averaged(255.0 - GREY[..., None])).max() <= 1


def test_it_is_turned_upright(tmp_path):
    PICTURE.save(tmp_path / "a.tif", tiffinfo={274: 6})  # the left edge is on top
    found = huge.open_reduced(tmp_path / "a.tif")
    assert found.size == (HEIGHT, WIDTH)
    turned = averaged(PIXELS).swapaxes(0, 1)[:, ::-1]
    assert np.abs(np.asarray(found.picture) - turned).max() <= 1


def test_a_colour_profile_goes_along(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("hw5.kit.srgb._followed", lambda picture, profile: seen.append(profile))
    PICTURE.save(tmp_path / "a.tif", icc_profile=b"a profile")
    read(tmp_path / "a.tif")
    assert seen == [b"a profile"]


def cut(path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def test_what_cannot_be_read_in_parts_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(huge_tiff, "MAX_PIXELS", 10 * WIDTH)
    path = tmp_path / "a.tif"
    PICTURE.save(path, compression="tiff_lzw", tiffinfo={278: HEIGHT})
    refused = {"packs 75 rows in one": path.read_bytes()}
    apart = [PIXELS[..., channel].tobytes() for channel in range(3)]
    tags = base(8, 3) | {278: (HEIGHT,), 284: (2,)}
    refused["channels lie apart"] = written(tags, apart, "<", 273)
    Image.fromarray(GREY.astype(np.float32)).save(path)
    refused["32 bits a channel"] = path.read_bytes()
    for said, data in refused.items():
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"got 110 x 75 .*{said}.*make it smaller"):
            huge.open_reduced(path)


@pytest.mark.parametrize("packing", ["raw", "tiff_lzw"])
def test_a_cut_one_is_refused(tmp_path, packing):
    """The directory of a file of Pillow's stands in front of its pixels, or behind them."""
    path = tmp_path / "a.tif"
    PICTURE.save(path, compression=packing)
    cut(path, 0.9)
    with pytest.raises(InputError, match="damaged"):
        huge.open_reduced(path)
