"""Frames of the socket: what a client may send and what a server's chunk becomes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck_chat.errors import ProtocolError, TurnInProgressError, UnsupportedVersionError
from coatcheck_chat.streaming.events import (
    MAX_CLIENT_FRAME,
    MAX_FRAME_DEPTH,
    MAX_FRAME_VALUES,
    MAX_SERVER_FRAME,
    MessageRegenerate,
    MessageSend,
    StreamCancel,
    StreamResume,
    encode_frame,
    error_chunk,
    parse_frame,
    shown,
)

CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"
MESSAGE = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "draw a 灯台 😀"}]}


def frame(**members: Any) -> str:
    return json.dumps({"conversationId": CONVERSATION, **members})


def test_a_message_is_read() -> None:
    assert parse_frame(frame(type="message-send", message=MESSAGE)) == MessageSend(
        CONVERSATION, MESSAGE
    )


def test_a_cancellation_is_read() -> None:
    assert parse_frame(frame(type="stream-cancel")) == StreamCancel(CONVERSATION)


def test_a_wish_for_another_answer_is_read() -> None:
    asked = frame(type="message-regenerate", messageId="m1")
    assert parse_frame(asked) == MessageRegenerate(CONVERSATION, "m1")
    assert parse_frame(frame(type="message-regenerate")) == MessageRegenerate(CONVERSATION, None)


@pytest.mark.parametrize("seq", [0, 1, 1_795_003_200_000_000, 2**53 - 1])
def test_a_resumption_is_read(seq: int) -> None:
    assert parse_frame(frame(type="stream-resume", seq=seq)) == StreamResume(CONVERSATION, seq)


@pytest.mark.parametrize("version", [0, 2, "1", None, [1], {}])
def test_a_frame_of_another_version_is_refused_by_a_code_of_its_own(version: Any) -> None:
    with pytest.raises(UnsupportedVersionError):
        parse_frame(frame(type="message-from-the-future", version=version))
    assert parse_frame(frame(type="stream-cancel", version=1)) == StreamCancel(CONVERSATION)


@pytest.mark.parametrize(
    "member",
    [
        [0] * MAX_FRAME_VALUES,
        {str(number): 0 for number in range(MAX_FRAME_VALUES)},
        [[0] * 50] * 50,
        [[{"a": [[]] * 40}] * 10] * 10,
    ],
)
def test_a_frame_of_too_many_values_is_refused(member: Any) -> None:
    with pytest.raises(ProtocolError, match="2000 values"):
        parse_frame(frame(type="stream-cancel", x=member))


def test_a_frame_that_nests_too_deep_is_refused() -> None:
    def nested(levels: int) -> str:
        return frame(type="stream-cancel", x="?").replace('"?"', "[" * levels + "]" * levels)

    parse_frame(nested(MAX_FRAME_DEPTH - 1))
    with pytest.raises(ProtocolError, match="32 levels"):
        parse_frame(nested(MAX_FRAME_DEPTH))


def test_a_message_of_40_pictures_is_no_bomb() -> None:
    part = {"type": "data-media", "id": "p", "data": {"state": "ready", "reference": {}}}
    part["data"]["reference"] = {f"member{number}": number for number in range(14)}  # type: ignore[index]
    message = MESSAGE | {"parts": [part] * 40}
    assert parse_frame(frame(type="message-send", message=message)) is not None


def test_members_that_are_unknown_are_passed_over() -> None:
    assert parse_frame(frame(type="stream-cancel", later=[1])) == StreamCancel(CONVERSATION)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "1",
        '"text"',
        "[]",
        "[{}]",
        "{}",
        "{",
        '{"type": "stream-cancel"}',
        json.dumps({"type": "stream-cancel", "conversationId": 1}),
        json.dumps({"type": "stream-cancel", "conversationId": None}),
        json.dumps({"type": "stream-cancel", "conversationId": {}}),
        frame(),
        frame(type=None),
        frame(type=["message-send"]),
        frame(type="MESSAGE-SEND", message=MESSAGE),
        frame(type="unknown", message=MESSAGE),
        frame(type="message-send"),
        frame(type="message-send", message=None),
        frame(type="message-send", message="text"),
        frame(type="message-send", message=[MESSAGE]),
        frame(type="stream-cancel") + "x",
        frame(type="stream-cancel").replace("stream", "\\ud800"),
        frame(type="stream-cancel", x=float("nan")),
        '{"a":' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "[" * 60_000,
        "\0",
        "x" * (MAX_CLIENT_FRAME + 1),
        frame(type="stream-cancel", x="x" * MAX_CLIENT_FRAME),
    ],
)
def test_what_is_no_frame_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_frame(text)
    assert caught.value.code == "protocol_error"
    assert len(caught.value.message) < 100  # nothing of what was sent is repeated


def test_the_longest_frame_is_read() -> None:
    text = frame(type="stream-cancel")
    padded = text + " " * (MAX_CLIENT_FRAME - len(text))
    assert parse_frame(padded) == StreamCancel(CONVERSATION)


@given(st.text(max_size=200))
def test_rubbish_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_frame(text)


def test_a_server_s_frame_is_one_line_of_json() -> None:
    chunk = {"type": "text-delta", "id": "t1", "delta": 'two\nlines "and" 灯台'}
    text = encode_frame(7, chunk)
    assert json.loads(text) == {"seq": 7, "chunk": chunk}
    assert "\n" not in text


def test_an_error_is_told_with_its_stable_code() -> None:
    assert error_chunk(TurnInProgressError("Wait.")) == {
        "type": "error",
        "errorText": "Wait.",
        "code": "turn_in_progress",
    }


def weight(chunk: dict[str, Any]) -> int:
    """Bytes of the chunk's frame, late in a long conversation."""
    return len(encode_frame(10**16, chunk).encode())


