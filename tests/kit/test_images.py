"""Pictures go in and out without losing a level, and every bad file is refused in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from hw5.kit import images
from hw5.kit.checks import InputError
from tests.tolerances import assert_close

SIDE = 16


@pytest.fixture
def noise(rng) -> torch.Tensor:
    """Three random pictures with values on the 256 levels."""
    levels = torch.randint(0, 256, (3, 3, SIDE, SIDE), generator=rng)
    return levels / 127.5 - 1


def write(path, mode, value, size=(SIDE, SIDE), **options):
    """Save a plain picture of one colour with Pillow."""
    Image.new(mode, size, value).save(path, **options)
    return path


class TestLevels:
    def test_every_byte_survives_the_round_trip(self):
        every = np.arange(256, dtype=np.uint8).reshape(16, 16)[..., None].repeat(3, axis=-1)
        assert (images.to_uint8(images.from_uint8(every))[0] == every).all()

    def test_black_and_white_are_the_ends_of_the_range(self):
        array = np.zeros((1, 2, 3), np.uint8)
        array[0, 1] = 255
        assert images.from_uint8(array)[0, :, 0].tolist() == [[-1, 1]] * 3

    def test_channels_are_moved_not_mixed(self):
        array = np.zeros((2, 5, 7, 3), np.uint8)
        array[1, 2, 3] = (255, 0, 51)
        picture = images.from_uint8(array)
        assert picture.shape == (2, 3, 5, 7)
        assert_close(picture[1, :, 2, 3], torch.tensor([1.0, -1.0, -0.6]), "float32")

    def test_what_a_generator_overshoots_is_clipped(self):
        assert images.to_uint8(torch.full((1, 3, 1, 1), 1.7)).max() == 255
        assert images.to_uint8(torch.full((1, 3, 1, 1), -1.7)).max() == 0

    def test_nan_is_refused(self):
        with pytest.raises(InputError, match="NaN"):
            images.to_uint8(torch.full((1, 3, 2, 2), torch.nan))

    @pytest.mark.parametrize(
        "array", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), 3]
    )
    def test_other_arrays_are_refused(self, array):
        with pytest.raises(InputError, match="array: expected"):
            images.from_uint8(array)

    def test_the_array_is_copied(self):
        array = np.zeros((4, 4, 3), np.uint8)
        picture = images.from_uint8(array)
        array[:] = 255
        assert_close(picture, -1.0, "exact")


class TestFiles:
    def test_a_png_keeps_every_level(self, noise, tmp_path):
        images.save(tmp_path / "a.png", noise[:1])
        assert_close(images.load(tmp_path / "a.png"), noise[:1], "float32")

    @pytest.mark.parametrize("ending", [".jpg", ".JPEG", ".webp"])
    def test_lossy_files_stay_near(self, ending, tmp_path):
        smooth = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
        images.save(tmp_path / f"a{ending}", smooth)
        assert_close(images.load(tmp_path / f"a{ending}"), smooth, "colours")

    def test_several_pictures_are_saved_as_a_grid(self, noise, tmp_path):
        images.save(tmp_path / "a.png", noise)
        assert_close(images.load(tmp_path / "a.png"), images.grid(noise), "float32")

    @pytest.mark.parametrize("name", ["a", "a.gif", "a.txt", "a.png.exe"])
    def test_an_unknown_ending_is_refused_and_nothing_is_written(self, name, noise, tmp_path):
        with pytest.raises(InputError, match=r"a name ending in \.png"):
            images.save(tmp_path / name, noise)
        assert not list(tmp_path.iterdir())

    def test_bytes_for_widgets_are_the_picture(self, noise):
        decoded = np.asarray(Image.open(io.BytesIO(images.to_png(noise[:1]))))
        assert (decoded == images.to_uint8(noise[:1])[0]).all()

    def test_jpeg_quality_changes_the_size(self, noise):
        assert len(images.to_jpeg(noise, 95)) > len(images.to_jpeg(noise, 10))

    @pytest.mark.parametrize("quality", [0, 96, 50.5])
    def test_a_jpeg_quality_out_of_range_is_refused(self, quality, noise):
        with pytest.raises(InputError, match="quality"):
            images.to_jpeg(noise, quality)


class TestLoadModes:
    @pytest.mark.parametrize(
        ("name", "mode", "value", "expected"),
        [
            ("a.png", "L", 51, (51, 51, 51)),
            ("a.png", "1", 1, (255, 255, 255)),
            ("a.png", "I;16", 51 * 257, (51, 51, 51)),
            ("a.tif", "I;16", 51 * 257, (51, 51, 51)),
            ("a.tif", "I;16B", 51 * 257, (51, 51, 51)),
            ("a.pgm", "I;16", 51 * 257, (51, 51, 51)),
            ("a.tif", "CMYK", (0, 255, 0, 0), (255, 0, 255)),
            ("a.png", "LA", (51, 255), (51, 51, 51)),
            ("a.png", "RGBA", (255, 0, 0, 51), (255, 204, 204)),
            ("a.bmp", "RGB", (1, 2, 3), (1, 2, 3)),
            ("a.gif", "P", 0, (0, 0, 0)),
        ],
    )
    def test_any_mode_becomes_the_colour_that_a_viewer_shows(
        self, name, mode, value, expected, tmp_path
    ):
        picture = images.load(write(tmp_path / name, mode, value))
        wanted = torch.tensor(expected).view(1, 3, 1, 1).expand(1, 3, SIDE, SIDE) / 127.5 - 1
        assert_close(picture, wanted, "float32")

    def test_a_palette_with_a_transparent_entry_shows_white_there(self, tmp_path):
        picture = Image.new("P", (SIDE, SIDE), 1)
        picture.putpalette([255, 0, 0, 0, 0, 255])
        picture.putpixel((0, 0), 0)
        picture.save(tmp_path / "a.png", transparency=0)
        loaded = images.load(tmp_path / "a.png")
        assert loaded[0, :, 0, 0].tolist() == [1, 1, 1]
        assert loaded[0, :, 5, 5].tolist() == [-1, -1, 1]

    def test_of_an_animation_the_first_frame_counts(self, tmp_path):
        frames = torch.stack([torch.full((3, SIDE, SIDE), level) for level in (-1.0, 1.0)])
        images.save_gif(tmp_path / "a.gif", frames)
        assert_close(images.load(tmp_path / "a.gif"), frames[:1], "exact")

    def test_a_sideways_photograph_is_turned_upright(self, tmp_path):
        picture = Image.new("RGB", (20, 10), "black")
        picture.paste("white", (0, 0, 10, 10))  # left half; note 6 says: turn right to see it
        exif = picture.getexif()
        exif[0x0112] = 6
        picture.save(tmp_path / "a.png", exif=exif)
        loaded = images.load(tmp_path / "a.png")
        assert loaded.shape == (1, 3, 20, 10)
        assert_close(loaded[:, :, :10], 1.0, "exact")
        assert_close(loaded[:, :, 10:], -1.0, "exact")


class TestBadFiles:
    def refusal(self, path, **options) -> str:
        with pytest.raises(InputError) as caught:
            images.load(path, **options)
        message = str(caught.value)
        assert message.isprintable(), "an error is one printable line"
        assert str(path) in message, "an error names the file"
        return message

    def test_text_named_png(self, tmp_path):
        (tmp_path / "a.png").write_text("hello\nthere")
        assert "got text" in self.refusal(tmp_path / "a.png")

    def test_a_phone_format_that_is_not_read(self, tmp_path):
        (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 50)
        assert "export it as JPEG" in self.refusal(tmp_path / "a.heic")

    def test_a_format_that_would_start_another_program(self, tmp_path):
        (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
        assert "got text" in self.refusal(tmp_path / "a.eps")

    def test_missing_empty_and_folder(self, tmp_path):
        (tmp_path / "empty.png").touch()
        assert "no such file" in self.refusal(tmp_path / "none.png")
        assert "an empty file" in self.refusal(tmp_path / "empty.png")
        assert "a folder" in self.refusal(tmp_path)

    @pytest.mark.parametrize("size", [(1, 1), (7, 64), (64, 7)])
    def test_too_small(self, size, tmp_path):
        assert "at least 8 x 8" in self.refusal(write(tmp_path / "a.png", "RGB", 0, size))

    @pytest.mark.parametrize("size", [(10_000, 8_000), (20_000, 20_000)])
    def test_too_large_is_refused_before_decoding(self, size, tmp_path):
        path = write(tmp_path / "a.png", "1", 0)
        data = path.read_bytes()
        header = b"IHDR" + struct.pack(">II", *size) + data[24:29]  # a bomb: nothing behind it
        path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
        assert "at most 64 million pixels" in self.refusal(tmp_path / "a.png")

    @pytest.mark.parametrize("ending", ["png", "jpg", "gif", "tif", "webp", "bmp"])
    def test_truncated(self, ending, noise, tmp_path):
        path = tmp_path / f"a.{ending}"
        Image.fromarray(images.to_uint8(noise)[0]).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        assert "damaged" in self.refusal(path)

    def test_fully_transparent(self, tmp_path):
        path = write(tmp_path / "a.png", "RGBA", (255, 0, 0, 0))
        assert "full transparency" in self.refusal(path)

    def test_floating_point_pixels(self, tmp_path):
        assert "8 bits" in self.refusal(write(tmp_path / "a.tif", "F", 0.5))

    def test_a_size_for_a_picture_that_is_not_square(self, tmp_path):
        path = write(tmp_path / "a.png", "RGB", 0, (20, 30))
        assert "crop_photo" in self.refusal(path, size=16)

    @pytest.mark.parametrize("size", [0, -5, 7, 8001, 64.0, "64"])
    def test_a_size_out_of_range(self, size, tmp_path):
        with pytest.raises(InputError, match="size: expected a whole number"):
            images.load(write(tmp_path / "a.png", "RGB", 0), size=size)


class TestResize:
    def test_shrinking_averages_instead_of_picking(self):
        stripes = torch.full((1, 3, 32, 32), -1.0)
        stripes[..., ::8] = 1.0  # one bright column in eight
        small = images.resize(stripes, 4)
        assert (small > -0.95).all(), "thin bright lines must not vanish from afar"
        assert abs(small.mean().item() + 0.75) < 0.1

    def test_loading_at_a_size_averages_too(self, tmp_path):
        checkers = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
        images.save(tmp_path / "a.png", checkers.expand(1, 3, 32, 32))
        assert images.load(tmp_path / "a.png", size=8).abs().max() < 0.1

    def test_a_plain_picture_stays_plain(self):
        assert_close(images.resize(torch.full((2, 3, 9, 7), 0.3), (5, 16)), 0.3, "float32")

    def test_no_value_leaves_the_range(self, noise):
        assert images.resize(noise.sign(), 23).abs().max() <= 1 + 1e-6

    def test_the_gradient_is_right(self, rng):
        picture = torch.rand(1, 3, 4, 4, dtype=torch.float64, generator=rng, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: images.resize(x, 3), picture)

    @pytest.mark.parametrize("size", [0, 3.5, "8", (8,), (8, 0)])
    def test_a_bad_size_is_refused(self, size, noise):
        with pytest.raises(InputError, match="size"):
            images.resize(noise, size)


class TestLayout:
    def test_enlarging_makes_blocks_of_one_colour(self, noise):
        large = images.enlarge(noise, 3)
        assert large.shape == (3, 3, 3 * SIDE, 3 * SIDE)
        for row in range(3):
            for column in range(3):
                assert_close(large[:, :, row::3, column::3], noise, "exact")

    def test_each_picture_is_found_in_its_place_of_the_grid(self, noise):
        sheet = images.grid(noise, columns=2, gap=2)
        step = SIDE + 2
        assert sheet.shape == (1, 3, 2 * SIDE + 2, 2 * SIDE + 2)
        for index, (row, column) in enumerate([(0, 0), (0, 1), (1, 0)]):
            place = sheet[0, :, row * step : row * step + SIDE, column * step :][..., :SIDE]
            assert_close(place, noise[index], "exact")

    def test_gaps_and_the_empty_place_are_white(self, noise):
        sheet = images.grid(noise, columns=2, gap=2)
        assert_close(sheet[:, :, SIDE : SIDE + 2], 1.0, "exact")
        assert_close(sheet[:, :, SIDE + 2 :, SIDE + 2 :], 1.0, "exact")

    @pytest.mark.parametrize(("count", "shape"), [(1, (4, 4)), (4, (8, 8)), (5, (8, 12))])
    def test_a_grid_is_about_square_by_default(self, count, shape):
        assert images.grid(torch.zeros(count, 3, 4, 4), gap=0).shape[2:] == shape

    def test_a_strip_is_one_row(self, noise):
        assert images.strip(noise, gap=1).shape == (1, 3, SIDE, 3 * SIDE + 2)

    def test_an_empty_batch_is_refused(self):
        for layout in (images.grid, images.strip):
            with pytest.raises(InputError, match="number of images"):
                layout(torch.zeros(0, 3, 4, 4))

    @pytest.mark.parametrize("factor", [0, 1.5, "2"])
    def test_a_bad_factor_is_refused(self, factor, noise):
        with pytest.raises(InputError, match="factor"):
            images.enlarge(noise, factor)


class TestGif:
    @pytest.mark.parametrize("fps", [1, 7, 20, 30, 50])
    def test_the_film_lasts_as_long_as_it_should(self, fps, rng, tmp_path):
        frames = torch.rand(31, 3, 8, 8, generator=rng) * 2 - 1
        images.save_gif(tmp_path / "a.gif", frames, fps=fps)
        with Image.open(tmp_path / "a.gif") as film:
            durations = []
            for index in range(film.n_frames):
                film.seek(index)
                durations.append(film.info["duration"])
        assert abs(sum(durations) - 1000 * 31 / fps) <= 5
        assert max(durations) - min(durations) <= 10, "an even pace"
        assert min(durations) >= 20, "browsers slow anything faster down"

    def test_frames_keep_their_order_and_colour(self, tmp_path):
        levels = torch.linspace(-1, 1, 6)
        images.save_gif(tmp_path / "a.gif", levels.view(6, 1, 1, 1).expand(6, 3, 8, 8))
        with Image.open(tmp_path / "a.gif") as film:
            assert film.info["loop"] == 0
            seen = []
            for index in range(film.n_frames):
                film.seek(index)
                seen.append(film.convert("RGB").getpixel((3, 3))[0] / 127.5 - 1)
        assert_close(torch.tensor(seen), levels, "colours")

    def test_what_does_not_move_does_not_flicker(self, rng, tmp_path):
        frames = (torch.rand(1, 3, 16, 16, generator=rng) * 2 - 1).repeat(5, 1, 1, 1)
        frames[:, :, :8] = torch.linspace(-1, 1, 5).view(5, 1, 1, 1)
        images.save_gif(tmp_path / "a.gif", frames)
        with Image.open(tmp_path / "a.gif") as film:
            still = []
            for index in range(film.n_frames):
                film.seek(index)
                still.append(np.asarray(film.convert("RGB"))[8:])
        assert len(still) == 5
        assert all((picture == still[0]).all() for picture in still)

    @pytest.mark.parametrize("fps", [0, -1, 51, float("nan"), None])
    def test_a_bad_pace_is_refused(self, fps, noise, tmp_path):
        with pytest.raises(InputError, match="fps"):
            images.save_gif(tmp_path / "a.gif", noise, fps=fps)
        assert not list(tmp_path.iterdir())
