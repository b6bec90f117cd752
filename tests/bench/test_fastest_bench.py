"""What each part of the fastest search is worth: its figures, its page, and going on when cut."""

from __future__ import annotations

import re

import pytest

from hw5.bench import fastest as bench
from hw5.cli import fastest_page
from hw5.inversion.improvements import ASIDE, LADDER, Pace, Trace

NAMES = (*LADDER, *ASIDE)
FOLLOWED = 3 + 6  # Adam's rates, and the rungs that have a curve of their own


@pytest.fixture
def small_bench(small_kit, ruler, monkeypatch):
    monkeypatch.setattr(bench, "open_fastest", lambda: small_kit)
    monkeypatch.setattr(bench, "lpips_metric", lambda: ruler)
    monkeypatch.setattr(bench, "NUM_PICTURES", 2)
    monkeypatch.setattr(bench, "BUDGET", 30)
    monkeypatch.setattr(bench, "ROUNDS", 1)
    return small_kit


def traces(kit):
    return bench.all_traces(kit, bench.held_out(kit), NAMES)


def test_every_rung_has_its_figures_and_a_line_on_the_page(small_bench, capsys, tmp_path):
    found = bench.measure_fastest()
    bars = capsys.readouterr().err
    assert "timing: 18 steps" in bars and re.search(r"curves: (240|270) steps", bars)
    for name in ("adam", *LADDER):
        assert found[f"{name}_ms_per_evaluation"] > 0
        assert 1 <= found[f"{name}_evaluations"] <= 30
    assert found["adam_times_as_fast"] == found["adam_loss_over_adam"] == 1
    assert found["adam_reached"] == 1
    told = {f"fastest.{name}": value for name, value in found.items()}
    text = fastest_page.write_fastest(tmp_path / "page.html", told).read_text(encoding="utf-8")
    assert "curves: 0 steps" in capsys.readouterr().err  # the page takes what is kept
    assert text.count("<svg") == 4 and text.count("<polyline") == 4 * 6
    assert f"L-BFGS {found['lbfgs_evaluations']:.3g}" in text  # for those who see no chart
    assert f"<td>{found['batch_ms_per_evaluation']:.1f}</td>" in text


def test_figures_have_a_closed_form():
    adam = [Trace((1, 10), (8.0, 4.0), (10,), (0.5,)), Trace((1, 10), (8.0, 2.0), (10,), (0.7,))]
    ours = [
        Trace((1, 2, 3), (6.0, 4.0, 1.0), (3,), (0.1,)),
        Trace((1, 2, 3), (6.0, 4.0, 2.5), (3,), (0.3,)),  # never as low as 2: counts as 3
    ]
    found = bench.figures(
        {"adam": adam, "metric": ours},
        {"adam": Pace(1.0, 1.0), "metric": Pace(0.5, 2.0), "frozen": Pace(0.25, 1.0)},
    )
    assert found["adam_evaluations"] == 10 and found["adam_seconds"] == 10.0
    assert found["metric_evaluations"] == 2.5 and found["metric_reached"] == 0.5
    assert found["metric_seconds"] == 0.5 + 1.5 * 2 and found["metric_times_as_fast"] == 10 / 3.5
    assert found["metric_loss_over_adam"] == (1 / 4 + 2.5 / 2) / 2
    assert found["metric_lpips"] == pytest.approx(0.2)
    assert found["frozen_first_ms"] == 250 and "frozen_evaluations" not in found


def test_a_run_that_was_cut_short_goes_on_with_the_rungs_that_are_missing(
    small_bench, cut, monkeypatch, tmp_path
):
    cut(bench, "follow", at=4)
    with pytest.raises(KeyboardInterrupt):
        traces(small_bench)
    rest = cut(bench, "follow")
    found = traces(small_bench)
    assert len(rest.calls) == FOLLOWED - 4
    assert traces(small_bench) == found and len(rest.calls) == FOLLOWED - 4
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "another"))
    assert traces(small_bench) == found  # in one go


@pytest.mark.parametrize("what", ["generator", "encoder", "code", "world"])
def test_what_a_curve_depends_on_makes_it_another(small_bench, cut, monkeypatch, what):
    traces(small_bench)
    if what == "code":
        monkeypatch.setattr(bench, "CODE", (fastest_page,))
    elif what == "world":
        monkeypatch.setattr(bench, "renderer_digest", lambda: "another")
    else:
        next(iter(getattr(small_bench, what).state_dict().values())).mul_(1.001)
    again = cut(bench, "follow")
    traces(small_bench)
    assert len(again.calls) == FOLLOWED


def test_one_picture_more_is_all_that_is_searched(small_bench, cut, monkeypatch):
    before = traces(small_bench)
    monkeypatch.setattr(bench, "NUM_PICTURES", 3)
    again = cut(bench, "follow")
    after = traces(small_bench)
    assert [len(given[1]) for given in again.calls] == [1] * FOLLOWED
    assert all(after[name][:2] == rows for name, rows in before.items())


def test_bfloat16_is_not_waited_for_where_it_is_slow(small_bench, monkeypatch, tmp_path):
    def slow(kit, targets, names, **_):
        return {name: Pace(1.0, 2.0 if name == "bfloat16" else 1.0) for name in names}

    monkeypatch.setattr(bench, "paces", slow)
    found = bench.measure_fastest()
    assert found["bfloat16_ms_per_evaluation"] == 2000 and "bfloat16_evaluations" not in found
    told = {f"fastest.{name}": value for name, value in found.items()}
    text = fastest_page.write_fastest(tmp_path / "page.html", told).read_text(encoding="utf-8")
    assert "<td>2000.0</td><td>-</td>" in text
