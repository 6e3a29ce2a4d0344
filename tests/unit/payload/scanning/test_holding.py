"""Text in pieces: media is held back until it is whole, anything else passes at once."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.payload.scanning.holding import Held, TextHold

BASE64 = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(0).randbytes(6000)
).decode()
URL_SAFE = base64.urlsafe_b64encode(b"\xff\xd8\xff" + random.Random(0).randbytes(6000)).decode()


def cut(text: str, rng: random.Random) -> list[str]:
    pieces = []
    while text:
        length = rng.choice([1, 1, 2, 3, 5, 40, 2000])
        pieces.append(text[:length])
        text = text[length:]
    return pieces


def passed(pieces: list[str]) -> list[str | Held]:
    hold = TextHold()
    return [out for piece in pieces for out in hold.feed(piece)] + list(hold.flush())


def whole(out: list[str | Held]) -> str:
    return "".join(piece.text if isinstance(piece, Held) else piece for piece in out)


@given(st.lists(st.text(max_size=20) | st.sampled_from(["data:", "iVBOR", BASE64, "da", "="])))
def test_nothing_is_lost_or_changed(pieces: list[str]) -> None:
    assert whole(passed(pieces)) == "".join(pieces)


@pytest.mark.parametrize(
    ("before", "media", "after"),
    [
        ("Look: ![plot](", f"data:image/png;base64,{BASE64}", ") and more"),
        ('<img src="', f"data:image/png;name=a.png;base64,{BASE64}", '">'),
        ("As base64: ", BASE64, " and more"),
        ("", URL_SAFE, ""),
        ("It's a data: thing. ", f"DATA:IMAGE/PNG;BASE64,{BASE64}", "!"),
    ],
)
@given(st.integers(0, 2**32))
def test_media_is_held_whole_however_it_is_cut(
    before: str, media: str, after: str, seed: int
) -> None:
    out = passed(cut(before + media + after, random.Random(seed)))
    held = [piece.text for piece in out if isinstance(piece, Held) and len(piece.text) > 1000]
    assert held == [media]
    assert whole(out) == before + media + after


@pytest.mark.parametrize(
    "text", ["Hello, world. ", "A data structure. ", "Ordinary prose about /9 and i and A. "]
)
def test_prose_passes_at_once(text: str) -> None:
    hold = TextHold()
    sent = received = 0
    for character in text * 20:
        sent += 1
        received += len(whole(list(hold.feed(character))))
        assert sent - received <= len("data: ")
    assert received == sent - len(whole(list(hold.flush())))


def test_a_data_uri_without_base64_is_released_where_it_ends() -> None:
    hold = TextHold()
    text = "see data:text/plain,hello there"
    assert whole(list(hold.feed(text))) == text


def test_what_grows_beyond_the_bound_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coatcheck.payload.scanning.holding.MAX_HELD", 3000)
    out = passed([BASE64[start : start + 100] for start in range(0, len(BASE64), 100)])
    assert not any(isinstance(piece, Held) and len(piece.text) > 3100 for piece in out)
    assert whole(out) == BASE64


def test_holding_a_long_medium_costs_no_more_than_reading_it() -> None:
    """A hundred thousand deltas: a quadratic hold would take minutes."""
    hold = TextHold()
    assert list(hold.feed("data:image/png;base64,iVBORw0KGgo")) == []
    for _ in range(100_000):
        assert list(hold.feed("A" * 40)) == []
    (held,) = hold.flush()
    assert isinstance(held, Held)
    assert len(held.text) > 4_000_000
