"""A whole batch with a fake grader: canaries first, every output there, the same again goes on."""

from __future__ import annotations

import csv
import io
import json
import shutil
import stat
from dataclasses import dataclass, field, replace

import pytest
from grading_fakes import FakeGrader, graded_of, submit

from hw5.kit.checks import InputError
from staff.batch.batch import RESULTS, CanariesFailed, Settings, run_batch
from staff.batch.canaries import Canary
from staff.batch.desk import Opened
from staff.batch.store import Store
from staff.commands.grade import tell

RUBRIC = """
name = "tiny"
title = "A tiny course"

[late]
free_days = 5
percent_a_day = 10

[tolerance]
relative = 1e-6
absolute = 1e-8
relative_float32 = 1e-4
absolute_float32 = 1e-5

[curve]
full = 1.5
zero = 10

[[part]]
name = "losses"
title = "Losses"
points = 10

[part.tasks]
"1.1" = 2
"1.2" = 4

[[part.manual]]
name = "words"
title = "What you wrote"
points = 4
"""
ROSTER = "id,name,days_late\nada,Ada L.,0\nbob,Bob,7\neve,Eve,0\n"
TEXTS = {"ada": "1", "bob": "0.5", "zoe": "refused"}


@dataclass
class FakeDesk:
    """A desk whose grader reads code.txt; counts how often it was opened."""

    log: object = None
    share: str = "1"
    common: dict = field(default_factory=lambda: {"tests": "t", "seed": "s"})
    opened: int = 0
    attacks: dict = field(default_factory=lambda: {"fork_bomb": ""})

    def __call__(self, settings, rubric, seed):
        self.common["seed"] = str(seed)
        return self

    def open(self):
        self.opened += 1
        wants = graded_of("solved", 1).points

        def complaint(graded):
            return "" if graded.points == wants else f"has {graded.points:g} points"

        canary = Canary("solved", {"code.txt": self.share.encode()}, complaint)
        return Opened(FakeGrader(self.log), [canary], lambda stream: self.attacks)


@pytest.fixture
def settings(tmp_path):
    submit(tmp_path / "in", TEXTS)
    for name, text in (("tiny.toml", RUBRIC), ("roster.csv", ROSTER)):
        (tmp_path / name).write_text(text)
    return Settings(
        tmp_path / "in",
        tmp_path / "out",
        rubric=str(tmp_path / "tiny.toml"),
        roster=tmp_path / "roster.csv",
        workers=2,
    )


def grade(settings, desk=None):
    stream = io.StringIO()
    return run_batch(settings, stream, desk or FakeDesk()), stream.getvalue()


def gradebook(settings):
    with (settings.out / "gradebook.csv").open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_a_batch_writes_everything_that_goes_out(settings):
    finished, said = grade(settings)
    names = {p.relative_to(settings.out).as_posix() for p in settings.out.rglob("*")}
    for name in TEXTS:
        assert f"results/{name}.json" in names
        assert f"feedback/{name}.html" in names
        assert f"gradescope/{name}/results.json" in names
    assert {"gradebook.csv", "marks_template.csv", "batch.json"} <= names
    assert "canaries as expected: solved" in said
    assert finished.who.missing == ("eve",)
    assert finished.who.unknown == ("zoe",)
    assert not any("canaries" in name for name in names)


def test_the_gradebook_takes_late_days_off(settings):
    grade(settings)
    found = gradebook(settings)
    assert found["ada"]["final"] == "6"
    assert float(found["bob"]["final"]) == pytest.approx(4 * 0.8)
    assert float(found["bob"]["penalty"]) == pytest.approx(4 * 0.2)
    assert "10 % a day" in (settings.out / "feedback" / "bob.html").read_text()
    assert "10 % a day" not in (settings.out / "feedback" / "ada.html").read_text()
    assert found["zoe"]["final"] == "0"
    assert found["eve"]["state"] == "no submission"


def test_free_days_that_are_used_up_count(settings):
    settings.roster.write_text("id,days_late,free_days\nada,2,1\nbob,2,\nzoe,,\n")
    grade(settings)
    assert float(gradebook(settings)["ada"]["final"]) == pytest.approx(6 * 0.9)
    assert gradebook(settings)["bob"]["penalty"] == "0"


def test_marks_that_people_give_come_in_without_grading_again(settings, tmp_path):
    grade(settings)
    marks, desk = tmp_path / "marks.csv", FakeDesk()
    marks.write_text("id,words,comment\nada,3.5,Well written & clear\n")
    grade(replace(settings, marks=marks), desk)
    assert desk.opened == 0
    assert float(gradebook(settings)["ada"]["final"]) == 9.5
    assert "Well written &amp; clear" in (settings.out / "feedback" / "ada.html").read_text()


