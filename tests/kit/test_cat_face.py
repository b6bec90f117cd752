"""The vote of the cascades finds a real cat, where it is, and not where there is none."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea, coffee

from hw5.kit import cat_face
from hw5.kit.checks import InputError

EYES = (242, 110)  # between the eyes of chelsea, in pixels, by hand
EYE_DISTANCE = 154  # likewise


def test_a_missing_opencv_is_one_clear_line(monkeypatch):
    plain = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "cv2":
            raise ImportError("No module named 'cv2'")
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"no detector of cat faces.*hw5\[photo\].*--box"):
        cat_face.find_face(chelsea())


@pytest.mark.slow
def test_a_cat_in_a_larger_picture_gets_its_eyes_where_the_world_has_them():
    pytest.importorskip("cv2")
    scene = np.array(Image.fromarray(coffee()).resize((800, 600)))
    scale, left, top = 0.9, 300, 200
    cat = Image.fromarray(chelsea())
    cat = np.asarray(cat.resize((round(cat.width * scale), round(cat.height * scale))))
    scene[top : top + cat.shape[0], left : left + cat.shape[1]] = cat
    found = cat_face.find_face(scene)
    assert found is not None and found.votes >= cat_face.LEAST_VOTES
    x, y, side = cat_face.square_around(found)
    eyes = ((left + EYES[0] * scale - x) / side, (top + EYES[1] * scale - y) / side)
    assert eyes == pytest.approx(cat_face.EYES_IN_PICTURE, abs=0.08)
    assert EYE_DISTANCE * scale / side == pytest.approx(0.288, abs=0.06)  # of rendered cats


CLOSE = cat_face.Face(87.0, -7.0, 330.0, 8)  # fills chelsea's 451 x 300 px


@pytest.mark.parametrize("size", [(451, 300), (300, 451), (451, 200), (340, 330)])
def test_most_of_the_square_around_a_close_up_is_real(size):
    square = cat_face.square_on(CLOSE, *size)
    assert cat_face._share(square, *size) > cat_face.MOSTLY - 0.01
    assert cat_face._share(cat_face.square_around(CLOSE), *size) < 0.7


def test_a_tightened_square_keeps_the_eyes_in_their_place():
    wide, tight = cat_face.square_around(CLOSE), cat_face.square_on(CLOSE, 451, 300)
    for axis, share in enumerate(cat_face.EYES_IN_PICTURE):
        assert tight[axis] + share * tight[2] == pytest.approx(wide[axis] + share * wide[2])


def test_a_face_with_room_around_it_keeps_its_square():
    face = cat_face.Face(400, 300, 200, 9)
    assert cat_face.square_on(face, 1000, 800) == cat_face.square_around(face)


def test_a_cup_of_coffee_is_no_cat():
    pytest.importorskip("cv2")
    assert cat_face.find_face(coffee()) is None
