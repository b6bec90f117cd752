"""The line below a slow cell: what it says, when it comes, and that it goes."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from hw5.ui import waiting

SLOW = "import time\nfor _ in range(2):\n    time.sleep(0.3)"


@pytest.fixture
def shell(monkeypatch):
    """A shell whose cells somebody looks at, and waits for a tenth of a second."""
    monkeypatch.setattr(waiting, "PATIENCE", 0.1)
    monkeypatch.setattr(waiting, "TICK", 0.1)
    made = InteractiveShell()
    made.kernel = SimpleNamespace(get_parent=lambda channel: {"content": {"allow_stdin": True}})
    waiting.install(made)
    return made


@pytest.fixture
def shown(monkeypatch):
    """All texts that were put below cells."""
    texts = []
    monkeypatch.setattr(waiting, "_put", lambda line, text: texts.append(text) or "there")
    return texts


def test_a_slow_cell_says_which_line_runs_and_is_silent_in_the_end(shell, shown):
    shell.run_cell(SLOW)
    assert len(shown) >= 3 and shown[-1] == ""
    for text in shown[:-1]:
        assert re.search(r"[01] s; line [23] of 3: <code>(time.sleep|for _ in)", text)


def test_a_quick_cell_shows_nothing(shell, shown):
    shell.run_cell("1 + 1")
    assert shown == []


def test_a_cell_that_fails_loses_its_line_too(shell, shown):
    shell.run_cell("import time\ntime.sleep(0.3)\n1 / 0")
    assert shown and shown[-1] == ""


def test_nobody_looks_on_where_no_question_can_be_asked(shell, shown):
    shell.kernel.get_parent = lambda channel: {"content": {"allow_stdin": False}}
    shell.run_cell(SLOW)
    assert shown == []


def test_installed_twice_it_speaks_once(shell, shown):
    waiting.install(shell)
    shell.run_cell(SLOW)
    assert shown.count("") == 1


def test_code_is_shown_as_text_and_cut():
    text = waiting.said(12.3, "a < b and '<script>' " + "x" * 100, 1)
    assert "12 s; line 1 of 1" in text and "&lt;script&gt;" in text and "<script>" not in text
    assert text.endswith("…</code></small>")


@pytest.mark.parametrize("line", [None, 0, 7])
def test_a_line_that_is_not_known_is_left_out(line):
    assert waiting.said(3, "x = 1", line) == '<small role="status">running for 3 s</small>'
