"""The doctor finds what is wrong, says what to do, and answers with its status."""

from __future__ import annotations

import sys

import pytest
import torchvision

from hw5 import zoo
from hw5.cli import doctor
from hw5.cli.doctor import BAD, GOOD, NOTE, Finding
from hw5.cli.doctor_networks import DETECTOR, networks_of_others
from hw5.kit.checks import InputError


def levels(findings) -> set[str]:
    return {finding.level for finding in findings}


@pytest.mark.parametrize(("level", "status"), [(GOOD, 0), (NOTE, 0), (BAD, 1)])
def test_the_status_says_whether_the_machine_is_usable(run, monkeypatch, level, status):
    monkeypatch.setattr(doctor, "examine", lambda: [Finding(level, "thing", "words")])
    answer = run("doctor")
    assert answer.status == status
    assert level in answer.out and "words" in answer.out


def test_this_machine_has_everything_but_perhaps_weights():
    names = ("packages", "torch", "torchvision", "pair", "writing", "threads")
    found = {finding.topic: finding for finding in doctor.examine()}
    assert {found[name].level for name in names} <= {GOOD, NOTE}


def test_an_old_python_is_bad():
    assert doctor.examine_python((3, 9)).level == BAD
    assert doctor.examine_python((3, 10)).level == GOOD


def test_a_missing_package_is_named_with_its_command():
    (finding,) = doctor.examine_packages({"no_such_module": "no-such-package"})
    assert finding.level == BAD and "pip install no-such-package" in finding.text


def test_a_pair_that_does_not_fit_is_found_when_its_operator_is_called(monkeypatch):
    def broken(*_):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", broken)
    finding = doctor.examine_pair()
    assert finding.level == BAD
    assert "torchvision::nms does not exist" in finding.text and "pip install" in finding.text


def test_a_pair_that_does_not_import_is_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # makes the import fail
    found = list(doctor.examine_torch())
    assert [f.topic for f in found] == ["torch", "torchvision"]
    assert found[-1].level == BAD and "may not belong together" in found[-1].text


def test_a_folder_that_cannot_be_written_is_bad(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    assert doctor.examine_folder(tmp_path / "new" / "folder").level == GOOD
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    finding = doctor.examine_folder(tmp_path / "new")
    assert finding.level == BAD and "Permission denied" in finding.text


def test_a_changed_weight_is_bad(monkeypatch):
    entry = zoo.Entry("cat", "dcgan", "a cat", "MIT", "", file="weights/cat.safetensors")

    def refuse(_name):
        raise InputError("cat.safetensors: another digest")

    monkeypatch.setattr(zoo, "names", lambda: ("cat", "stylegan2", "dcgan"))
    monkeypatch.setattr(zoo, "describe", lambda _name: entry)
    monkeypatch.setattr(zoo, "load", refuse)
    found = list(doctor.examine_weights())
    assert levels(found) == {BAD} and "another digest" in found[0].text


def test_missing_generators_are_bad(monkeypatch):
    monkeypatch.setattr(zoo, "names", lambda: ())
    assert [f.topic for f in doctor.examine_weights() if f.level == BAD] == ["dcgan", "stylegan2"]


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without any published file; the folder that is searched first."""
    for variable in ("TORCH_HOME", "HW5_CACHE", "HW5_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    (tmp_path / "HW5_WEIGHTS").mkdir()
    return tmp_path / "HW5_WEIGHTS"


def test_all_weights_of_the_project_are_one_line():
    (finding,) = doctor.examine_weights()
    bundled = [name for name in zoo.names() if not zoo.describe(name).published]
    assert finding.level == GOOD and f"{len(bundled)} networks" in finding.text


def test_an_absent_vgg19_says_what_to_fetch_and_what_is_used_meanwhile(bare):
    found = {finding.topic: finding for finding in doctor.examine_published()}
    assert found["vgg19"].level == NOTE
    assert "python -m hw5 fetch vgg19 (575 MB)" in found["vgg19"].text
    assert "world-features is used meanwhile" in found["vgg19"].text


def test_the_ruler_in_use_is_named_with_the_way_to_a_better_one(bare):
    found = {finding.topic: finding for finding in doctor.examine_published()}
    assert "lpips-EfficientNetLite0" in found["lpips"].text
    assert "python -m hw5 fetch alexnet" in found["lpips"].text


def test_nothing_that_can_be_fetched_makes_a_machine_bad(bare):
    found = list(doctor.examine_published())
    assert levels(found) == {NOTE} and len(found) < 5


def test_a_wrong_file_under_a_right_name_is_named(bare):
    (bare / zoo.describe("vgg19").filename).write_bytes(b"<html>Quota exceeded</html>")
    text = " ".join(f.text for f in doctor.examine_published() if f.topic == "vgg19")
    assert "passed over: it is a web page" in text and "fetch vgg19" in text


def test_a_published_file_that_is_here_is_shown_with_its_place(bare, monkeypatch):
    path = bare / zoo.describe("vgg19").filename
    path.write_bytes(b"\x80\x02")
    monkeypatch.setattr("hw5.zoo.places.problem_of", lambda *_, **__: "")
    found = {finding.topic: finding for finding in doctor.examine_published()}
    assert found["vgg19"] == Finding(GOOD, "vgg19", str(path))


def test_more_threads_than_cores_are_noted(monkeypatch):
    monkeypatch.setattr(doctor, "usable_cores", lambda: 0)
    finding = doctor.examine_threads()
    assert finding.level == NOTE and "OMP_NUM_THREADS" in finding.text


def section() -> dict[str, str]:
    """The lines about networks of others, by name."""
    return {line.split()[1]: line for line in networks_of_others()[1:]}


def test_every_network_of_others_has_a_line_and_the_folders_are_named(bare, run):
    lines = section()
    published = {name for name in zoo.names() if zoo.describe(name).published}
    assert set(lines) == {*published, DETECTOR}
    assert "fetch alexnet (244 MB)" in lines["alexnet"] and "missing" in lines["alexnet"]
    assert "later" in lines["clip-vit-b-32"] and "later" in lines["stable-diffusion-v1-5"]
    assert str(bare) in networks_of_others()[0]
    assert "Networks of others" in run("doctor").out


def test_a_network_that_is_here_has_its_place_and_a_wrong_file_its_reason(bare, monkeypatch):
    (bare / zoo.describe("vgg19").filename).write_bytes(b"<html>Quota exceeded</html>")
    assert "wrong" in section()["vgg19"] and "a web page" in section()["vgg19"]
    monkeypatch.setattr("hw5.zoo.places.problem_of", lambda *_, **__: "")
    assert str(bare / zoo.describe("vgg19").filename) in section()["vgg19"]


def test_a_missing_detector_of_cats_is_said(bare, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert "missing" in section()[DETECTOR] and "hw5[photo]" in section()[DETECTOR]
