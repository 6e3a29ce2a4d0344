"""Runs of base64 in text: found exactly, followed to their end, decoded; nothing else is."""

import base64
import random
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import UnprocessableMediaError
from coatcheck.payload.scanning.base64text import BLOCK, THRESHOLD, decode, find_run, may_hold_media
from tests.unit.payload.walking import finish

PROSE = "The quick brown fox jumps over the lazy dog, twice. "


def data_of(length: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(length)


@pytest.mark.parametrize("length", [3072, 3073, 3074, BLOCK // 4 * 3, 2 * BLOCK + 1])
@pytest.mark.parametrize("url_safe", [False, True], ids=["standard", "url-safe"])
@pytest.mark.parametrize("padding", ["padded", "not padded", "percent-encoded"])
@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("![a](data:image/png;base64,", ") and more"), ("✅ naïve: '", "'. ✅")],
)
def test_a_run_is_found_whole_and_decoded(
    length: int, url_safe: bool, padding: str, before: str, after: str
) -> None:
    data = data_of(length)
    encoded = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    if padding == "not padded":
        encoded = encoded.rstrip("=")
    elif padding == "percent-encoded":
        encoded = encoded.replace("=", "%3D")
    text = before + encoded + after
    if len(encoded.rstrip("=")) < THRESHOLD and padding == "not padded":
        assert finish(find_run(text, 0, THRESHOLD)) is None or length != 3072
        return
    run = finish(find_run(text, 0, THRESHOLD))
    assert run is not None
    assert (run.starts, run.end) == ((len(before),), len(before) + len(encoded))
    assert b"".join(finish(decode(text, run.starts[0], run.end))) == data


@pytest.mark.parametrize("line", [60, 64, 76])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "see:", "see", "data:image/png;base64,"])
@pytest.mark.parametrize("after", ["", "End", "End of it."])
def test_wrapped_base64_ends_where_its_lines_do(
    line: int, line_break: str, before: str, after: str
) -> None:
    data = data_of(50_001)
    lines = line_break.join(textwrap.wrap(base64.b64encode(data).decode(), line))
    text = before + line_break + lines + line_break + after
    run = finish(find_run(text, 0, THRESHOLD))
    assert run is not None
    assert run.end == len(before) + len(line_break) + len(lines)
    assert len(before) + len(line_break) in run.starts
    assert b"".join(finish(decode(text, run.starts[-1], run.end))) == data


@pytest.mark.parametrize(
    "text",
    [
        PROSE * 20_000,
        "\n".join(f"line {number}" for number in range(20_000)),
        base64.b64encode(data_of(THRESHOLD // 4 * 3 - 3)).decode(),
        " ".join(base64.b64encode(data_of(600, seed)).decode() for seed in range(200)),
        "é" * 20_000,
        "",
    ],
)
def test_there_is_no_run_in_other_text(text: str) -> None:
    assert finish(find_run(text, 0, THRESHOLD)) is None


@given(
    st.text(max_size=300).filter(lambda text: not text or not text[-1].isascii()),
    st.integers(3072, 9000),
    st.text(max_size=300).filter(lambda text: not text or not text[0].isascii()),
)
def test_a_run_is_found_wherever_it_stands(before: str, length: int, after: str) -> None:
    encoded = base64.b64encode(data_of(length, length)).decode()
    text = before + encoded + after
    assert may_hold_media(text)
    run = finish(find_run(text, 0, THRESHOLD))
    assert run is not None
    assert text[run.starts[0] : run.end] == encoded


@given(st.binary(max_size=2000), st.sampled_from(["", "\n", "\r\n", " "]), st.integers(1, 90))
def test_decoding_takes_white_space_anywhere(data: bytes, space: str, width: int) -> None:
    encoded = base64.b64encode(data).decode()
    spaced = space.join(encoded[start : start + width] for start in range(0, len(encoded), width))
    assert b"".join(finish(decode(spaced))) == data


def test_decoding_takes_white_space_across_blocks() -> None:
    data = data_of(2 * BLOCK)
    wrapped = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 76))
    assert b"".join(finish(decode(wrapped))) == data


@pytest.mark.parametrize(
    "text",
    ["AAAAA", "ab+/-_cd", "AAAA=AAA", "AA=A", "not base64!", "ÄÖÜÄ", "A" * BLOCK + "!", "A%3DBB"],
)
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(UnprocessableMediaError):
        finish(decode(text))


@given(st.text(max_size=5000))
def test_no_text_breaks_the_scanner(text: str) -> None:
    """Fuzz: whatever is found lies inside the text and has the length that is asked for."""
    run = finish(find_run(text, 0, 64))
    if run is not None:
        assert 0 <= run.starts[0] <= run.starts[-1] < run.end <= len(text)
        assert run.end - run.starts[0] >= 64


@given(st.text(alphabet="AZaz09+/-_=\r\n \"'", max_size=3000))
def test_no_text_of_base64_characters_breaks_the_scanner(text: str) -> None:
    position = 0
    for _ in range(100):
        run = finish(find_run(text, position, 64))
        if run is None:
            return
        assert position <= run.starts[0] < run.end <= len(text)
        assert run.end > position
        position = run.end
