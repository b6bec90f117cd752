"""A release with a fault is not built: each gate, with the fault planted, and what it says."""

from __future__ import annotations

import base64
import bz2
import io
import json
import py_compile
import shutil
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from staff.release import ReleaseError, build, trials, write_tree
from staff.release.files import ROOT
from staff.release.gates import Release, faults_of
from staff.release.pack import make_repository
from tests.staff.small_repository import BOOK, LIGHT, LINE, SOLVED, WEIGHTS, git, make, write


def faults(tmp_path, changes=None, planted=None):
    """What the gates say of a small repository with changes, and of things planted in its tree."""
    root, tree = make(tmp_path / "root", changes), tmp_path / "tree"
    decision = write_tree(tree, root)
    write(tree, planted or {})
    return faults_of(Release(tree, root, decision), LIGHT)


def zipped(name, content):
    with zipfile.ZipFile(packed := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def picture_that_says(text):
    said = PngImagePlugin.PngInfo()
    said.add_text("made with", text, zip=True)
    Image.new("RGB", (4, 4)).save(packed := io.BytesIO(), "png", pnginfo=said)
    return packed.getvalue()


def notebook_that_says(text):
    cell = {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": None}
    return json.dumps(BOOK | {"cells": [cell | {"source": [text]}]})


def test_a_repository_without_fault_is_built(tmp_path):
    assert faults(tmp_path) == []


def test_nothing_is_written_while_a_gate_complains(tmp_path):
    root = make(tmp_path / "root", {"docs/why.md": "[on](nowhere.md)\n"})
    with pytest.raises(ReleaseError, match=r"docs/why\.md: a link to nowhere\.md"):
        build(tmp_path / "out" / "deep", root, gates=LIGHT)
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hw5/losses.py", SOLVED.replace("    # END SOLUTION\n", "")),
        (
            "hw5/losses.py",
            SOLVED.replace("    weight", "    # BEGIN SOLUTION task_1_2\n    weight"),
        ),
        ("README.md", "<!-- BEGIN STAFF -->\nfor us\n"),
        ("README.md", "# END STUDENT\n"),
        ("README.md", "# BEGIN STAFF\n# BEGIN STUDENT\n# END STUDENT\n# END STAFF\n"),
        ("README.md", "# BEGIN STAFF\n# END STUDENT\n"),
    ],
)
def test_broken_marks_stop_the_build_and_name_the_file(name, text, tmp_path):
    root = make(tmp_path / "root", {name: text})
    with pytest.raises(ReleaseError, match=name):
        write_tree(tmp_path / "tree", root)


def test_a_mark_where_none_is_cut_is_found(tmp_path):
    (fault,) = faults(tmp_path, {"docs/why.md": "Write between # BEGIN SOLUTION and the end.\n"})
    assert fault == "docs/why.md: line 1: 'BEGIN SOLUTION'"


HIDING = {
    "tests/oracle.py": f"def other(weight, values):\n    {LINE}\n    return kept\n",
    "tests/wrapped.py": LINE.replace(", ", ",\n    ") + "  # the same\n",
    "notebooks/two.ipynb": notebook_that_says(f"if True:\n\t{LINE}"),
    "docs/idea.md": f"Try `{LINE}`.\n",
    "docs/idea.html": f"<p>{LINE.replace('>', '&gt;')}</p>",
    "data/card.json": json.dumps({"hint": [LINE]}),
    "data/weights.bin": zlib.compress(LINE.encode()),
    "data/more.bz2": bz2.compress(LINE.encode()),
    "data/cats.zip": zipped("inner.zip", zipped("losses.py", SOLVED)),
    "docs/cat.png": picture_that_says(LINE),
    "docs/code.txt": "x = " + base64.b64encode(SOLVED.encode()).decode(),
    "docs/mail.txt": base64.encodebytes(SOLVED.encode()).decode(),
    "docs/hex.txt": LINE.encode().hex(),
    "docs/wide.txt": SOLVED.encode("utf-16"),
    ".cache/outputs.json": json.dumps({"last": SOLVED}),
}


@pytest.mark.parametrize("name", HIDING)
def test_a_line_of_a_solution_is_found_wherever_it_hides(name, tmp_path):
    found = faults(tmp_path, {name: HIDING[name]})
    assert any(name in fault and LINE in fault and "task 1.1" in fault for fault in found), found


def test_two_short_lines_are_found_together(tmp_path):
    solved = SOLVED.replace(LINE, "base = mask.clone()\n    chosen = list(mask)")
    leak = "x = 1\nbase = mask.clone()\nchosen = list(mask)\n"
    (fault,) = faults(tmp_path, {"hw5/losses.py": solved, "tests/short.py": leak})
    assert "'base = mask.clone() chosen = list(mask)' of task 1.1" in fault


def test_a_common_line_alone_is_no_leak(tmp_path):
    solved = SOLVED.replace(LINE, "kept = values")
    assert not faults(tmp_path, {"hw5/losses.py": solved, "tests/fine.py": "kept = values\n"})


def test_the_name_of_a_hidden_test_is_found(tmp_path):
    cache = '{"tests/x.py::test_nobody_knows_this_name": true}'
    assert any("test_nobody_knows" in f for f in faults(tmp_path, {".cache/lastfailed": cache}))


