"""Ten pictures at once: what is waited for counts from the opening of the socket."""

from typing import Any

import pytest
from benchmarks.browser.cases import Outcome
from benchmarks.browser.ten import COLUMNS, SETTINGS, Rounds, ratio, targets, times

LOOPBACK, *_ = SETTINGS
SLOW = SETTINGS[-1]


def picture(arrived: float, first: float, thumbnail: float | None, full: float) -> dict[str, Any]:
    seen = {"firstPixels": first, "thumbnail": thumbnail, "full": full}
    return {"arrived": arrived, "inView": True, **seen}


def outcome(*pictures: dict[str, Any], settled: float) -> Outcome:
    return Outcome({"pictures": list(pictures), "settled": settled}, 1.0)


OURS = outcome(picture(10, 20, 40, 90), picture(20, 20, 50, 60), settled=120)
BASE64 = outcome(picture(100, 80, None, 80), picture(200, 80, None, 80), settled=300)
STUCK = Outcome(None, 60.0)


def test_base64_is_waited_for_until_its_message_has_come() -> None:
    rounds: Rounds = {"references": [OURS], "legacy": [BASE64]}
    found = {name: ratio(rounds, read) for name, read in COLUMNS.items()}
    assert found == {
        "first pixels": pytest.approx(35 / 230),
        "readable": pytest.approx(60 / 230),
        "full picture": pytest.approx(90 / 230),
        "all painted": pytest.approx(120 / 300),
        "first pixels after its message": pytest.approx(20 / 80),
        "readable after its message": pytest.approx(45 / 80),
        "full picture after its message": pytest.approx(75 / 80),
    }


def test_a_round_that_did_not_end_is_left_out() -> None:
    rounds: Rounds = {"references": [OURS, OURS], "legacy": [STUCK, BASE64]}
    assert ratio(rounds, COLUMNS["all painted"]) == pytest.approx(0.4)
    assert ratio({"references": [OURS], "legacy": [STUCK]}, COLUMNS["all painted"]) is None


def test_every_column_is_a_target_and_has_its_place_in_the_table() -> None:
    rounds: Rounds = {"references": [OURS], "legacy": [BASE64]}
    reached = list(targets({LOOPBACK: rounds, SLOW: rounds}))
    assert [each.what for each in reached if "after" in each.what] == [
        f"ten at once, loopback, 1×: {name} after its message ÷ base64's"
        for name in ("first pixels", "readable", "full picture")
    ]
    assert len(reached) == len(COLUMNS) + 4
    assert all(each.holds for each in reached)
    rows = times({SLOW: rounds}).rows
    assert [row[1:5] for row in rows] == [["230", "230", "230", "300"], ["35", "60", "90", "120"]]
    assert all(cell == "" for row in rows for cell in row[5:])
