"""Chunks fold into the message that the browser's SDK makes of them."""

import copy
from typing import Any

import pytest

from coatcheck.errors import CoatcheckError
from coatcheck.media_part import failed, media_part, pending, ready
from coatcheck_chat.errors import CancelledTurnError
from coatcheck_chat.streaming.assembly import MessageAssembly

PENDING = pending(width=8, height=6, alt="a")
READY = ready({"id": "r"})
CANCELLED = {"code": "cancelled", "message": "The answer was stopped."}


def fold(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    assembly = MessageAssembly("m1")
    for chunk in chunks:
        assembly.apply(chunk)
    message = assembly.message
    assert (message["id"], message["role"]) == ("m1", "assistant")
    parts: list[dict[str, Any]] = message["parts"]
    return parts


def call(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": kind, "toolCallId": "c1", **members}


INPUT = call("tool-input-available", toolName="plot", input={"expression": "x"})


def test_nothing_folds_to_nothing() -> None:
    assert fold() == []


@pytest.mark.parametrize(
    "kind",
    [
        "start",
        "finish",
        "finish-step",
        "message-metadata",
        "error",
        "abort",
        "tool-input-start",
        "tool-input-delta",
        "something-of-tomorrow",
    ],
)
def test_chunks_that_leave_no_trace_are_passed_over(kind: str) -> None:
    assert fold({"type": kind, "toolCallId": "c", "toolName": "t", "errorText": "e"}) == []


def test_a_step_begins() -> None:
    assert fold({"type": "start-step"}) == [{"type": "step-start"}]


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_text_grows_and_is_done(kind: str) -> None:
    chunks = [
        {"type": f"{kind}-start", "id": "1"},
        {"type": f"{kind}-delta", "id": "1", "delta": "Here "},
        {"type": f"{kind}-delta", "id": "1", "delta": "it is."},
    ]
    part = {"type": kind, "text": "Here it is."}
    assert fold(*chunks) == [part | {"state": "streaming"}]
    assert fold(*chunks, {"type": f"{kind}-end", "id": "1"}) == [part | {"state": "done"}]


def test_texts_that_alternate_keep_to_themselves() -> None:
    parts = fold(
        {"type": "reasoning-start", "id": "r"},
        {"type": "text-start", "id": "t"},
        {"type": "text-delta", "id": "t", "delta": "said"},
        {"type": "reasoning-delta", "id": "r", "delta": "thought"},
        {"type": "text-end", "id": "t"},
        {"type": "text-start", "id": "t"},
        {"type": "text-delta", "id": "t", "delta": "the id again"},
    )
    assert [(part["type"], part["text"], part["state"]) for part in parts] == [
        ("reasoning", "thought", "streaming"),
        ("text", "said", "done"),
        ("text", "the id again", "streaming"),
    ]


def test_a_tool_call_goes_from_input_to_output() -> None:
    part = {"type": "tool-plot", "toolCallId": "c1", "input": {"expression": "x"}}
    assert fold(INPUT) == [part | {"state": "input-available"}]
    assert fold(INPUT, call("tool-output-available", output={"ok": 1})) == [
        part | {"state": "output-available", "output": {"ok": 1}}
    ]
    assert fold(INPUT, call("tool-output-error", errorText="no")) == [
        part | {"state": "output-error", "errorText": "no"}
    ]


def test_a_tool_call_of_wrong_input_says_so() -> None:
    chunk = call("tool-input-error", toolName="plot", input={"n": 1}, errorText="wrong")
    assert fold(chunk) == [
        {
            "type": "tool-plot",
            "toolCallId": "c1",
            "state": "output-error",
            "input": {"n": 1},
            "errorText": "wrong",
        }
    ]


def test_a_data_part_takes_the_place_of_the_one_with_its_id() -> None:
    parts = fold(
        media_part("p1", PENDING),
        media_part("p2", PENDING),
        {"type": "data-note", "id": "p1", "data": 1},
        media_part("p1", READY),
    )
    assert parts == [
        {"type": "data-media", "id": "p1", "data": READY},
        {"type": "data-media", "id": "p2", "data": PENDING},
        {"type": "data-note", "id": "p1", "data": 1},
    ]


def test_data_without_an_id_is_added_each_time() -> None:
    note = {"type": "data-note", "data": 1}
    assert fold(note, note) == [note, note]


def test_transient_data_leaves_no_trace() -> None:
    assert fold({"type": "data-note", "id": "n", "data": 1, "transient": True}) == []


def test_closing_ends_what_is_under_way_and_tells_the_browser() -> None:
    assembly = MessageAssembly("m1")
    for chunk in (
        {"type": "text-start", "id": "t"},
        {"type": "text-delta", "id": "t", "delta": "Half a sen"},
        INPUT,
        media_part("p1", PENDING),
        media_part("p2", {"state": "preview", "progress": 0.5}),
        media_part("p3", READY),
        {"type": "data-note", "id": "n", "data": {"state": "pending"}},
    ):
        assembly.apply(chunk)
    told = assembly.close(CancelledTurnError())
    assert told == [
        media_part("p1", failed(CancelledTurnError())),
        media_part("p2", failed(CancelledTurnError())),
        call("tool-output-error", errorText="The answer was stopped."),
    ]
    parts = assembly.message["parts"]
    assert parts[0] == {"type": "text", "text": "Half a sen", "state": "done"}
    assert parts[1]["state"] == "output-error"
    assert parts[1]["errorText"] == "The answer was stopped."
    assert [part["data"] for part in parts[2:]] == [
        {"state": "failed", "error": CANCELLED},
        {"state": "failed", "error": CANCELLED},
        READY,
        {"state": "pending"},
    ]


def test_closing_what_is_finished_changes_nothing() -> None:
    assembly = MessageAssembly("m1")
    for chunk in (
        {"type": "text-start", "id": "t"},
        {"type": "text-end", "id": "t"},
        INPUT,
        call("tool-output-available", output="out"),
        media_part("p1", READY),
        media_part("p2", failed(CoatcheckError("before"))),
    ):
        assembly.apply(chunk)
    before = copy.deepcopy(assembly.message)
    assert assembly.close(CancelledTurnError()) == []
    assert assembly.message == before


def test_closing_twice_tells_once() -> None:
    assembly = MessageAssembly("m1")
    assembly.apply(INPUT)
    assembly.apply(media_part("p1", PENDING))
    assert len(assembly.close(CancelledTurnError())) == 2
    assert assembly.close(CancelledTurnError()) == []


def test_the_chunks_themselves_are_left_alone() -> None:
    chunks: list[dict[str, Any]] = [
        {"type": "text-start", "id": "t"},
        {"type": "text-delta", "id": "t", "delta": "x"},
        INPUT,
        call("tool-output-available", output={"a": 1}),
        media_part("p1", PENDING),
        media_part("p1", READY),
    ]
    before = copy.deepcopy(chunks)
    fold(*chunks)
    assert chunks == before
