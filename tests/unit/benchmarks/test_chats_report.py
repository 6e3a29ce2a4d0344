"""What is told of a run of the chats' benchmark follows from its figures."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from benchmarks.chats.bench import Case, Record, Result
from benchmarks.chats.conversation import Counted, Timed, Turn
from benchmarks.chats.ledger import Traffic
from benchmarks.chats.report import Run, draw, tables
from benchmarks.tables import Table


def timed(milliseconds: float) -> Timed:
    turn = Turn(first=milliseconds / 2, readable=milliseconds, full=milliseconds, width=300)
    return Timed([turn], busy=0.2, long_tasks=1, blocking=10, violations=(), heap=1_000_000)


def counted(stream: int) -> Counted:
    nothing = Traffic(0, 0, 0, 0)
    turns = [Traffic(stream, stream // 2, 100, 1_300_000)] * 3
    return Counted(nothing, turns, nothing, 3)


def result(theirs: Record) -> Result:
    ours = Record([timed(100), timed(200)], counted(1_000))
    return Result(Case(3, 1024), {"Coatcheck": ours, "Gradio": theirs})


def test_ratios_are_taken_within_a_round() -> None:
    both = result(Record([timed(300), timed(400)], counted(500)))
    ratio = both.ratio("Gradio", lambda each: each.turns[0].full)
    assert ratio == pytest.approx(2.5)  # of 3 and 2; the medians' would be 2.33


def test_a_round_that_did_not_end_is_left_out_of_the_ratio() -> None:
    both = result(Record([None, timed(400)], counted(500)))
    assert both.ratio("Gradio", lambda each: each.turns[0].full) == pytest.approx(2)


def run(only: Result, **missing: str) -> Run:
    return Run({"cores": 2}, missing, [only])


def row(table: Table, name: str) -> dict[str, str]:
    found = next(each for each in table.rows if each[0] == name)
    return dict(zip(table.columns, found, strict=True))


def test_a_peer_that_is_better_is_said_to_be() -> None:
    sizes, times = tables(run(result(Record([timed(50), timed(100)], counted(500)))))
    assert row(sizes, "Gradio")["stream ÷"] == "0.50"
    assert row(times, "Gradio")["min–max"] == "50–100"
    assert row(times, "Gradio")["full ÷"] == "0.50"


def test_a_chat_that_is_missing_or_fails_has_a_row_that_says_why() -> None:
    failed = Record([None, None], None, "a picture did not come")
    found = list(tables(run(result(failed), Chainlit="cannot be installed")))
    for table in found:
        assert "a picture did not come" in row(table, "Gradio").values()
        assert "cannot be installed" in row(table, "Chainlit").values()
        assert all(len(each) == len(table.columns) for each in table.rows)
    assert "did not finish" in draw([result(failed)])


def test_a_table_is_markdown_on_request() -> None:
    text = Table("Two", ["", "bytes"], [["a", "1"], ["b", "2"]]).markdown()
    assert text == "**Two**\n\n|  | bytes |\n| --- | ---: |\n| a | 1 |\n| b | 2 |\n"


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    failed = Record([None, timed(50)], None, "a picture did not come")
    written = run(result(failed), Chainlit="cannot be installed")
    written.write(tmp_path / "chats.json")
    read = Run.read(tmp_path / "chats.json")
    assert [list(map(str, each.rows)) for each in tables(read)] == [
        list(map(str, each.rows)) for each in tables(written)
    ]
    assert read.conditions == written.conditions


def test_the_chart_has_a_bar_for_each_chat() -> None:
    root = ET.fromstring(draw([result(Record([timed(50)] * 2, counted(500)))]))  # noqa: S314 - ours
    bars = [each.get("class") for each in root.iter() if each.get("y") and each.get("class")]
    assert bars.count("gradio") == 4  # three panels and the key