@pytest.mark.parametrize("kind", ["tool-input-delta", "message-metadata", "finish-step"])
def test_what_nobody_shows_is_not_sent(kind: str) -> None:
    assert shown({"type": kind, "inputTextDelta": "x"}) == []


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "start", "messageId": "m"},
        {"type": "text-delta", "id": "t", "delta": "word "},
        {"type": "text-delta", "id": "t", "delta": ""},
        {"type": "tool-input-available", "toolCallId": "c", "toolName": "plot", "input": {"n": 1}},
        {"type": "tool-input-error", "toolCallId": "c", "input": "text", "errorText": "wrong"},
        {"type": "finish"},
    ],
)
def test_small_chunks_are_shown_as_they_are(chunk: dict[str, Any]) -> None:
    assert shown(chunk) == [(chunk, msgspec.json.encode(chunk).decode())]


def test_a_long_argument_is_shown_in_part_and_stays_whole_itself() -> None:
    chunk = {"type": "tool-input-available", "input": {"prompt": "p" * 4000, "seed": 7}}
    ((visible, _),) = shown(chunk)
    assert visible["input"]["seed"] == 7
    assert visible["input"]["prompt"].startswith("ppp")
    assert visible["input"]["prompt"].endswith("…")
    assert weight(visible) <= MAX_SERVER_FRAME
    assert chunk["input"] == {"prompt": "p" * 4000, "seed": 7}


@pytest.mark.parametrize(
    "argument",
    [
        "word " * 10_000,
        "灯" * 10_000,
        "\0" * 10_000,
        {"a": {"b": ["word " * 10_000]}},
        {f"name{number}": "word " * 20 for number in range(1000)},
        {"word " * 10_000: 1},
        ["x"] * 10_000,
        [[["word " * 100] * 100] * 100],
        10**4000,
    ],
    ids=["text", "wide", "control", "nested", "many", "name", "list", "tree", "number"],
)
@pytest.mark.parametrize("member", ["input", "errorText"])
def test_whatever_a_tool_was_called_with_its_frame_stays_small(member: str, argument: Any) -> None:
    chunk = {"type": "tool-input-error", "toolCallId": "c", "toolName": "plot", member: argument}
    visible = shown(chunk)
    assert [one["toolCallId"] for one, _ in visible] == ["c"]
    assert all(weight(one) <= MAX_SERVER_FRAME for one, _ in visible)


@given(st.text(max_size=5000))
def test_a_long_text_comes_in_pieces_and_nothing_of_it_is_lost(text: str) -> None:
    chunk = {"type": "text-delta", "id": "t", "delta": text}
    pieces = [piece for piece, _ in shown(chunk)]
    assert "".join(piece["delta"] for piece in pieces) == text
    assert all(piece | {"delta": text} == chunk for piece in pieces)
    assert all(weight(piece) < 4096 for piece in pieces)


@pytest.mark.parametrize("character", ["x", "\0", '"', "灯", "😀", "\u2028"])
def test_a_piece_of_text_stays_below_4_kib_whatever_it_is_made_of(character: str) -> None:
    chunk = {"type": "text-delta", "id": "t" * 64, "delta": character * 5000}
    assert max(weight(piece) for piece, _ in shown(chunk)) < 4096
