"""Files are read with clear errors and written whole or not at all."""

import errno
from pathlib import Path

import pytest

from hw5.kit import files
from hw5.kit.checks import InputError


def everything(folder: Path) -> list[str]:
    """All names below a folder, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class TestReadBytes:
    def test_contents_come_back(self, tmp_path):
        (tmp_path / "a.bin").write_bytes(b"\x00abc")
        assert files.read_bytes(tmp_path / "a.bin", expected="x") == b"\x00abc"

    def test_a_missing_file_gets_the_nearest_name(self, tmp_path):
        (tmp_path / "cat.png").write_bytes(b"x")
        with pytest.raises(InputError, match=r"expected a picture.*did you mean cat\.png"):
            files.read_bytes(tmp_path / "cta.png", expected="a picture")

    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
            files.read_bytes(tmp_path / "nowhere" / "a", expected="x")

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(InputError, match="a folder"):
            files.read_bytes(tmp_path, expected="x")

    def test_an_empty_file_is_refused(self, tmp_path):
        (tmp_path / "a").touch()
        with pytest.raises(InputError, match="an empty file"):
            files.read_bytes(tmp_path / "a", expected="x")

    def test_a_file_above_the_limit_is_refused(self, tmp_path):
        (tmp_path / "a").write_bytes(b"1234")
        assert files.read_bytes(tmp_path / "a", expected="x", limit=4) == b"1234"
        with pytest.raises(InputError, match="limit"):
            files.read_bytes(tmp_path / "a", expected="x", limit=3)

    @pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "", ".", "/", "a\ud800"])
    def test_unusable_names_are_refused_for_reading_and_writing(self, name):
        with pytest.raises(InputError):
            files.read_bytes(name, expected="x")
        with pytest.raises(InputError), files.atomic_write(name) as temporary:
            temporary.write_text("never")

    def test_a_file_used_as_a_folder_is_refused(self, tmp_path):
        (tmp_path / "a").write_text("x")
        with pytest.raises(InputError):
            files.read_bytes(tmp_path / "a" / "b", expected="x")

    def test_a_lack_of_permission_is_said(self, tmp_path, monkeypatch):
        def refuse(self):
            raise PermissionError(errno.EACCES, "no")

        (tmp_path / "a").write_text("x")
        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(InputError, match=r"cannot read: .*permission"):
            files.read_bytes(tmp_path / "a", expected="x")


class TestAtomicWrite:
    def test_the_file_appears_under_its_name_alone(self, tmp_path):
        with files.atomic_write(tmp_path / "deep" / "er" / "a.png") as temporary:
            assert temporary.suffix == ".png", "writers choose the format by the ending"
            temporary.write_bytes(b"new")
            assert not (tmp_path / "deep" / "er" / "a.png").exists()
        assert everything(tmp_path) == ["deep", "deep/er", "deep/er/a.png"]

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_a_failed_block_keeps_the_old_file_and_leaves_nothing(self, tmp_path, error):
        (tmp_path / "a").write_text("old")
        with pytest.raises(error), files.atomic_write(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise error
        assert (tmp_path / "a").read_text() == "old"
        assert everything(tmp_path) == ["a"]

    def test_a_failed_block_takes_the_folders_it_made_along(self, tmp_path):
        with pytest.raises(ZeroDivisionError), files.atomic_write(tmp_path / "b" / "c" / "a"):
            raise ZeroDivisionError
        assert everything(tmp_path) == []

    def test_a_full_disk_is_one_clear_line(self, tmp_path):
        with (
            pytest.raises(InputError, match="cannot write: No space left"),
            files.atomic_write(tmp_path / "a") as temporary,
        ):
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "full")
        assert everything(tmp_path) == []

    def test_a_folder_that_may_not_be_written_is_one_clear_line(self, tmp_path, monkeypatch):
        def refuse(self, target):
            raise PermissionError(errno.EACCES, "no")

        monkeypatch.setattr(Path, "replace", refuse)
        with (
            pytest.raises(InputError, match="you lack the permission"),
            files.atomic_write(tmp_path / "a") as temporary,
        ):
            temporary.write_text("half")
        assert everything(tmp_path) == []

    def test_a_file_where_a_folder_should_be_is_kept(self, tmp_path):
        (tmp_path / "a").write_text("old")
        with (
            pytest.raises(InputError, match="a file, not a folder"),
            files.atomic_write(tmp_path / "a" / "b.png"),
        ):
            pytest.fail("the block must not start")
        assert (tmp_path / "a").read_text() == "old"

    def test_a_folder_is_not_replaced_by_a_file(self, tmp_path):
        (tmp_path / "a").mkdir()
        with pytest.raises(InputError, match="got a folder"), files.atomic_write(tmp_path / "a"):
            pytest.fail("the block must not start")


class TestAtomicFolder:
    def test_the_folder_appears_whole(self, tmp_path):
        with files.atomic_folder(tmp_path / "run") as temporary:
            (temporary / "a").write_text("1")
            assert not (tmp_path / "run").exists()
        assert everything(tmp_path) == ["run", "run/a"]

    def test_a_failed_block_leaves_nothing(self, tmp_path):
        with pytest.raises(ZeroDivisionError), files.atomic_folder(tmp_path / "x" / "run") as made:
            (made / "a").write_text("1")
            raise ZeroDivisionError
        assert everything(tmp_path) == []

    def test_a_filled_folder_is_refused_unless_told(self, tmp_path):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "old").touch()
        with pytest.raises(InputError, match="a filled one"), files.atomic_folder(tmp_path / "run"):
            pytest.fail("the block must not start")
        with files.atomic_folder(tmp_path / "run", overwrite=True) as temporary:
            (temporary / "new").touch()
        assert everything(tmp_path) == ["run", "run/new"]

    def test_an_empty_folder_is_filled(self, tmp_path):
        with files.atomic_folder(tmp_path / "run") as temporary:
            (temporary / "new").touch()
        assert everything(tmp_path) == ["run", "run/new"]

    def test_the_old_folder_comes_back_when_the_new_cannot_take_its_place(
        self, tmp_path, monkeypatch
    ):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "old").touch()
        really = Path.replace

        def fail_for_new(self, target):
            if self.name.endswith(".tmp"):
                raise OSError(errno.EIO, "broken")
            return really(self, target)

        monkeypatch.setattr(Path, "replace", fail_for_new)
        with (
            pytest.raises(InputError, match="cannot write"),
            files.atomic_folder(tmp_path / "run", overwrite=True) as temporary,
        ):
            (temporary / "new").touch()
        assert everything(tmp_path) == ["run", "run/old"]

    @pytest.mark.parametrize("last", [".old", "run"])
    def test_ctrl_c_between_two_renamings_brings_the_old_folder_back(
        self, tmp_path, monkeypatch, last
    ):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "old").touch()
        really, pressed = Path.replace, []

        def press_after(self, target):
            really(self, target)
            if target.name.endswith(last) and not pressed:
                pressed.append(target)
                raise KeyboardInterrupt

        monkeypatch.setattr(Path, "replace", press_after)
        with (
            pytest.raises(KeyboardInterrupt),
            files.atomic_folder(tmp_path / "run", overwrite=True) as temporary,
        ):
            (temporary / "new").touch()
        assert everything(tmp_path) == ["run", "run/old" if last == ".old" else "run/new"]

    def test_a_file_of_that_name_is_kept(self, tmp_path):
        (tmp_path / "run").write_text("old")
        with (
            pytest.raises(InputError, match="got a file"),
            files.atomic_folder(tmp_path / "run", overwrite=True),
        ):
            pytest.fail("the block must not start")
