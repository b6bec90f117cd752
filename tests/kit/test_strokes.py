"""Sketches are drawn exactly, kept exactly, and refused exactly where they are wrong."""

import copy
import io
import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from hw5.kit import raster, strokes
from hw5.kit.checks import InputError
from hw5.kit.strokes import Sketch, Stroke
from tests.tolerances import assert_close

RED, BLUE = (255, 0, 0), (0, 0, 255)


def levels(colour: torch.Tensor, row: int, column: int) -> tuple[int, ...]:
    """The 0 to 255 colour of one pixel."""
    return tuple(((colour[0, :, row, column] + 1) * 127.5).round().int().tolist())


def draw(*parts: Stroke, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour and mask of some strokes."""
    return strokes.rasterise(Sketch(parts), size)


def dot(x: float, y: float, width: float, colour=RED, **options) -> Stroke:
    """A round dot."""
    return Stroke(((x, y),), colour, width, **options)


class TestRasterise:
    def test_an_empty_sketch_is_white_paper_with_an_empty_mask(self):
        colour, mask = draw()
        assert colour.shape == (1, 3, 32, 32)
        assert mask.shape == (1, 1, 32, 32)
        assert_close(colour, 1.0, "exact")
        assert_close(mask, 0.0, "exact")

    def test_a_dot_is_the_disc_of_pixel_centres_within_its_radius(self):
        _, mask = draw(dot(0.4, 0.6, 0.3), size=40)
        inside = [
            [math.hypot(column + 0.5 - 16, row + 0.5 - 24) <= 6 for column in range(40)]
            for row in range(40)
        ]
        assert mask[0, 0].bool().tolist() == inside

    def test_a_level_line_is_a_bar_with_round_ends(self):
        _, mask = draw(Stroke(((0.25, 0.5), (0.75, 0.5)), RED, 0.25))
        assert mask[0, 0, :, 16].nonzero().flatten().tolist() == list(range(12, 20))
        assert mask[0, 0, 16].nonzero().flatten().tolist() == list(range(4, 28))

    def test_the_area_of_a_slanted_line_is_its_length_times_its_width(self):
        _, mask = draw(Stroke(((0.2, 0.3), (0.8, 0.7)), RED, 0.1), size=512)
        area = math.hypot(0.6, 0.4) * 0.1 + math.pi * 0.05**2
        assert mask.mean().item() == pytest.approx(area, rel=0.01)

    def test_colours_are_the_ones_asked_for_and_no_others(self):
        colour, mask = draw(dot(0.3, 0.3, 0.4, (12, 200, 77)), dot(0.6, 0.6, 0.4, BLUE))
        seen = {levels(colour, row, column) for row in range(32) for column in range(32)}
        assert seen == {(12, 200, 77), BLUE, (255, 255, 255)}
        assert set(mask.unique().tolist()) == {0.0, 1.0}

    def test_later_strokes_lie_on_top(self):
        assert levels(draw(dot(0.5, 0.5, 0.5, RED), dot(0.5, 0.5, 0.2, BLUE))[0], 16, 16) == BLUE
        assert levels(draw(dot(0.5, 0.5, 0.2, BLUE), dot(0.5, 0.5, 0.5, RED))[0], 16, 16) == RED

    def test_an_eraser_takes_away_and_a_later_stroke_draws_again(self):
        rub = dot(0.5, 0.5, 0.2, erase=True)
        _, erased = draw(dot(0.5, 0.5, 0.5), rub)
        assert erased[0, 0, 16, 16] == 0
        assert erased[0, 0, 16, 10] == 1
        _, again = draw(dot(0.5, 0.5, 0.5), rub, dot(0.5, 0.5, 0.5))
        assert again[0, 0, 16, 16] == 1

    @pytest.mark.parametrize("turn", [1, 2, 3])
    def test_a_turned_sketch_gives_the_turned_picture(self, turn, rng):
        # Points on a grid of 1/1024: turning them is exact, so the pixels must be too.
        points = (torch.randint(0, 1025, (6, 2), generator=rng) / 1024).tolist()
        turned = points
        for _ in range(turn):
            turned = [(y, 1 - x) for x, y in turned]
        straight, other = (
            draw(Stroke(tuple(map(tuple, path)), RED, 0.0625))[1] for path in (points, turned)
        )
        assert_close(other, straight.rot90(turn, (2, 3)), "exact")

    @pytest.mark.parametrize("size", [8, 33, 64])
    def test_no_stroke_is_too_thin_to_leave_a_mark(self, size, rng):
        for x, y in [(0, 0), (1, 1), (0, 1), *torch.rand(20, 2, generator=rng).tolist()]:
            assert draw(dot(x, y, 0.0), size=size)[1].any(), f"nothing at {x}, {y}"

    def test_a_hair_line_has_no_gaps(self, rng):
        for (a, b), (c, d) in torch.rand(20, 2, 2, generator=rng).tolist():
            _, mask = draw(Stroke(((a, b), (c, d)), RED, 0.0), size=64)
            assert mask.any(dim=2).sum() >= math.floor(64 * abs(a - c)), "a column is missing"
            assert mask.any(dim=3).sum() >= math.floor(64 * abs(b - d)), "a row is missing"

    def test_the_same_sketch_at_twice_the_size_covers_the_same_share(self):
        shares = [draw(dot(0.5, 0.5, 0.4), size=size)[1].mean().item() for size in (64, 128)]
        assert shares[0] == pytest.approx(shares[1], rel=0.02)

    @pytest.mark.parametrize("size", [0, 7, 2049, 64.0, None])
    def test_a_size_out_of_range_is_refused(self, size):
        with pytest.raises(InputError, match="size"):
            strokes.rasterise(Sketch(), size)


class TestFill:
    RING = Stroke(((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75), (0.25, 0.25)), RED, 0.06)

    def fill(self, x: float, y: float, **options) -> Stroke:
        return Stroke(((x, y),), BLUE, kind="fill", **options)

    def test_it_floods_the_inside_and_stops_at_the_line(self):
        colour, mask = draw(self.RING, self.fill(0.5, 0.5))
        assert levels(colour, 16, 16) == BLUE
        assert levels(colour, 8, 16) == RED
        assert mask[0, 0, 2, 2] == 0

    def test_it_floods_the_outside_up_to_every_corner(self):
        colour, mask = draw(self.RING, self.fill(0.0, 1.0))
        assert {levels(colour, row, column) for row in (0, 31) for column in (0, 31)} == {BLUE}
        assert mask[0, 0, 16, 16] == 0

    def test_it_repaints_a_patch_of_one_colour_only(self):
        colour, mask = draw(self.RING, self.fill(0.25, 0.25))
        assert levels(colour, 8, 16) == BLUE
        assert mask.sum() == draw(self.RING)[1].sum()

    def test_it_covers_the_whole_paper_when_nothing_stands_in_the_way(self):
        assert_close(draw(self.fill(0.3, 0.3))[1], 1.0, "exact")

    def test_a_diagonal_of_corners_holds_the_flood(self):
        same = ~torch.eye(8, dtype=torch.bool).numpy()
        patch = raster._patch(same, 7, 0)
        assert (patch == np.tril(np.ones((8, 8), bool), -1)).all()

    def test_a_second_fill_of_the_same_colour_changes_nothing(self):
        once, twice = draw(self.fill(0.5, 0.5)), draw(self.fill(0.5, 0.5), self.fill(0.1, 0.1))
        assert_close(once[0], twice[0], "exact")

    def test_an_erasing_fill_empties_a_patch(self):
        _, mask = draw(self.RING, self.fill(0.5, 0.5), self.fill(0.5, 0.5, erase=True))
        assert_close(mask, draw(self.RING)[1], "exact")


SKETCH = Sketch(
    (
        Stroke(((0.1, 1 / 3), (0.7000000000000001, 1)), (1, 2, 3), 0.05),
        Stroke(((0.5, 0.5),), (255, 0, 128), 0.1, erase=True),
        Stroke(((0.9, 0.9), (0, 0)), (0, 255, 0), kind="fill"),
    )
)


class TestJson:
    def test_a_saved_sketch_comes_back_equal(self, tmp_path):
        strokes.save_sketch(tmp_path / "a.json", SKETCH)
        assert strokes.read_sketch(tmp_path / "a.json") == SKETCH

    def test_a_document_survives_the_way_through_a_sketch(self):
        document = json.loads(json.dumps(strokes.sketch_to_json(SKETCH)))
        again = strokes.sketch_to_json(strokes.sketch_from_json(document))
        assert json.dumps(again) == json.dumps(document)

    def test_a_file_draws_like_its_sketch(self, tmp_path):
        strokes.save_sketch(tmp_path / "a.json", SKETCH)
        loaded, drawn = strokes.load_sketch(tmp_path / "a.json", 48), strokes.rasterise(SKETCH, 48)
        assert_close(loaded[0], drawn[0], "exact")
        assert_close(loaded[1], drawn[1], "exact")

    def test_the_example_in_the_documentation_is_valid(self):
        text = strokes.__doc__
        example = text[text.index("{") : text.rindex("}") + 1]
        assert len(strokes.sketch_from_json(json.loads(example)).strokes) == 2

    @pytest.mark.parametrize(
        ("place", "value", "message"),
        [
            (("format",), "svg", "'hw5-sketch' version 1, got 'svg' version 1"),
            (("version",), 2, "version 2"),
            (("version",), True, "version True"),
            (("strokes",), {}, "sketch: strokes: expected a list"),
            (("strokes", 1), 7, "strokes[1]: expected an object"),
            (("strokes", 1, "more"), 7, "strokes[1]: expected exactly kind, points"),
            (
                ("strokes", 0, "points"),
                [],
                "strokes[0].points (count): expected a whole number from 1",
            ),
            (("strokes", 0, "points"), "ab", "strokes[0].points: expected a list"),
            (("strokes", 0, "points", 1), [0.5], "strokes[0].points[1]: expected 2 numbers"),
            (("strokes", 0, "points", 1), [0.5, 1.01], "strokes[0].points[1]: expected a number"),
            (("strokes", 0, "points", 1), [0.5, "1"], "strokes[0].points[1]: expected a number"),
            (("strokes", 0, "points", 1), None, "strokes[0].points[1]"),
            (("strokes", 2, "colour"), [0, 0], "strokes[2].colour: expected 3 numbers"),
            (("strokes", 2, "colour"), [0, 0, 256], "from 0 to 255, got 256"),
            (("strokes", 2, "colour"), [0, 0, 0.5], "strokes[2].colour: expected a whole number"),
            (("strokes", 2, "colour"), "#ff0000", "strokes[2].colour: expected a list"),
            (("strokes", 2, "width"), -1, "strokes[2].width"),
            (("strokes", 2, "width"), None, "strokes[2].width"),
            (("strokes", 2, "erase"), 0, "strokes[2].erase: expected true or false, got 0"),
            (("strokes", 2, "kind"), "lien", "did you mean 'line'?"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(self, place, value, message):
        document = copy.deepcopy(strokes.sketch_to_json(SKETCH))
        parent = document
        for step in place[:-1]:
            parent = parent[step]
        parent[place[-1]] = value
        with pytest.raises(InputError) as caught:
            strokes.sketch_from_json(document)
        assert message in str(caught.value)

    @pytest.mark.parametrize("field", ["kind", "points", "colour", "width", "erase"])
    def test_a_missing_field_is_named(self, field):
        document = strokes.sketch_to_json(SKETCH)
        del document["strokes"][1][field]
        with pytest.raises(InputError, match=rf"strokes\[1\].*missing {field}"):
            strokes.sketch_from_json(document)

    @pytest.mark.parametrize("document", [None, [], "x", 3, {}])
    def test_another_document_is_refused(self, document):
        with pytest.raises(InputError, match="sketch: expected"):
            strokes.sketch_from_json(document)

    def test_another_ending_is_refused_when_saving(self, tmp_path):
        with pytest.raises(InputError, match="sketch_to_png"):
            strokes.save_sketch(tmp_path / "a.png", SKETCH)
        assert not list(tmp_path.iterdir())


class TestPng:
    def picture(self, alpha: np.ndarray, colour=(9, 99, 199)) -> bytes:
        """The bytes of an RGBA picture of one colour."""
        pixels = np.dstack([np.full((*alpha.shape, 3), colour, np.uint8), alpha.astype(np.uint8)])
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    def test_a_sketch_survives_the_way_through_a_png(self):
        colour, mask = strokes.rasterise(SKETCH, 40)
        again = strokes.sketch_from_png(strokes.sketch_to_png(colour, mask), 40)
        assert_close(again[0], colour, "exact")
        assert_close(again[1], mask, "exact")

    def test_half_transparent_is_where_drawn_begins(self):
        alpha = np.arange(256).reshape(16, 16)
        _, mask = strokes.sketch_from_png(self.picture(alpha), 16)
        assert (mask[0, 0].numpy() == (alpha >= 128)).all()

    def test_colour_under_full_transparency_is_not_shown(self):
        alpha = np.zeros((16, 16))
        alpha[4] = 255
        colour, _ = strokes.sketch_from_png(self.picture(alpha), 16)
        assert levels(colour, 4, 0) == (9, 99, 199)
        assert levels(colour, 5, 0) == (255, 255, 255)

    @pytest.mark.parametrize("size", [8, 13, 16, 40, 64])
    def test_scaling_mixes_no_colours(self, size):
        pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
        pixels[..., 3] = 255
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        colour, _ = strokes.sketch_from_png(buffer.getvalue(), size)
        given = {tuple(pixel[:3].tolist()) for pixel in pixels.reshape(-1, 4)}
        seen = {levels(colour, row, column) for row in range(size) for column in range(size)}
        assert seen <= given

    def test_doubling_repeats_every_pixel(self):
        alpha = np.random.default_rng(1).integers(0, 2, (8, 8)) * 255
        _, mask = strokes.sketch_from_png(self.picture(alpha), 16)
        assert (mask[0, 0].numpy() == (alpha > 0).repeat(2, axis=0).repeat(2, axis=1)).all()

    def test_shrinking_takes_the_middle_of_the_pixels_that_fall_together(self):
        alpha = np.random.default_rng(1).integers(0, 2, (24, 24)) * 255
        _, mask = strokes.sketch_from_png(self.picture(alpha), 8)
        assert (mask[0, 0].numpy() == (alpha[1::3, 1::3] > 0)).all()

    def test_a_written_png_hides_no_colour_where_nothing_is_drawn(self):
        data = strokes.sketch_to_png(torch.ones(1, 3, 8, 8), torch.eye(8).view(1, 1, 8, 8))
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        assert pixels[0, 0].tolist() == [255, 255, 255, 255]
        assert pixels[0, 1].tolist() == [0, 0, 0, 0]

    @pytest.mark.parametrize("alpha", [0, 127])
    def test_nothing_drawn_is_refused(self, alpha, tmp_path):
        (tmp_path / "a.png").write_bytes(self.picture(np.full((16, 16), alpha)))
        with pytest.raises(InputError, match=r"a\.png: expected a sketch, got nothing drawn"):
            strokes.load_sketch(tmp_path / "a.png", 16)

    def test_a_sketch_without_strokes_is_refused(self, tmp_path):
        strokes.save_sketch(tmp_path / "a.json", Sketch())
        with pytest.raises(InputError, match="nothing drawn"):
            strokes.load_sketch(tmp_path / "a.json", 16)

    def test_a_picture_without_transparency_is_refused(self, tmp_path):
        Image.new("RGB", (16, 16)).save(tmp_path / "a.jpg")
        with pytest.raises(InputError, match="must be transparent"):
            strokes.load_sketch(tmp_path / "a.jpg", 16)

    def test_a_sketch_that_is_not_square_is_refused(self):
        with pytest.raises(InputError, match="a square sketch, got 16 x 12"):
            strokes.sketch_from_png(self.picture(np.full((12, 16), 255)), 16)

    def test_a_mask_of_another_size_is_refused(self):
        with pytest.raises(InputError, match="mask"):
            strokes.sketch_to_png(torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 9, 8))
