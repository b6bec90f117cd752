"""Whatever the bytes, reading gives a result or an InputError of one line."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hw5.kit import images, photo, strokes
from hw5.kit.checks import InputError
from hw5.kit.strokes import Sketch, Stroke

QUICK = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # a failure today must be a failure tomorrow
)


def encoded(kind: str) -> bytes:
    """A small valid picture file."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 4), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (picture if kind in ("PNG", "TIFF", "WEBP") else picture.convert("RGB")).save(buffer, kind)
    return buffer.getvalue()


VALID = [encoded(kind) for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM")]
DOCUMENT = strokes.sketch_to_json(
    Sketch((Stroke(((0.1, 0.2), (0.3, 0.4)), (1, 2, 3), 0.1), Stroke(((0.5, 0.5),), (9, 9, 9))))
)


@st.composite
def damaged(draw) -> bytes:
    """A valid picture with a few bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 8))
        data[place : place + length] = draw(st.binary(max_size=8))
    return bytes(data)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def changed_document(draw) -> str:
    """A valid sketch document with one value somewhere replaced, dropped or added."""
    whole = {"root": json.loads(json.dumps(DOCUMENT))}
    parent, key = whole, "root"
    while isinstance(parent[key], (dict, list)) and parent[key] and draw(st.booleans()):
        parent = parent[key]
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        key = draw(st.sampled_from(keys))
    if draw(st.booleans()) and isinstance(parent, dict) and key != "root":
        del parent[key]
    else:
        parent[key] = draw(JSON_VALUES)
    return json.dumps(whole["root"])


def only_input_errors(data: bytes, ending: str) -> None:
    """Read `data` by every door; anything but InputError fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"fuzz{ending}"
        path.write_bytes(data)
        for read in (
            lambda: images.load(path),
            lambda: images.load(path, size=8),
            lambda: photo.crop_photo(path, size=8),
            lambda: strokes.load_sketch(path, 8),
        ):
            try:
                result = read()
            except InputError as error:
                assert str(error).isprintable()
                assert path.name in str(error)
            else:
                first = result[0] if isinstance(result, tuple) else result
                assert first.shape[:2] == (1, 3)


@QUICK
@given(st.binary(max_size=300))
def test_random_bytes_named_png(data):
    only_input_errors(data, ".png")


@QUICK
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8")))
def test_random_bytes_named_json(data):
    only_input_errors(data, ".json")


@QUICK
@given(damaged())
def test_damaged_pictures(data):
    only_input_errors(data, ".png")


@QUICK
@given(changed_document())
def test_changed_sketches(text):
    only_input_errors(text.encode("utf-8"), ".json")


@QUICK
@given(JSON_VALUES)
def test_any_json_value_as_a_sketch(value):
    with contextlib.suppress(InputError):
        strokes.sketch_from_json(value)
