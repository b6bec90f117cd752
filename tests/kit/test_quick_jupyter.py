"""Jupyter starts without a grammar that it does not need."""

from __future__ import annotations

import os
import subprocess
import sys

from hw5.kit import quick_jupyter


def python(*words, **env):
    return subprocess.run(
        [sys.executable, *words], env={**os.environ, **env}, capture_output=True, text=True
    )


def test_nbformat_reads_and_checks_notebooks_without_the_grammar():
    code = (
        "from hw5.kit.quick_jupyter import skip_addresses; skip_addresses()\n"
        "import nbformat, sys\n"
        "assert not any(name.startswith('rfc3987_syntax.') for name in sys.modules)\n"
        "book = nbformat.v4.new_notebook(); nbformat.validate(book); book['metadata'] = 3\n"
        "try: nbformat.validate(book)\n"
        "except nbformat.ValidationError: print('refused')"
    )
    answer = python("-c", code)
    assert answer.stdout.split() == ["refused"], answer.stderr


def test_a_program_is_run_with_its_own_arguments(tmp_path):
    (tmp_path / "program.py").write_text("import sys; print(__name__, sys.argv[1:])")
    answer = python("-m", quick_jupyter.__name__, "program", "a", "--b", PYTHONPATH=str(tmp_path))
    assert answer.stdout.strip() == "__main__ ['a', '--b']", answer.stderr
