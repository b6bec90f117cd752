"""The gradebook: everybody is in it, nobody twice, and no cell runs in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from grading_fakes import graded_of

from hw5.kit.checks import InputError
from staff.batch import gradebook, roster
from staff.batch.marks import Line, Marks
from staff.grading.graded import REFUSED, STAFF_FAILURE, Graded

MANUAL = {"words": 10.0}


def marks_for(graded):
    words = Line("words", "Words", None, 10)
    part = Line("losses", "Part 1", graded.points, 16, ("1.1", "1.2"), (words,))
    return Marks((part,), final=graded.points, out_of=16)


def book(graded, people):
    rows = gradebook.rows_of({g.submission: g for g in graded}, people, marks_for)
    return {r["id"]: r for r in csv.DictReader(io.StringIO(gradebook.to_csv(rows)))}


def people(tmp_path, students, marks=None):
    files = []
    for name, text in (("roster.csv", students), ("marks.csv", marks)):
        files.append(None if text is None else tmp_path / name)
        if text is not None:
            files[-1].write_text(text, encoding="utf-8")
    return roster.read(*files, MANUAL)


def test_everybody_of_the_roster_and_every_stranger_has_a_row(tmp_path):
    enrolled = people(tmp_path, "id,name\nada,Ada L.\nbob,Bob\n")
    found = book([graded_of("ada", 1), graded_of("zoe", 0.5)], enrolled)
    assert list(found) == ["ada", "bob", "zoe"]
    assert found["ada"]["name"] == "Ada L."
    assert found["bob"]["state"] == "no submission"
    assert found["bob"]["final"] == "0"
    assert found["zoe"]["remark"] == "not on the roster"


def test_without_a_roster_nobody_is_a_stranger(tmp_path):
    assert book([graded_of("zoe", 0.5)], people(tmp_path, None))["zoe"]["remark"] == ""


def test_our_failure_has_no_number(tmp_path):
    graded = Graded("ada", STAFF_FAILURE, message="no memory")
    row = book([graded], people(tmp_path, None))["ada"]
    assert row["final"] == row["losses"] == ""
    assert row["state"] == STAFF_FAILURE
    assert row["remark"] == "no memory"


def test_a_refused_submission_has_zero_points(tmp_path):
    row = book([Graded("ada", REFUSED, message="no hw5")], people(tmp_path, None))["ada"]
    assert row["final"] == "0"


def test_a_mark_that_nobody_gave_is_empty_and_not_zero(tmp_path):
    assert book([graded_of("ada", 1)], people(tmp_path, None))["ada"]["words"] == ""


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "+cmd|x", "-1+2"])
def test_no_cell_is_a_formula(tmp_path, name):
    text = gradebook.to_csv([{"id": name}])
    assert text.splitlines()[1].lstrip('"').startswith("'")


def test_the_columns_stand_as_in_the_fullest_row():
    rows = [
        {"id": "ada", "state": "no submission"},
        {"id": "bob", "losses": "1", "state": "graded"},
    ]
    assert gradebook.to_csv(rows).splitlines()[0] == "id,losses,state"


def test_a_negative_number_stays_a_number():
    assert gradebook.safe("-1.5") == "-1.5"


def test_marks_and_days_late_come_from_the_marks_or_else_from_the_roster(tmp_path):
    found = people(tmp_path, "id,days_late,words\nada,2,\nbob,1,4\n", "id,words\nada,7.5\n")
    assert found.days_late("ada") == 2
    assert found.manual_of("ada") == {"words": 7.5}
    assert found.manual_of("bob") == {"words": 4}
    assert found.manual_of("zoe") == {"words": None}


@pytest.mark.parametrize(
    ("students", "marks", "words"),
    [
        ("name\nada\n", None, "a column 'id'"),
        ("id\nada\nada\n", None, "each id once"),
        ("id,a\nada\n", None, "2 cells a row"),
        ("id\nada\n", "id,wrods\nada,1\n", "wrods"),
        ("id\nada\n", "id,words\nada,11\n", "from 0 to 10"),
        ("id\nada\n", "id,words\nada,ten\n", "from 0 to 10"),
        ("id\nada\n", "id,words\nada,nan\n", "from 0 to 10"),
        ("id\nada\n", "id,words\neve,1\n", "eve"),
        ("id,days_late\nada,-1\n", None, "from 0 to 365"),
    ],
)
def test_a_slip_in_a_list_is_named(tmp_path, students, marks, words):
    with pytest.raises(InputError, match=words):
        people(tmp_path, students, marks)


def test_a_list_from_a_spreadsheet_with_mark_and_blank_rows_is_read(tmp_path):
    file = tmp_path / "r.csv"
    file.write_bytes("\ufeffid,x".encode() + b"\r\nada, 1 \r\n,\r\n")
    assert roster.read_table(file) == {"ada": {"id": "ada", "x": "1"}}
