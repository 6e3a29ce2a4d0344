"""The headline table says what was measured, also where it shows nothing."""

from typing import Any

from benchmarks.browser.cases import Case, Outcome, Result, Violation
from benchmarks.headline import compose, to_markdown

MEASURES = [
    {"name": "frame with the tool's result, bytes", "legacy": 1_708_515, "reference": 1_100},
    {"name": "JSON parsing of it, ms", "legacy": 0.9, "reference": 0.003},
]
STREAM = {"pictures": [{"edge": edge, "size": 1, "measures": MEASURES} for edge in (320, 1024)]}
FIGURES = {
    "bytes": 5_000,
    "longestHandler": 2.0,
    "parsing": 0.0,
    "blocking": 0,
    "slowestInteraction": 0,
    "pictures": [{"firstPixels": 20.0, "thumbnail": None, "full": 70.0, "inView": True}],
}


def outcome(violations: int = 0, **changes: Any) -> Outcome:
    reported = [Violation("'message' handler took 212ms", "index.js")] * violations
    return Outcome(FIGURES | changes, 1.0, reported, 0.01, 1_000_000, 0)


def rows(case: Case, legacy: Outcome, references: Outcome) -> dict[str, tuple[str, str, str]]:
    result = Result(case, {"references": references, "legacy": legacy})
    return {row.name: row.cells[1:] for row in compose(STREAM, [result])}


def test_what_needs_no_browser_comes_first_and_of_the_usual_size_alone() -> None:
    frame, parsing = compose(STREAM, [])
    assert frame.cells[1:] == ("1,708,515", "1,100", "1,553")
    assert parsing.cells[1:] == ("0.900", "0.003", "300")


def test_an_effect_that_does_not_show_is_said_not_to() -> None:
    table = rows(Case("frame", 1, 1024, 4), outcome(longestHandler=1.9), outcome())
    assert table["one frame: Chrome's violations, 4×"] == ("0", "0", "does not show")
    assert table["one frame: longest message handler, ms, 4×"] == ("1.9", "2.0", "0.9: no gain")
    assert table["one frame: thumbnail, ms, 4×"] == ("", "", "")


def test_where_it_is_worst_is_said_as_well() -> None:
    case = Case("tokens", 1, 1024, 1)
    table = rows(case, outcome(10, blocking=8_878), outcome(blocking=2))
    name = "text that is rendered while it streams"
    assert table[f"{name}: page blocked, ms, 1×"] == ("8,878", "2", "4,439")
    assert table[f"{name}: Chrome's violations, 1×"] == ("10", "0", "")
    stuck = rows(case, Outcome(None, 60.0), outcome())
    assert stuck[f"{name}: page blocked, ms, 1×"] == ("not finished after 60 s", "0", "")


def test_cases_of_other_sizes_have_no_rows() -> None:
    assert len(rows(Case("frame", 1, 2048, 1), outcome(), outcome())) == len(MEASURES)
    assert len(rows(Case("growing", 1, 1024, 1), outcome(), outcome())) == len(MEASURES)


def test_the_markdown_is_one_table() -> None:
    lines = to_markdown(compose(STREAM, [])).splitlines()
    assert [line.count("|") for line in lines] == [5, 5, 5, 5]
