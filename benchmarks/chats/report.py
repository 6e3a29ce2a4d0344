"""What is told of a run: tables, JSON, and a chart."""

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import bars
from benchmarks.bars import Bar, Colors, Panel
from benchmarks.browser.report import size
from benchmarks.chats.bench import BASELINE, LOOPBACK, Case, Record, Result
from benchmarks.chats.conversation import Counted, Timed
from benchmarks.chats.targets import busy, first, full, messages, readable, targets
from benchmarks.tables import Table, conditions_line
from benchmarks.targets import table as target_table

LEGEND = """\
1× and 4×: by how much the page's CPU is slowed down; without a network's name it is loopback.
Stream: messages that the page got, without headers, decompressed; ÷: by Coatcheck's; pushed: the
pictures among them; a turn: what is left, on average; largest: the largest one; sent: what the page
sent. Pictures: their own requests, over the network. Reload: the
stream of the page loaded anew, what it gets when it is empty included; its pictures likewise;
again: pictures that the page has then.
Milliseconds from Enter until it is painted. First: anything in the picture's place; readable: an
image of 128 pixels or more; full: the picture, as wide as the page shows it; min–max: of it; ÷: by
Coatcheck's of the same round. Thread: how long the main thread was busy. Tasks: those over 50 ms;
blocked: what they had over 50 ms. Viol.: violations that Chrome reports. Heap: after a collection,
less the empty page's.
"""

_COLORS = {
    "Coatcheck": Colors(light="#80590f", dark="#d9b66f"),
    "Gradio": Colors(light="#a9a094", dark="#6b6156"),
    "Gradio, base64": Colors(light="#8a4b3c", dark="#b0705f"),
    "Chainlit": Colors(light="#5f7480", dark="#8aa2af"),
    "Streamlit": Colors(light="#6f7f4f", dark="#98aa74"),
}

_Read = Callable[[Timed], float]


def tables(run: "Run") -> Iterator[Table]:
    """The bytes and the times of each case; the bytes once where they are those of another."""
    shown: set[Case] = set()
    for result in run.results:
        if result.case.counted not in shown:
            yield _bytes(result, run.missing)
            shown.add(result.case.counted)
        yield _times(result, run.missing)


def _bytes(result: Result, missing: Mapping[str, str]) -> Table:
    several = result.case.count > 1
    columns = [
        "",
        "stream",
        "stream ÷",
        "pushed",
        "a turn",
        *(["1st turn", "2nd", "last"] if several else []),
        "largest",
    ]
    columns += ["sent", "pictures", "reload", "its pictures", "again"]
    rows = []
    for name, record in result.records.items():
        if record.counted is None:
            rows.append(_blank(name, record.failure, len(columns)))
            continue
        counted = record.counted
        turns = [size(counted.turns[number].stream) for number in (0, 1, -1)] if several else []
        rows.append(
            [
                name,
                size(stream_bytes(counted)),
                _stream_ratio(result, counted),
                size(sum(each.pushed for each in counted.turns)),
                size(messages(counted)),
                *turns,
                size(max(each.largest for each in counted.turns)),
                size(sum(each.sent for each in counted.turns)),
                size(media_bytes(counted)),
                size(counted.reload.stream),
                size(counted.reload.media),
                f"{counted.restored} of {result.case.count}",
            ]
        )
    rows += [_blank(name, why, len(columns)) for name, why in missing.items()]
    return Table(f"{_title(result.case.counted)}: bytes", columns, rows)


def stream_bytes(counted: Counted) -> int:
    """Of all turns together."""
    return sum(each.stream for each in counted.turns)


def media_bytes(counted: Counted) -> int:
    """Of all turns together."""
    return sum(each.media for each in counted.turns)


def _stream_ratio(result: Result, counted: Counted) -> str:
    baseline = result.records.get(BASELINE)
    if baseline is None or baseline.counted is None:
        return ""
    return _factor(stream_bytes(counted) / stream_bytes(baseline.counted))


