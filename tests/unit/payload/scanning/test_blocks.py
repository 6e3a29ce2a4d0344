"""Whole files are told from pieces by their structure; bytes in blocks read like one piece."""

import io
import struct
import wave
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.mediatype import sniff
from coatcheck.payload.scanning.blocks import Blocks, is_whole


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(4000))
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("a.txt", "text" * 500)
    return file.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def ogg_page(content: bytes) -> bytes:
    segments = bytes([255] * (len(content) // 255) + [len(content) % 255])
    return b"OggS\0" + bytes(21) + bytes([len(segments)]) + segments + content


MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # 128 kbit/s at 44.1 kHz: 417 bytes
MP4 = box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", bytes(300)) + box(b"mdat", bytes(700))

WHOLE = {
    "application/pdf": b"%PDF-1.4\n" + bytes(2000) + b"\nstartxref\n9\n%%EOF\n",
    "application/zip": archive(),
    "audio/wav": wav(),
    "audio/ogg": ogg_page(bytes(30)) + ogg_page(bytes(2000)),
    "audio/flac": b"fLaC\x80\x00\x00\x22" + bytes(34),
    "audio/mpeg": b"ID3\x04\0\0\0\0\x01\x00" + bytes(128) + MP3_FRAME * 4,
    "video/mp4": MP4,
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_is_whole(kind: str) -> None:
    media = Blocks([WHOLE[kind]])
    assert sniff(media.head) == kind
    assert is_whole(media, kind)


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind != "audio/flac"])
def test_a_piece_of_a_file_is_not(kind: str) -> None:
    content = WHOLE[kind]
    assert not is_whole(Blocks([content[: len(content) // 2]]), kind)


def test_an_mp4_may_name_long_and_open_ended_boxes() -> None:
    long = struct.pack(">I4sQ", 1, b"mdat", 16 + 100) + bytes(100)
    assert is_whole(Blocks([MP4 + long]), "video/mp4")
    assert is_whole(Blocks([MP4 + struct.pack(">I4s", 0, b"mdat") + bytes(9)]), "video/mp4")
    assert not is_whole(Blocks([MP4 + struct.pack(">I4s", 4, b"mdat")]), "video/mp4")


def test_a_wav_of_unknown_length_is_whole() -> None:
    assert is_whole(Blocks([b"RIFF\xff\xff\xff\xffWAVE" + bytes(5000)]), "audio/wav")


def test_an_mp3_needs_frames_that_follow_each_other() -> None:
    assert not is_whole(Blocks([b"\xff\xfb\x90\x00" + b"noise" * 1000]), "audio/mpeg")


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(0, 90), st.integers(0, 90))
def test_blocks_read_like_one_piece(chunks: list[bytes], start: int, length: int) -> None:
    blocks = Blocks(chunks)
    whole = b"".join(chunks)
    assert blocks.size == len(whole)
    assert blocks.read(start, length) == whole[start : start + length]
