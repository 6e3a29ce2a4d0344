"""Of what the AI SDK posts, the last message is found from the end and no other is read."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck_chat.errors import ProtocolError
from coatcheck_chat.streaming import posted as posted_module
from coatcheck_chat.streaming.events import MAX_FRAME_VALUES
from coatcheck_chat.streaming.posted import MAX_MESSAGE, read_message, read_request

CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"
LARGE = 8 * 1024 * 1024
HELLO = {"id": "m", "role": "user", "parts": [{"type": "text", "text": 'a "quoted\\" [word], {'}]}

texts = st.text(max_size=8) | st.text('\\"[]{}, a', max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


def posted(messages: bytes) -> dict[str, Any]:
    body = b'{"id":"%s","messages":%s}' % (CONVERSATION.encode(), messages)
    return read_message(read_request(body))


@given(
    st.lists(values, max_size=3),
    st.dictionaries(texts, values, max_size=4),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_the_last_message_is_the_last_element_however_it_is_written(
    before: list[Any], message: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    array = json.dumps([*before, message], indent=indent, ensure_ascii=ascii_only)
    assert posted(f" {array} ".encode("utf-8", "replace")) == json.loads(
        json.dumps(message, ensure_ascii=ascii_only).encode("utf-8", "replace")
    )


def test_a_single_message_stands_where_there_is_no_array_or_an_empty_one() -> None:
    none: list[dict[str, Any]] = [{}, {"messages": []}, {"messages": None}]
    for messages in none:
        request = {"id": CONVERSATION, "message": HELLO, **messages}
        assert read_message(read_request(json.dumps(request).encode())) == HELLO


@pytest.mark.parametrize("last", ["7", "[]", "null", '"text"'])
def test_a_last_element_that_is_no_message_is_refused(last: str) -> None:
    with pytest.raises(InvalidInputError, match="AI SDK"):
        posted(f"[{json.dumps(HELLO)}, {last}]".encode())


def test_the_longest_message_is_read_whatever_stands_before_it() -> None:
    bare = json.dumps({"text": ""}).encode()
    longest = json.dumps({"text": "x" * (MAX_MESSAGE - len(bare))}).encode()
    assert len(longest) == MAX_MESSAGE
    earlier = b"[" + b"1," * (LARGE // 2)
    assert posted(earlier + longest + b"]") == json.loads(longest)
    for longer in (longest[:-2] + b'y"}', longest[:-1] + b" }"):
        for messages in (earlier + longer + b"]", b"[" + longer + b"]"):
            with pytest.raises(InvalidInputError, match="262,144 bytes"):
                posted(messages)
        with pytest.raises(InvalidInputError, match="262,144 bytes"):
            read_message(read_request(b'{"id":"x","message":%s}' % longer))


def test_the_inside_of_a_string_that_is_too_long_is_no_message() -> None:
    # Read as structure, the brace would close the message's own and the comma would end it.
    text = "x" * MAX_MESSAGE + ",{y"
    with pytest.raises(InvalidInputError, match="262,144 bytes"):
        posted(b"[%s]" % json.dumps({"text": text}).encode())


def test_a_message_of_too_many_values_is_refused() -> None:
    most = json.dumps({f"n{n}": [n] for n in range(MAX_FRAME_VALUES // 2 - 1)}).encode()
    assert len(posted(b"[%s]" % most)) == MAX_FRAME_VALUES // 2 - 1
    with pytest.raises(ProtocolError, match="values"):
        posted(b"[%s]" % json.dumps({"n": [0] * MAX_FRAME_VALUES}).encode())


@pytest.mark.parametrize(
    "messages",
    [
        b"[" + b"1," * (LARGE // 2) + b"1]",
        b'["' + b'\\"' * (LARGE // 2) + b'"]',
        b'["' + b"abcd" * (LARGE // 4) + b'"]',
        b'[{"x":[' + b'"",' * (LARGE // 3) + b"0]}]",
        b"[" + b"[" * 500 + b'"",' * (LARGE // 3) + b"0" + b"]" * 501,
    ],
    ids=["numbers", "escaped quotes", "text", "strings", "brackets"],
)
def test_what_is_looked_at_of_a_large_body_is_bounded(
    monkeypatch: pytest.MonkeyPatch, messages: bytes
) -> None:
    recorder = Recorder(posted_module._MARK)
    monkeypatch.setattr(posted_module, "_MARK", recorder)
    with pytest.raises(InvalidInputError):
        posted(messages)
    assert 0 < recorder.bytes <= MAX_MESSAGE + 2
    assert recorder.marks <= 6 * MAX_FRAME_VALUES + 2


class Recorder:
    """A pattern that counts what it is given and what it finds."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.bytes = self.marks = 0

    def finditer(self, text: bytes) -> Iterator[re.Match[bytes]]:
        self.bytes += len(text)
        for match in self._pattern.finditer(text):
            self.marks += 1
            yield match