def _times(result: Result, missing: Mapping[str, str]) -> Table:
    columns = ["", "first", "readable", "full", "min–max", "full ÷", "thread", "thread ÷", "tasks"]
    columns += ["blocked", "viol.", "heap"]
    rows = []
    for name, record in result.records.items():
        found = [each for each in record.rounds(full) if each is not None]
        if not found:
            rows.append(_blank(name, record.failure, len(columns)))
            continue
        rows.append(
            [
                name,
                _median(record, first),
                _median(record, readable),
                _median(record, full),
                f"{min(found):,.0f}–{max(found):,.0f}",
                _factor(result.ratio(name, full)),
                _median(record, busy),
                _factor(result.ratio(name, busy)),
                _median(record, lambda t: t.long_tasks),
                _median(record, lambda t: t.blocking),
                _median(record, lambda t: len(t.violations)),
                size(_middle(record, lambda t: t.heap)),
            ]
        )
    rows += [_blank(name, why, len(columns)) for name, why in missing.items()]
    slow = f", CPU slowed down {result.case.slowdown}×" if result.case.slowdown > 1 else ""
    return Table(f"{_title(result.case)}{slow}: times", columns, rows)


def _title(case: Case) -> str:
    network = f", {case.network}" if case.network != LOOPBACK else ""
    return f"{case.count} picture{'s' * (case.count > 1)} of {case.edge}×{case.edge}{network}"


def _blank(name: str, why: str, width: int) -> list[str]:
    return [name, why, *[""] * (width - 2)]


def _middle(record: Record, read: _Read) -> float:
    return statistics.median(each for each in record.rounds(read) if each is not None)


def _median(record: Record, read: _Read) -> str:
    return f"{_middle(record, read):,.0f}"


def _factor(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """Everything that is known of a run.

    Attributes:
        conditions: date, machine, versions.
        missing: why chats could not take part, by name.
        results: what was measured.
    """

    conditions: dict[str, Any]
    missing: dict[str, str]
    results: list[Result]

    def write(self, target: Path) -> None:
        """As JSON."""
        target.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def read(cls, source: Path) -> "Run":
        """What `write` wrote."""
        return msgspec.json.decode(source.read_bytes(), type=cls)


def verdicts(run: Run) -> Table:
    """What was wanted, against the fastest peers, and whether it holds."""
    return target_table("What was wanted of the chats", targets(run.results))


def markdown(run: Run) -> str:
    """The tables for a page, with the conditions before them."""
    parts = [each.markdown() for each in (*tables(run), verdicts(run))]
    return "\n".join([conditions_line(run.conditions), "", *parts])


def draw(results: Sequence[Result]) -> str:
    """The chart: what came over the stream, what the pictures took, and when they were there."""

    def bar(name: str, value: float | None, write: Callable[[float], str]) -> Bar:
        text = "did not finish" if value is None else write(value)
        return Bar(_css(name), value, text)

    def panel(
        title: str, read: Callable[[Record], float | None], write: Callable[[float], str]
    ) -> Panel:
        groups = {
            str(result.case): [
                bar(name, read(record), write) for name, record in result.records.items()
            ]
            for result in results
        }
        return Panel(title, groups)

    def counted(read: Callable[[Counted], int]) -> Callable[[Record], float | None]:
        return lambda record: None if record.counted is None else read(record.counted)

    panels = (
        panel("Bytes by which messages came", counted(stream_bytes), size),
        panel("Bytes of the pictures' own requests", counted(media_bytes), size),
        panel(
            "Milliseconds from Enter to the full picture, median",
            lambda record: _middle(record, full) if any(record.timed) else None,
            lambda value: f"{value:,.0f} ms",
        ),
    )
    colors = {_css(name): each for name, each in _COLORS.items()}
    names = {_css(name): name for name in _COLORS}
    return bars.draw(panels, colors, names, "The same pictures in four chats")


def _css(name: str) -> str:
    return name.lower().replace(", ", "-")
