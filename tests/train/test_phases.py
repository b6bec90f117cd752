"""The figures of a run's first phase are kept, and computed again only where that is needed."""

from __future__ import annotations

from hw5.train.jobs import figures_of_phase


def counting(values):
    calls = []

    def finish():
        calls.append(1)
        return {"loss": values[len(calls) - 1]}

    return finish, calls


def test_a_phase_that_is_done_is_not_ended_again(tmp_path):
    finish, calls = counting([1.0, 2.0])
    assert figures_of_phase(tmp_path, "warm", finish) == {"warm_loss": 1.0}
    assert figures_of_phase(tmp_path, "warm", finish) == {"warm_loss": 1.0}
    assert len(calls) == 1


def test_a_phase_whose_outcome_was_lost_is_ended_again(tmp_path):
    finish, calls = counting([1.0, 2.0, 3.0])
    figures_of_phase(tmp_path, "warm", finish)
    assert figures_of_phase(tmp_path, "warm", finish, again=True) == {"warm_loss": 2.0}
    assert figures_of_phase(tmp_path, "warm", finish) == {"warm_loss": 2.0}
    assert len(calls) == 2
