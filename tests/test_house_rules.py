"""The rules of CONTRIBUTING.md that a program can check, over the whole tree.

Each rule is a function from source text to complaints, so each is also shown a bad sample.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = sorted(path for name in ("hw5", "report", "staff") for path in (ROOT / name).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
STARRED_NAMES = ["losses", "latents", "projector", "interpolate", "draw"]
STARRED = [ROOT / "hw5" / f"{n}.py" for n in STARRED_NAMES]
STARRED += sorted((ROOT / "hw5" / "inversion").glob("*.py"))
SPEAKING = {"checking", "cli", "ui", "train", "__main__.py"}  # may print
TEXT_TYPES = {".py", ".md", ".toml", ".txt", ".html", ".css", ".json", ".cfg", ".js", ".ipynb"}
MAX_FILE, MAX_FUNCTION = 400, 40
MIN_TASK, MAX_TASK = 3, 25
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(source: str) -> Iterator[tuple[ast.FunctionDef, bool]]:
    """Every function with a flag: is it public (module level or method of a public class)?"""

    def walk(body: list[ast.stmt], public: bool) -> Iterator[tuple[ast.FunctionDef, bool]]:
        for node in body:
            named = not getattr(node, "name", "").startswith("_")
            if isinstance(node, FUNCTIONS):
                yield node, public and named
                yield from walk(node.body, False)
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, public and named)

    yield from walk(ast.parse(source).body, True)


def code_lines(function: ast.FunctionDef) -> int:
    """Length of a function in lines, its docstring not counted."""
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return length
    text = function.body[0]
    return length - (text.end_lineno - text.lineno + 1)


def long_file(source: str) -> list[str]:
    count = len(source.splitlines())
    return [f"{count} lines, at most {MAX_FILE}"] if count > MAX_FILE else []


def long_functions(source: str) -> list[str]:
    return [
        f"{f.name}: {code_lines(f)} lines, at most {MAX_FUNCTION}"
        for f, _ in functions(source)
        if code_lines(f) > MAX_FUNCTION
    ]


def undocumented(source: str) -> list[str]:
    missing = [] if ast.get_docstring(ast.parse(source)) else ["no module docstring"]
    return missing + [
        f"{f.name}: no docstring"
        for f, public in functions(source)
        if public and ast.get_docstring(f) is None and not is_overload(f)
    ]


def is_overload(function: ast.FunctionDef) -> bool:
    return any("overload" in ast.unparse(d) for d in function.decorator_list)


def untyped(source: str) -> list[str]:
    return [
        f"{f.name}: untyped {names}"
        for f, public in functions(source)
        if public and (names := holes(f))
    ]


def holes(function: ast.FunctionDef) -> list[str]:
    """Names of the arguments without annotation, and `return`."""
    a = function.args
    arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
    names = [x.arg for x in arguments if x.annotation is None and x.arg not in ("self", "cls")]
    return names + (["return"] if function.returns is None and function.name != "__init__" else [])


def noisy(source: str) -> list[str]:
    """Prints, plots and fixed devices: the core reports through on_step and follows its input."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            loud = called == "print" or called.startswith(("plt.", "sys.stdout", "sys.stderr"))
            fixed = called.endswith(".cuda") or (
                called == "torch.device" and "cuda" in ast.unparse(node)
            )
            if loud or fixed:
                found.append(f"line {node.lineno}: {called}")
        elif isinstance(node, ast.Import | ast.ImportFrom) and "matplotlib" in ast.unparse(node):
            found.append(f"line {node.lineno}: matplotlib")
        elif isinstance(node, ast.Constant) and node.value == "cuda":
            found.append(f"line {node.lineno}: device 'cuda' written in")
    return found


def machine_paths(text: str) -> list[str]:
    """Paths of one particular machine; the pattern is split so that it does not find itself."""
    pattern = r"(?<![\w.~/])/(?:" + "|".join(["work", "tmp", "root", "home", "Users"]) + r")/\w+"
    return [f"machine path {m}" for m in re.findall(pattern, text)]


def leftovers(text: str) -> list[str]:
    pattern = r"#\s*(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b.*"
    return [f"leftover: {m}" for m in re.findall(pattern, text)]


