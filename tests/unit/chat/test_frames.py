"""Binary frames, on the vectors that the browser's side is tested on too."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck.ports import PREVIEW_BYTES
from coatcheck_chat.errors import ProtocolError
from coatcheck_chat.streaming.frames import (
    MAX_BINARY_FRAME,
    BinaryFrame,
    FrameHeader,
    FrameKind,
    decode_binary_frame,
    encode_binary_frame,
)

VECTORS = json.loads(Path("spec/vectors/frames.json").read_text("utf-8"))
HEADER = FrameHeader(id="m1", mime_type="image/webp", width=256, height=144, seq=7)


def named(kind: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[kind]]


def frame_of(vector: dict[str, Any]) -> BinaryFrame:
    return BinaryFrame(
        FrameKind[vector["kind"].upper()],
        msgspec.convert(vector["header"], FrameHeader),
        base64.b64decode(vector["payload"]),
    )


@pytest.mark.parametrize("vector", named("valid"))
def test_a_frame_is_written_and_read_as_agreed(vector: dict[str, Any]) -> None:
    encoded = base64.b64decode(vector["frame"])
    assert encode_binary_frame(frame_of(vector)) == encoded
    assert decode_binary_frame(encoded) == frame_of(vector)


@pytest.mark.parametrize("vector", named("readable"))
def test_what_a_later_version_may_write_is_read(vector: dict[str, Any]) -> None:
    assert decode_binary_frame(base64.b64decode(vector["frame"])) == frame_of(vector)


@pytest.mark.parametrize("vector", named("invalid"))
def test_what_is_no_frame_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        decode_binary_frame(base64.b64decode(vector["frame"]))


@given(st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_else_is_raised(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_binary_frame(b"\2" + data)
    with pytest.raises(ProtocolError):
        decode_binary_frame(b"\1\1\0\0\0\0\0\x10" + data)


def test_a_header_that_nests_without_end_is_refused() -> None:
    header = b'{"id":' + b"[" * 60_000 + b"]" * 60_000 + b"}"
    with pytest.raises(ProtocolError):
        decode_binary_frame(b"\1\1\0\0" + len(header).to_bytes(4) + header + b"x")


def test_the_largest_preview_fits_and_nothing_larger_is_sent_or_taken() -> None:
    header = FrameHeader(id="m" * 1000, mime_type="image/webp", width=512, height=512, seq=2**53)
    encoded = encode_binary_frame(BinaryFrame(FrameKind.PREVIEW, header, bytes(PREVIEW_BYTES)))
    assert len(decode_binary_frame(encoded).payload) == PREVIEW_BYTES
    with pytest.raises(InvalidInputError):
        encode_binary_frame(BinaryFrame(FrameKind.PREVIEW, HEADER, bytes(MAX_BINARY_FRAME)))
    small = encode_binary_frame(BinaryFrame(FrameKind.PREVIEW, HEADER, b"x"))
    with pytest.raises(ProtocolError):
        decode_binary_frame(small + bytes(MAX_BINARY_FRAME))
