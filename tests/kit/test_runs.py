"""A run folder keeps what it was given, appears whole, and is never lost."""

import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from hw5.kit import images, runs, strict_json
from hw5.kit.checks import InputError
from tests.tolerances import assert_close


@dataclass(frozen=True)
class Settings:
    """Something like the settings of a run."""

    steps: int = 3
    folder: Path = Path("a/b")
    nested: tuple[float, ...] = (0.5, float("nan"))


class Trap:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


@pytest.fixture
def contents(rng) -> dict:
    """What a small run saves."""
    return {
        "images": {"output": torch.randint(0, 256, (1, 3, 16, 16), generator=rng) / 127.5 - 1},
        "arrays": {
            "code": torch.randn(2, 1, 5, generator=rng),
            "count": torch.arange(3),
            "file": torch.tensor(2.5),
            "double": torch.randn(2, dtype=torch.float64, generator=rng),
        },
        "record": {"seed": 7, "loss": [1.5, 0.25], "settings": Settings()},
    }


def everything(folder: Path) -> list[str]:
    """All names below a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class TestSaveAndLoad:
    def test_the_folder_holds_a_png_per_picture_the_record_and_the_arrays(self, contents, tmp_path):
        path = runs.save_run(tmp_path / "deep" / "run", **contents)
        assert path == tmp_path / "deep" / "run"
        assert everything(path) == ["arrays.npz", "output.png", "record.json"]

    def test_everything_comes_back(self, contents, tmp_path):
        run = runs.load_run(runs.save_run(tmp_path / "run", **contents))
        assert_close(run.images["output"], contents["images"]["output"], "float32")
        assert run.arrays.keys() == contents["arrays"].keys()
        for name, array in contents["arrays"].items():
            assert run.arrays[name].equal(array), name
            assert run.arrays[name].dtype == array.dtype, name
        assert run.record == {
            "seed": 7,
            "loss": [1.5, 0.25],
            "settings": {"steps": 3, "folder": "a/b", "nested": [0.5, None]},
        }

    def test_numpy_alone_can_read_the_arrays(self, contents, tmp_path):
        runs.save_run(tmp_path / "run", **contents)
        with np.load(tmp_path / "run" / "arrays.npz", allow_pickle=False) as stored:
            assert (stored["count"] == [0, 1, 2]).all()

    def test_several_pictures_under_a_name_become_their_grid(self, tmp_path):
        several = torch.linspace(-1, 1, 4).view(4, 1, 1, 1).expand(4, 3, 8, 8)
        run = runs.load_run(
            runs.save_run(tmp_path / "run", images={"x": several}, arrays={}, record={})
        )
        assert_close(run.images["x"], images.grid(several), "pixel")

    def test_bfloat16_keeps_its_values(self, tmp_path):
        array = torch.tensor([1.0, 1 / 3], dtype=torch.bfloat16)
        run = runs.load_run(
            runs.save_run(tmp_path / "run", images={}, arrays={"x": array}, record={})
        )
        assert run.arrays["x"].equal(array.float())

    def test_a_result_on_the_graph_is_saved_without_it(self, tmp_path):
        code = torch.ones(2, requires_grad=True) * 2
        path = runs.save_run(tmp_path / "run", images={}, arrays={"x": code}, record={})
        assert not runs.load_run(path).arrays["x"].requires_grad

    def test_the_same_run_gives_the_same_bytes(self, contents, tmp_path):
        for name in ("a", "b"):
            runs.save_run(tmp_path / name, **contents)
        for file in (tmp_path / "a").iterdir():
            assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


class TestRefusals:
    def test_an_earlier_run_is_kept_unless_told(self, contents, tmp_path):
        runs.save_run(tmp_path / "run", **contents)
        with pytest.raises(InputError, match="allow overwriting"):
            runs.save_run(tmp_path / "run", images={}, arrays={}, record={})
        assert "output.png" in everything(tmp_path / "run")

    def test_told_to_an_earlier_run_is_replaced_wholly(self, contents, tmp_path):
        runs.save_run(tmp_path / "run", **contents)
        runs.save_run(tmp_path / "run", images={}, arrays={}, record={}, overwrite=True)
        assert everything(tmp_path) == ["run", "run/arrays.npz", "run/record.json"]

    def test_a_folder_of_other_files_is_never_replaced(self, tmp_path):
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "thesis.tex").touch()
        with pytest.raises(InputError, match="only an earlier run"):
            runs.save_run(tmp_path / "home", images={}, arrays={}, record={}, overwrite=True)
        assert everything(tmp_path) == ["home", "home/thesis.tex"]

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "a.b", "é", "x" * 65, "-a", 3])
    def test_a_name_that_is_no_file_name_is_refused(self, name, tmp_path):
        for kind in ("images", "arrays"):
            parts = {"images": {}, "arrays": {}} | {kind: {name: torch.zeros(1, 3, 8, 8)}}
            with pytest.raises(InputError, match=f"{kind}: name"):
                runs.save_run(tmp_path / "run", **parts, record={})
        assert everything(tmp_path) == []

    @pytest.mark.parametrize("names", ["aA", "Aa"])
    def test_names_that_differ_in_case_only_are_refused(self, names, tmp_path):
        pictures = {name: torch.zeros(1, 3, 8, 8) for name in names}
        with pytest.raises(InputError, match="twice"):
            runs.save_run(tmp_path / "run", images=pictures, arrays={}, record={})

    @pytest.mark.parametrize(
        "parts",
        [
            {"images": {"x": torch.full((1, 3, 8, 8), torch.nan)}},
            {"images": {"x": torch.zeros(3, 8, 8)}},
            {"arrays": {"x": [1, 2]}},
            {"record": {"x": object()}},
            {"record": {"x": torch.zeros(2, 2)}},
            {"record": {3: "x"}},
        ],
    )
    def test_what_cannot_be_saved_leaves_no_folder(self, parts, tmp_path):
        with pytest.raises(InputError):
            runs.save_run(tmp_path / "run", **({"images": {}, "arrays": {}, "record": {}} | parts))
        assert everything(tmp_path) == []

    def test_a_write_that_fails_half_way_leaves_no_folder(self, contents, tmp_path, monkeypatch):
        really = Path.write_bytes

        def fill_the_disk(self, data):
            if self.name == "arrays.npz":
                really(self, data[: len(data) // 2])
                raise OSError(28, "full")
            return really(self, data)

        monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
        with pytest.raises(InputError, match="cannot write: No space left"):
            runs.save_run(tmp_path / "run", **contents)
        assert everything(tmp_path) == []

    def test_no_folder_a_file_and_an_empty_folder_are_no_runs(self, tmp_path):
        (tmp_path / "file").touch()
        (tmp_path / "empty").mkdir()
        for name in ("none", "file", "empty"):
            with pytest.raises(InputError, match="expected"):
                runs.load_run(tmp_path / name)

    @pytest.mark.parametrize("file", ["arrays.npz", "output.png", "record.json"])
    @pytest.mark.parametrize("damage", [b"", b"nonsense", None])
    def test_a_damaged_file_is_named(self, file, damage, contents, tmp_path):
        path = runs.save_run(tmp_path / "run", **contents) / file
        path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
        with pytest.raises(InputError, match=file):
            runs.load_run(tmp_path / "run")

    def test_python_objects_in_the_arrays_are_not_run(self, contents, tmp_path):
        runs.save_run(tmp_path / "run", **contents)
        trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
        np.savez(tmp_path / "run" / "arrays.npz", x=trap)
        with pytest.raises(InputError, match=r"arrays\.npz"):
            runs.load_run(tmp_path / "run")
        assert not (tmp_path / "sprung").exists()

    def test_arrays_that_unpack_to_more_than_the_limit_are_refused(
        self, contents, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(runs, "MAX_ARRAYS", 10_000)
        big = contents | {"arrays": {"x": torch.zeros(10_000)}}  # packs to a few hundred bytes
        runs.save_run(tmp_path / "run", **big)
        with pytest.raises(InputError, match="unpacked"):
            runs.load_run(tmp_path / "run")

    def test_hidden_pictures_that_some_systems_add_are_passed_over(self, contents, tmp_path):
        path = runs.save_run(tmp_path / "run", **contents)
        (path / "._output.png").write_bytes(b"\0\5\26\7")
        assert list(runs.load_run(path).images) == ["output"]


class TestStrictJson:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"{", "line 1, column 2"),
            (b"[NaN]", "NaN, which is not JSON"),
            (b"[-Infinity]", "-Infinity, which is not JSON"),
            (b'{"a": 1, "a": 2}', "the name 'a' twice"),
            (b"[" * 100_000, "nested"),
            (b"1" * 5000, "digits"),
            (b"\xff\xfe", "UTF-8"),
            (b"", "line 1"),
        ],
    )
    def test_a_mistake_is_one_clear_line(self, text, message):
        with pytest.raises(InputError) as caught:
            strict_json.parse(text, "a.json")
        assert str(caught.value).startswith("a.json: expected JSON text, got")
        assert message in str(caught.value)

    def test_a_byte_order_mark_is_passed_over(self):
        assert strict_json.parse(b"\xef\xbb\xbf[1]", "x") == [1]

    def test_numbers_of_torch_and_numpy_become_plain(self):
        value = {"a": torch.tensor(2), "b": np.float32(0.5), "c": torch.tensor([1.0, torch.inf])}
        assert strict_json.plain(value) == {"a": 2, "b": 0.5, "c": [1.0, None]}

    def test_what_is_written_every_strict_parser_reads(self, tmp_path):
        value = {"猫": [None, True, 1.5, float("inf"), "line\nbreak \ud7ff"]}
        strict_json.write(tmp_path / "a.json", value)

        def refuse(word):
            pytest.fail(f"{word} is not JSON")

        text = (tmp_path / "a.json").read_text(encoding="utf-8")
        assert json.loads(text, parse_constant=refuse) == {
            "猫": [None, True, 1.5, None, "line\nbreak \ud7ff"]
        }

    def test_the_place_of_a_bad_value_is_named(self):
        with pytest.raises(InputError, match=r"record\.a\[1\]\.b: expected numbers"):
            strict_json.plain({"a": [0, {"b": {1, 2}}]})

    def test_text_that_cannot_be_encoded_is_refused(self, tmp_path):
        with pytest.raises(InputError):
            strict_json.write(tmp_path / "a.json", {"name": "\ud800"})
        assert everything(tmp_path) == []

    def test_a_list_that_holds_itself_is_refused(self):
        endless = []
        endless.append(endless)
        with pytest.raises(InputError, match="nested"):
            strict_json.to_bytes(endless)


def test_nothing_of_a_saved_run_is_left_beside_it(contents, tmp_path):
    runs.save_run(tmp_path / "run", **contents)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_archive_with_a_lying_header_is_refused(contents, tmp_path):
    path = runs.save_run(tmp_path / "run", **contents) / runs.ARRAYS
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        member, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", member.getvalue())
    with pytest.raises(InputError, match=r"arrays\.npz"):
        runs.load_run(tmp_path / "run")
