"""What is said of a run of the browser benchmark follows from its figures."""

import io
import xml.etree.ElementTree as ET
from typing import Any

from benchmarks.browser.cases import Case, Outcome, Result, Violation
from benchmarks.browser.chart import draw
from benchmarks.browser.markdown import write
from benchmarks.browser.report import claims, show
from rich.console import Console

CASE = Case("frame", 10, 1024, 4)
FINE = {
    "bytes": 5_000,
    "largestFrame": 560,
    "longestHandler": 2.0,
    "parsing": 0.1,
    "longTasks": 0,
    "blocking": 0,
    "layoutShift": 0,
    "slowestInteraction": 0,
    "settled": 80.0,
    "pictures": [{"firstPixels": 20.0, "thumbnail": 40.0, "full": 70.0, "inView": True}],
}
SLOW = Violation("'message' handler took 212ms", "http://127.0.0.1/assets/index-1.js")
REACT = Violation("'message' handler took 180ms", "http://127.0.0.1/assets/vendor-1.js")


def outcome(violations: list[Violation] | None = None, **changes: Any) -> Outcome:
    return Outcome(FINE | changes, 1.0, violations or [], 0.01, 1_000_000, 0)


def said(references: Outcome, legacy: Outcome) -> dict[str, bool]:
    result = Result(CASE, {"references": references, "legacy": legacy})
    return {claim.text: claim.shown for claim in claims([result])}


def test_a_violation_counts_for_the_handler_whose_script_it_names() -> None:
    assert (SLOW.ours, REACT.ours) == (True, False)
    claimed = said(outcome([REACT]), outcome())
    assert claimed["references: no violation of the socket's handler"]
    assert not claimed["references: no other violation, such as React's"]


def test_a_claim_that_does_not_hold_is_said_not_to_show() -> None:
    claimed = said(outcome(layoutShift=0.1, longestHandler=6.0), outcome(bytes=100_000))
    assert not claimed["references: nothing moves"]
    assert not claimed["references: a message is handled within 5 ms"]
    assert not claimed["legacy ÷ references at least 50: bytes over the socket"]
    assert not claimed["legacy, one frame: violations"]


def test_what_does_not_finish_is_named_and_counted() -> None:
    stuck = Outcome(None, 40.0, [SLOW])
    assert said(outcome(), stuck)["legacy, one frame: violations"]
    assert not said(stuck, outcome())["references finish"]
    text = io.StringIO()
    result = Result(CASE, {"references": outcome(), "legacy": stuck})
    show([result], Console(file=text, width=200))
    assert "not finished after 40 s" in text.getvalue()
    assert "not finished after 40 s" in draw([result])


def test_longer_conversations_extend_shorter_ones_of_the_same_kind() -> None:
    assert Case("frame", 50, 1024, 4).extends(CASE)
    assert not CASE.extends(CASE)
    assert not Case("frame", 50, 2048, 4).extends(CASE)
    assert not Case("tokens", 50, 1024, 4).extends(CASE)


def test_the_chart_is_an_svg_with_a_bar_for_each_side() -> None:
    result = Result(CASE, {"references": outcome(), "legacy": outcome(bytes=20_000_000)})
    root = ET.fromstring(draw([result]))  # noqa: S314 - our own
    bars = [each for each in root.iter() if each.get("class") == "legacy" and each.get("y")]
    assert len(bars) == 3  # two panels and the key
    assert "20,000,000" in "".join(root.itertext())


def test_the_markdown_has_a_row_for_each_side() -> None:
    stuck = Outcome(None, 40.0, [SLOW])
    result = Result(CASE, {"references": outcome(), "legacy": stuck})
    title, _, head, rule, legacy, references = write([result]).splitlines()
    assert title == "**Pictures of 1024×1024, CPU slowed down 4×**"
    assert head.count("|") == rule.count("|") == legacy.count("|") == references.count("|")
    assert legacy.startswith("| frame, 10 | legacy | not finished after 40 s |")
    assert references.startswith("| frame, 10 | references | 5.0 KB | 2.0 |")