def test_the_template_for_marks_can_be_filled_and_read(settings):
    grade(settings)
    template = settings.out / "marks_template.csv"
    filled = template.read_text().replace("ada,,", "ada,,4")
    template.write_text("\n".join(r for r in filled.splitlines() if "zoe" not in r))
    grade(replace(settings, marks=template))
    assert float(gradebook(settings)["ada"]["final"]) == 10


@pytest.mark.parametrize("share", ["0.5", "refused", "raise"])
def test_a_wrong_canary_refuses_the_batch_before_anything_is_graded(settings, tmp_path, share):
    log = tmp_path / "log"
    with pytest.raises(CanariesFailed, match="solved"):
        grade(settings, FakeDesk(log, share))
    assert {line.split()[0] for line in log.read_text().splitlines()} == {"solved"}
    assert Store(settings.out / RESULTS).all() == []
    assert not (settings.out / "gradebook.csv").exists()


def test_an_attack_that_came_through_refuses_the_batch_and_is_named(settings, tmp_path):
    desk = FakeDesk(tmp_path / "log", attacks={"fork_bomb": "", "memory": "got out"})
    with pytest.raises(CanariesFailed, match=r"^memory: got out$"):
        grade(settings, desk)
    assert {line.split()[0] for line in (tmp_path / "log").read_text().splitlines()} == {"solved"}


@pytest.mark.parametrize(
    ("changed", "says"),
    [({}, "all"), ({"canaries": "few"}, "few"), ({"backend": "plain", "unsafe": True}, "few")],
)
def test_a_result_names_the_canaries_before_it(settings, changed, says):
    grade(replace(settings, **changed))
    assert {graded.canaries for graded in Store(settings.out / RESULTS).all()} == {says}
    assert ("few canaries" in (settings.out / "feedback" / "ada.html").read_text()) == (
        says == "few"
    )


@pytest.mark.parametrize("changed", [{"canaries": "few"}, {"backend": "plain", "unsafe": True}])
def test_few_canaries_try_no_attacks_nor_does_a_grader_without_a_jail(settings, changed):
    finished, said = grade(replace(settings, **changed), FakeDesk(attacks={"memory": "got out"}))
    assert finished.num_new == 3
    assert "most attacks were not tried" in said


def test_canaries_do_not_sing_when_nothing_is_to_be_graded(settings):
    grade(settings)
    desk = FakeDesk()
    finished, said = grade(settings, desk)
    assert desk.opened == finished.num_new == 0
    assert "0 to grade, 3 are graded" in said


def test_the_seed_is_drawn_once_kept_and_readable_by_us_alone(settings):
    first = FakeDesk()
    grade(settings, first)
    second = FakeDesk()
    grade(settings, second)
    assert first.common["seed"] == second.common["seed"]
    record = settings.out / "batch.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    other = FakeDesk()
    grade(replace(settings, out=settings.out.with_name("other")), other)
    assert other.common["seed"] != first.common["seed"]


def test_another_seed_for_the_same_folder_is_refused(settings):
    grade(replace(settings, seed=1))
    with pytest.raises(InputError, match="--seed"):
        grade(replace(settings, seed=2))


def test_one_student_can_be_graded_alone(settings):
    grade(replace(settings, only=("bob",)))
    assert [g.submission for g in Store(settings.out / RESULTS).all()] == ["bob"]
    with pytest.raises(InputError, match="--only"):
        grade(replace(settings, only=("eve",)))


def test_the_result_of_a_submission_that_was_taken_away_is_in_no_gradebook(settings):
    grade(settings)
    shutil.rmtree(settings.submissions / "zoe")
    finished, _ = grade(settings)
    assert "zoe" not in gradebook(settings)
    assert finished.who.unknown == ()


def test_our_failure_leaves_no_number_and_gives_status_one(settings, capsys):
    submit(settings.submissions, {"eve": "raise"})
    finished, _ = grade(settings)
    assert gradebook(settings)["eve"]["final"] == ""
    assert tell(finished, settings) == 1
    assert "our failures, to be run again (1): eve" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [("roster.csv", "id\nada\nada\n", "each id once"), ("tiny.toml", "name = ", "tiny.toml")],
)
def test_bad_lists_stop_a_batch_before_it_writes(settings, tmp_path, file, text, words):
    (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=words):
        grade(settings)
    assert not settings.out.exists()


def test_gradescopes_file_has_the_points_of_the_result(settings):
    grade(settings)
    found = json.loads((settings.out / "gradescope" / "bob" / "results.json").read_text())
    assert found["score"] == 4
