"""The doctor finds what is wrong, says what to do, and answers with its status."""

from __future__ import annotations

import sys

import pytest
import torchvision

from hw5 import zoo
from hw5.cli import doctor
from hw5.cli.doctor import BAD, GOOD, NOTE, Finding
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


def test_absent_optional_weights_are_only_a_note_that_says_what_stands_in(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HW5_WEIGHTS", str(tmp_path))
    found = {finding.topic: finding for finding in doctor.examine_optional_weights()}
    assert found["efficientnet-lite0"].level == GOOD
    assert found["vgg19"].level == NOTE and "is used instead" in found["vgg19"].text
    assert BAD not in levels(found.values())


def test_more_threads_than_cores_are_noted(monkeypatch):
    monkeypatch.setattr(doctor, "usable_cores", lambda: 0)
    finding = doctor.examine_threads()
    assert finding.level == NOTE and "OMP_NUM_THREADS" in finding.text
