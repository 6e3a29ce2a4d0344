"""JSON in pieces: an object that may hold base64 is held back, anything else passes."""

import base64
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.payload.scanning.arguments import JsonHold
from coatcheck.payload.scanning.holding import Held

THRESHOLD = 128
BASE64 = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(0).randbytes(400)
).decode()
URI = f"data:image/png;base64,{BASE64}"
PIECES = [
    '{"',
    '"',
    ":",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\\",
    '\\"',
    "data:",
    "iVBORw0KGgo",
    BASE64,
    "\\/9j\\/",
]
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=90) | st.sampled_from(["data", "iVB", "/9j"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=30,
)


def fed(pieces: list[str], max_held: int = 10_000) -> tuple[list[str | Held], int]:
    """What passes of these pieces, and the most that was held back."""
    hold = JsonHold(THRESHOLD, max_held=max_held)
    out: list[str | Held] = []
    most = 0
    for number, piece in enumerate(pieces):
        out += hold.feed(piece)
        most = max(most, hold.length)
        assert len(whole(out)) + hold.length == sum(map(len, pieces[: number + 1]))
    out += hold.flush()
    assert hold.length == 0
    return out, most


def whole(out: list[str | Held]) -> str:
    return "".join(piece.text if isinstance(piece, Held) else piece for piece in out)


def cut(text: str, rng: random.Random, longest: int = 2000) -> list[str]:
    pieces = []
    while text:
        length = rng.choice([1, 1, 2, 3, 5, 40, longest])
        pieces.append(text[:length])
        text = text[length:]
    return pieces


@given(st.lists(st.text(max_size=9) | st.sampled_from(PIECES)), st.sampled_from([300, 10_000]))
def test_nothing_is_lost_or_changed_even_of_what_is_no_json(
    pieces: list[str], max_held: int
) -> None:
    out, _ = fed(pieces, max_held)
    assert whole(out) == "".join(pieces)


@given(VALUES, st.booleans())
def test_at_most_64_characters_of_ordinary_json_are_held(value: Any, spaced: bool) -> None:
    text = json.dumps(value, separators=None if spaced else (",", ":"))
    out, most = fed(list(text))
    assert whole(out) == text
    assert not any(isinstance(piece, Held) and piece.is_json and piece.length > 64 for piece in out)
    assert most <= 64


@pytest.mark.parametrize("spaced", [True, False])
@given(st.integers(0, 2**32))
def test_the_object_around_base64_is_held_whole_however_it_is_cut(spaced: bool, seed: int) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": BASE64}
    inner = {"type": "image", "source": source}
    value = {"text": "word " * 40, "images": [inner, inner], "after": "word " * 40, "uri": URI}
    text = json.dumps(value, separators=None if spaced else (",", ":"))
    out, _ = fed(cut(text, random.Random(seed)))
    assert whole(out) == text
    held = [json.loads(piece.text) for piece in out if isinstance(piece, Held) and piece.is_json]
    assert held == [inner, inner]
    assert [p.text for p in out if isinstance(p, Held) and not p.is_json and p.length > 64] == [URI]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (f'["{BASE64}", 1]', [f'"{BASE64}"']),
        (f'{{"a": "{BASE64} and words"}}', None),
        (f'{{"a": "{BASE64}\\" and words"}}', None),
        (f'{{"a": "{BASE64.replace("/", chr(92) + "/")}"}}', None),
        (f'{{"a": "{BASE64[:100]}"}}', []),
        (f'{{"a": "words {BASE64}"}}', []),
        (f'{{"a": "{{\\"b\\": \\"{BASE64}\\"}}"}}', []),
        (f'{{"a": "{BASE64}', [BASE64]),
        (f'{{"a": "{BASE64}", "b": "{"words " * 60}"}}', [f'"{BASE64}"']),
        (f'{{"a": {{"b": "{BASE64}"}}, "c": "{"words " * 20}"}}', [f'{{"b": "{BASE64}"}}']),
    ],
)
@given(st.integers(0, 2**32))
def test_what_is_taken_for_media(text: str, held: list[str] | None, seed: int) -> None:
    out, _ = fed(cut(text, random.Random(seed), longest=40))
    assert whole(out) == text
    taken = [p.text for p in out if isinstance(p, Held) and p.is_json and p.length > THRESHOLD]
    assert taken == ([text] if held is None else held)


def test_what_grows_beyond_the_bound_is_released() -> None:
    text = f'{{"type":"image","data":"{"iVBORw0KGgo" + "A" * 5000}","mimeType":"image/png"}}'
    out, most = fed([text[start : start + 50] for start in range(0, len(text), 50)], max_held=2000)
    assert whole(out) == text
    assert most <= 2000
    assert [piece.is_too_long for piece in out if isinstance(piece, Held)] == [True]


def test_brackets_without_end_take_no_more_memory_than_a_reader_takes() -> None:
    hold = JsonHold(THRESHOLD)
    for _ in range(100):
        assert whole(list(hold.feed("[" * 10_000))) == "[" * 10_000
    assert len(hold._open) <= 1000