def task_marks(source: str) -> list[str]:
    """Complaints about solution marks: balance, names, and the length of each solution."""
    complaints, names, start = [], [], None
    for number, line in enumerate(source.splitlines(), 1):
        begin = re.fullmatch(r"\s*# BEGIN SOLUTION (\w+)", line)
        if "BEGIN SOLUTION" in line and (begin is None or start is not None):
            complaints.append(f"line {number}: BEGIN without a task name, or nested")
        elif begin:
            names.append(begin[1])
            start, length = number, 0
        elif line.strip() == "# END SOLUTION":
            if start is None:
                complaints.append(f"line {number}: END without BEGIN")
            elif not MIN_TASK <= length <= MAX_TASK:
                complaints.append(f"{names[-1]}: {length} lines, not {MIN_TASK} to {MAX_TASK}")
            start = None
        elif start is not None and line.strip():
            length += 1
    complaints += ["a BEGIN is never closed"] if start is not None else []
    return complaints + [f"task {n} twice" for n in set(names) if names.count(n) > 1]


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative links of a markdown text that lead nowhere."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    local = [t for t in targets if not re.match(r"[a-z]+:", t)]
    return [f"link to missing {t}" for t in local if not (folder / t).exists()]


def quiet_files() -> list[Path]:
    inside = [p for p in CODE if p.is_relative_to(ROOT / "hw5")]
    return [p for p in inside if p.relative_to(ROOT / "hw5").parts[0] not in SPEAKING]


def text_files() -> list[Path]:
    """Every text file of the project: known folders and the files of the root."""
    folders = ["hw5", "report", "tests", "docs", "notebooks", "staff", ".ci"]
    inside = [p for f in folders for p in (ROOT / f).rglob("*")]
    files = [p for p in [*inside, *ROOT.glob("*")] if p.is_file() and "__pycache__" not in p.parts]
    return sorted(p for p in files if p.suffix in TEXT_TYPES or p.name in ("Makefile", "run"))


def complaints(rule: Callable[[str], list[str]], files: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {text}"
        for path in files
        for text in rule(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (long_file, CODE + TESTS),
        (long_functions, CODE + TESTS),
        (undocumented, CODE),
        (untyped, CODE),
        (noisy, quiet_files()),
        (machine_paths, text_files()),
        (leftovers, CODE + TESTS),
        (task_marks, [p for p in STARRED if p.exists()]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_tree_keeps_the_rule(rule, files):
    found = complaints(rule, files)
    assert not found, "\n".join(["see CONTRIBUTING.md", *found])


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (long_file, "x = 1\n" * 401),
        (long_functions, "def f():\n" + "    x = 1\n" * 41),
        (long_functions, "class A:\n  def f():\n" + "    x = 1\n" * 41),
        (undocumented, "x = 1"),
        (undocumented, '"""M."""\nclass A:\n    def f(self) -> None: ...'),
        (untyped, "def f(x) -> int: ..."),
        (untyped, "def f(x: int): ..."),
        (untyped, "def f(*, rest) -> int: ..."),
        (noisy, "print(1)"),
        (noisy, "x = model.cuda()"),
        (noisy, "d = torch.device('cuda')"),
        (noisy, "x = torch.zeros(1, device='cuda')"),
        (noisy, "import matplotlib.pyplot as plt"),
        (machine_paths, 'open("' + "/home" + '/me/cat.png")'),
        (leftovers, "x = 1  # TO" + "DO later"),
        (task_marks, "# BEGIN SOLUTION\n# END SOLUTION"),
        (task_marks, "# BEGIN SOLUTION a\n" + "x = 1\n" * 5),
        (task_marks, "# END SOLUTION"),
        (task_marks, "# BEGIN SOLUTION a\n" + "x = 1\n" * 26 + "# END SOLUTION"),
        (task_marks, "# BEGIN SOLUTION a\n" + "x = 1\n" * 2 + "# END SOLUTION"),
        (task_marks, ("# BEGIN SOLUTION a\n" + "x = 1\n" * 5 + "# END SOLUTION\n") * 2),
    ],
)
def test_each_rule_finds_a_bad_sample(rule, bad):
    assert rule(bad)


def test_no_two_files_of_tests_have_one_name():
    """pytest imports them by their names alone, and stops where two are alike."""
    names = [path.name for path in TESTS if path.name.startswith("test_")]
    assert sorted(names) == sorted({*names})


def test_docstrings_do_not_count_as_code():
    lines = "    line\n" * 60
    assert not long_functions(f'def f():\n    """Text.\n{lines}    """\n    return 1\n')


def test_links_between_documents_lead_somewhere():
    documents = [p for p in text_files() if p.suffix == ".md" and "report" not in p.parts]
    found = [
        f"{p.name}: {c}" for p in documents for c in broken_links(p.read_text("utf-8"), p.parent)
    ]
    assert not found
    assert broken_links("[x](no/such/file.md)", ROOT)


def test_decision_records_have_three_parts_and_consecutive_numbers():
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(p.name[:4]) for p in records] == list(range(1, len(records) + 1))
    for path in records:
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in path.read_text("utf-8"), f"{path.name} lacks {part}"
