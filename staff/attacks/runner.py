"""Tries attacks on a grader and says, of each, whether what must happen happened.

Offers `try_all`, `Outcome` and `table`. Each attack becomes a submission, is graded
like any other, several at a time, and then three things are asked: has each file the points that
its honest part deserves, is everything outside as it was, and does the result say what happened?
Honest submissions stand among the hostile ones, and must not notice. Read next: series.py; small.py
and whole.py, the graders; host.py, what lies outside.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from staff.attacks.archives import PACKERS
from staff.attacks.attack import INTERPOLATE, LOSSES, Attack, files_of
from staff.attacks.host import Host
from staff.attacks.small import Grader

AT_A_TIME = 2
HONEST = Attack("an honest neighbour", "confuse", "nothing", "it has all its points", solved=True)


@dataclass(frozen=True)
class Outcome:
    """What came of one attack."""

    attack: Attack
    shares: Mapping[str, float]  # of the points, by file
    said: str  # everything that the result says
    seconds: float
    harm: Sequence[str] = field(default_factory=tuple)

    @property
    def complaints(self) -> list[str]:
        """What must not be; none when the attack failed as it should."""
        found = list(self.harm)
        for file, share in self.shares.items():
            least, most = self.attack.share(file)
            if not least - 1e-9 <= share <= most + 1e-9:
                found.append(f"{file} earned {share:.2f}, deserves {least:g} to {most:g}")
        if self.attack.says and not any(word in self.said for word in self.attack.says):
            found.append(f"the result does not say any of {', '.join(self.attack.says)}")
        return found


def try_all(
    attacks: Iterable[Attack],
    grader: Grader,
    solved: Mapping[str, str],
    stubs: Mapping[str, str],
    *,
    at_a_time: int = AT_A_TIME,
    neighbours: int = 3,
    on_done: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Grade every attack, and honest neighbours before, amid and after them.

    Args:
        attacks: what is tried.
        grader: of submissions that hold these files.
        solved: the two students' files with solutions.
        stubs: the two without.
        at_a_time: how many are graded side by side.
        neighbours: how many honest ones; a single one stands amid.
        on_done: called with each outcome, from several threads.
    """
    series = with_neighbours(list(attacks), neighbours)
    with Host.opened() as host, tempfile.TemporaryDirectory(prefix="hw5-attacks-") as folder:

        def one(number: int, attack: Attack) -> Outcome:
            files = files_of(attack, solved, stubs, host.words)
            pack = PACKERS[attack.zip or ("plain" if number % 2 else "folder")]
            submission = pack(Path(folder, f"{number}-{attack.name}"), files, host.folder)
            began = time.monotonic()
            shares, said = grader(attack, submission)
            outcome = Outcome(attack, shares, said, time.monotonic() - began, host.harm(said))
            if on_done:
                on_done(outcome)
            return outcome

        with ThreadPoolExecutor(at_a_time) as pool:
            outcomes = list(pool.map(one, range(len(series)), series))
        left = host.left_behind()
        if left:
            outcomes.append(Outcome(HONEST, {}, "", 0.0, [f"processes left behind: {left}"]))
    return outcomes


def with_neighbours(attacks: Sequence[Attack], count: int) -> list[Attack]:
    """The attacks with honest ones spread evenly from first to last."""
    gaps = max(1, count - 1)
    places = [len(attacks) * k // gaps for k in range(count)] if count != 1 else [len(attacks) // 2]
    series = list(attacks)
    for place in reversed(places):
        series.insert(place, HONEST)
    return series


def table(outcomes: Iterable[Outcome]) -> str:
    """A line for each attack: what it tries, what each file earned, how it came out."""
    lines = [f"{'attack':26}{'tries':86}{'losses':>7}{'interp.':>8}{'s':>6}  verdict"]
    for outcome in outcomes:
        attack, shares = outcome.attack, outcome.shares
        earned = f"{shares.get(LOSSES, 0):7.2f}{shares.get(INTERPOLATE, 0):8.2f}"
        verdict = "; ".join(outcome.complaints) or "failed, as it must"
        if attack is HONEST and not outcome.complaints:
            verdict = "unharmed"
        tries = attack.tries if len(attack.tries) < 85 else attack.tries[:82] + "..."
        lines.append(f"{attack.name:26}{tries:86}{earned}{outcome.seconds:6.1f}  {verdict}")
    return "\n".join(lines)
