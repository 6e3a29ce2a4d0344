"""A target says whether it holds, and those of a run are read as they were written."""

from pathlib import Path

import pytest
from benchmarks.run import show_targets
from benchmarks.targets import Target, keep, kept, summary, table


@pytest.mark.parametrize(
    ("target", "holds"),
    [
        (Target("a", 0.6, 0.6, "at most"), True),
        (Target("a", 0.61, 0.6, "at most"), False),
        (Target("a", 0.85, 0.85), True),
        (Target("a", 0.84, 0.85), False),
        (Target("a", None, 0.85), None),
        (Target("a", 0.84, None), None),
        (Target("a", 0, 0, "at most"), True),
    ],
)
def test_a_target_holds_or_does_not(target: Target, holds: bool | None) -> None:
    assert target.holds is holds


def test_a_missed_target_and_one_that_was_not_measured_have_lines() -> None:
    found = [
        Target("stream of a turn", 12.3, 2.5, "at most", "KB", "Coatcheck alone"),
        Target("cold variant ÷ imgproxy", None, 1, note="not installed"),
        Target("blur ÷ picture of the fastest peer", 0.3, None, "at most"),
        Target("1,000 at once", 1000, 1000),
    ]
    assert list(table("", found).rows) == [
        ("stream of a turn", "12.3 KB (Coatcheck alone)", "≤ 2.5 KB", "NO"),
        ("cold variant ÷ imgproxy", "not measured (not installed)", "≥ 1", ""),
        ("blur ÷ picture of the fastest peer", "0.3", "", ""),
        ("1,000 at once", "1,000", "≥ 1,000", "yes"),
    ]
    assert summary(found) == "1 targets hold, 1 do not, 1 were not measured"


def test_the_table_at_the_end_has_the_targets_of_every_benchmark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    ours, theirs = Target("thumbnail", 0.9, 0.85), Target("stream", 3.0, 2.5, "at most", "KB")
    keep(results, "delivery", [Target("of an earlier run", 1, 1)])
    keep(results, "delivery", [ours])
    keep(results, "chats", [theirs])
    assert kept(results) == {"chats": [theirs], "delivery": [ours]}
    show_targets(results)
    printed = capsys.readouterr().out
    assert "1 targets hold, 1 do not" in printed
    assert "| stream | 3 KB | ≤ 2.5 KB | NO |" in (results / "targets.md").read_text("utf-8")
