"""Bytes are told apart by how they came."""

import base64
import re
from typing import Any

import pytest
from benchmarks.chats.ledger import Ledger, Traffic

URL = "http://127.0.0.1:1/"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(re.compile("/file="))


def request(ledger: Ledger, name: str, kind: str, path: str = "api", body: int = 0) -> None:
    ledger.requested({"requestId": name, "type": kind, "request": {"url": URL + path}})
    headers = {"Content-Length": str(body)} if body else {}
    ledger.headed({"requestId": name, "headers": headers})


def body(ledger: Ledger, name: str, length: int) -> None:
    ledger.answered({"requestId": name, "response": {"mimeType": "application/json"}})
    ledger.received({"requestId": name, "dataLength": length})
    ledger.finished({"requestId": name, "encodedDataLength": length + 100})


def frame(name: str, opcode: int, data: str) -> dict[str, Any]:
    return {"requestId": name, "response": {"opcode": opcode, "payloadData": data}}


def test_pictures_and_the_page_itself_are_no_messages(ledger: Ledger) -> None:
    request(ledger, "1", "Image", "file=a.png")
    body(ledger, "1", 1_000)
    request(ledger, "2", "Script", "app.js")
    body(ledger, "2", 5_000)
    ledger.requested(
        {"requestId": "3", "type": "Image", "request": {"url": "data:image/png;base64,AAAA"}}
    )
    body(ledger, "3", 7_000)
    assert ledger.take() == Traffic(stream=0, largest=0, sent=0, media=1_100)


def test_a_picture_that_is_fetched_by_script_is_a_picture(ledger: Ledger) -> None:
    request(ledger, "1", "Fetch", "file=a.png")
    body(ledger, "1", 1_000)
    assert ledger.take() == Traffic(stream=0, largest=0, sent=0, media=1_100)


def test_bodies_count_both_ways(ledger: Ledger) -> None:
    request(ledger, "1", "Fetch", body=40)
    body(ledger, "1", 300)
    request(ledger, "2", "XHR")
    body(ledger, "2", 200)
    assert ledger.take() == Traffic(stream=500, largest=300, sent=40, media=0)


def test_the_length_of_a_body_may_be_known_before_its_request_is(ledger: Ledger) -> None:
    ledger.headed({"requestId": "1", "headers": {"content-length": "40"}})
    ledger.requested({"requestId": "1", "type": "Fetch", "request": {"url": URL}})
    assert ledger.take().sent == 40


def test_frames_count_in_bytes(ledger: Ledger) -> None:
    ledger.frame_received(frame("1", 1, "é" * 10))
    ledger.frame_received(frame("1", 2, base64.b64encode(bytes(31)).decode()))
    ledger.frame_sent(frame("1", 1, "hello"))
    assert ledger.take() == Traffic(stream=51, largest=31, sent=5, media=0)


def test_pushed_pictures_are_counted_apart_where_binary_frames_are_pictures() -> None:
    pushing = Ledger(re.compile("/file="), pushes=True)
    pushing.frame_received(frame("1", 1, "hello"))
    pushing.frame_received(frame("1", 2, base64.b64encode(bytes(31)).decode()))
    assert pushing.take() == Traffic(stream=36, largest=31, sent=0, media=0, pushed=31)
    assert pushing.take().pushed == 0


def test_a_stream_of_events_is_many_messages(ledger: Ledger) -> None:
    events = [b"data: 1\n\n", b"data: " + b"2" * 90 + b"\n\n", b"data: 3\n\n"]
    data = b"".join(events)
    request(ledger, "1", "Fetch")
    assert ledger.answered({"requestId": "1", "response": {"mimeType": "text/event-stream"}})
    ledger.received({"requestId": "1", "dataLength": 20})
    ledger.streamed("1", base64.b64encode(data[:20]).decode())
    ledger.received(
        {
            "requestId": "1",
            "dataLength": len(data) - 20,
            "data": base64.b64encode(data[20:]).decode(),
        }
    )
    assert ledger.take() == Traffic(len(data), largest=len(events[1]), sent=0, media=0)


def test_events_that_could_not_be_told_apart_count_as_one_message(ledger: Ledger) -> None:
    request(ledger, "1", "Fetch")
    ledger.answered({"requestId": "1", "response": {"mimeType": "text/event-stream"}})
    ledger.received({"requestId": "1", "dataLength": 80})
    ledger.ended_early("1")
    assert ledger.take() == Traffic(stream=80, largest=80, sent=0, media=0)


def test_what_was_taken_does_not_count_again(ledger: Ledger) -> None:
    ledger.frame_received(frame("1", 1, "hello"))
    ledger.take()
    ledger.frame_received(frame("1", 1, "you"))
    assert ledger.take() == Traffic(stream=3, largest=3, sent=0, media=0)