def test_a_longer_name_is_another_one(tmp_path):
    assert not faults(tmp_path, {"docs/why.md": "test_nobody_knows_this_name_at_all\n"})


def test_compiled_code_is_refused(tmp_path):
    (tmp_path / "losses.py").write_text(SOLVED)
    py_compile.compile(str(tmp_path / "losses.py"), tmp_path / "losses.pyc")
    planted = {"hw5/__pycache__/losses.pyc": (tmp_path / "losses.pyc").read_bytes()}
    assert "hw5/__pycache__/losses.pyc: compiled code" in faults(tmp_path, planted=planted)


def test_a_solution_in_an_old_commit_is_found(tmp_path):
    root, tree = make(tmp_path / "root"), tmp_path / "tree"
    decision = write_tree(tree, root)
    stub = (tree / "hw5/losses.py").read_bytes()
    write(tree, {"hw5/losses.py": SOLVED})
    make_repository(tree)
    write(tree, {"hw5/losses.py": stub})
    git(tree, "commit", "--quiet", "--all", "--amend", "--message=clean")
    found = faults_of(Release(tree, root, decision), LIGHT)
    assert len(found) > 1 and all(fault.startswith("git blob") for fault in found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Ask the staff.\n", "line 1 speaks of 'staff'"),
        ("See tests/staff/test_secret.py.\n", "speaks of tests/staff/test_secret.py"),
    ],
)
def test_words_about_the_instructors_side_are_found(text, fault, tmp_path):
    assert any(fault in found for found in faults(tmp_path, {"docs/why.md": text}))


def test_outputs_left_in_a_notebook_are_found(tmp_path):
    (fault,) = faults(tmp_path, planted={"notebooks/one.ipynb": json.dumps(BOOK)})
    assert fault == "notebooks/one.ipynb: 1 cells with outputs"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/why.md", "![a cat](cat.png)\n"),
        ("docs/why.md", "[out](../../root/README.md)\n"),
        ("docs/page.html", '<a href="missing.html">x</a>\n'),
        ("docs/page.html", "<img src='missing.png'>\n"),
        ("docs/why.md", "[ref]: gone.md\n"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(name, text, tmp_path):
    (fault,) = faults(tmp_path, {name: text})
    assert fault.startswith(f"{name}: a link to ")


def test_a_broken_link_in_a_notebook_is_found(tmp_path):
    cell = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": ["[on](02.ipynb)"]}
    (fault,) = faults(tmp_path, {"notebooks/one.ipynb": json.dumps(BOOK | {"cells": [cell]})})
    assert "a link to 02.ipynb" in fault


@pytest.mark.parametrize(
    "planted",
    [
        {"data/weights/cat.safetensors": WEIGHTS[::-1]},
        {"data/weights/cat.safetensors": WEIGHTS[1:]},
    ],
)
def test_a_weight_with_another_digest_is_found(planted, tmp_path):
    (fault,) = faults(tmp_path, planted=planted)
    assert fault == "data/weights/cat.safetensors: another digest or size than in MANIFEST.toml"


def test_a_weight_that_the_manifest_does_not_know_is_found(tmp_path):
    (fault,) = faults(tmp_path, {"data/weights/dog.safetensors": b"more numbers"})
    assert "dog.safetensors: not in MANIFEST.toml" in fault


def test_a_missing_weight_is_found(tmp_path):
    root, tree = make(tmp_path / "root"), tmp_path / "tree"
    decision = write_tree(tree, root)
    (tree / "data/weights/cat.safetensors").unlink()
    (fault,) = faults_of(Release(tree, root, decision), LIGHT)
    assert fault == "data/weights/cat.safetensors: missing"


def test_a_new_file_has_to_be_admitted(tmp_path):
    root = make(tmp_path / "root")
    write(root, {"hw5/new.py": "x = 1\n"})
    git(root, "add", "hw5/new.py")
    with pytest.raises(ReleaseError, match=r"hw5/new\.py: new; .*--admit"):
        build(tmp_path / "out", root, gates=LIGHT)


def test_a_file_that_is_not_of_the_release_is_found(tmp_path):
    assert faults(tmp_path, planted={"notes.txt": "x"}) == [
        "notes.txt: in the folder, but not of the release"
    ]


@pytest.mark.slow
def test_a_stub_that_passes_its_check_is_found(tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "hw5", tree / "hw5", ignore=shutil.ignore_patterns("__pycache__"))
    assert trials.stubs_that_pass(tree, ["1.8"])[0].startswith("task 1.8: the stub passes the")


@pytest.mark.slow
def test_a_solution_that_fails_a_check_is_found(tmp_path):
    shutil.copytree(ROOT / "hw5", tmp_path / "hw5", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "hw5/losses.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("per_picture.mean(dim=1)", "per_picture.sum(dim=1)"))
    assert trials.solutions_that_fail(tmp_path, ["1.8"])[0].startswith(
        "task 1.8: the solution fails the check"
    )


def test_a_folder_without_git_is_one_clear_line(tmp_path):
    with pytest.raises(ReleaseError, match="git cannot list its files"):
        write_tree(tmp_path / "tree", Path(tmp_path))
