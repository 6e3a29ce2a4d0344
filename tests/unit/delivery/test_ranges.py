"""RFC 9110, 13 and 14: preconditions and ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.delivery.conditional import fails_if_match, requested_range
from coatcheck.errors import InvalidRangeError

TAG = '"abc"'
SIZE = 10_000  # the representation of RFC 9110, 14.1.2


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-499", (0, 500)),
        ("bytes=500-999", (500, 1000)),
        ("bytes=-500", (9500, 10_000)),
        ("bytes=9500-", (9500, 10_000)),
        ("bytes=0-0", (0, 1)),
        ("bytes=-1", (9999, 10_000)),
        ("bytes=9999-9999", (9999, 10_000)),
        ("bytes=0-", (0, 10_000)),
        ("bytes=0-99999", (0, 10_000)),
        ("bytes=-99999", (0, 10_000)),
        ("bytes=0-" + "9" * 5000, (0, 10_000)),
        ("  bytes=1-2  ", (1, 3)),
    ],
)
def test_a_range_is_sent(header: str, part: tuple[int, int]) -> None:
    assert requested_range("GET", header, None, TAG, SIZE) == part


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-1",
        "bytes=1",
        "bytes=1-2,4-5",
        "bytes=0-0,-1",
        "bytes=" + "0-," * 5000 + "0-1",
        "items=0-5",
        "bytes=0x0-5",
        "bytes=٠-٥",
        "bytes=--5",
        "bytes 0-5",
    ],
)
def test_several_ranges_and_garbage_get_the_whole(header: str) -> None:
    """Attack 22."""
    assert requested_range("GET", header, None, TAG, SIZE) is None


@pytest.mark.parametrize("header", ["bytes=10000-", "bytes=10000-10001", "bytes=-0"])
def test_a_range_outside_is_told_with_the_size(header: str) -> None:
    with pytest.raises(InvalidRangeError) as caught:
        requested_range("GET", header, None, TAG, SIZE)
    assert caught.value.size == SIZE


@given(st.text(max_size=60), st.integers(0, 10_000))
def test_whatever_is_asked_the_answer_lies_within(header: str, size: int) -> None:
    for text in (header, f"bytes={header}"):
        try:
            part = requested_range("GET", text, None, TAG, size)
        except InvalidRangeError:
            continue
        assert part is None or 0 <= part[0] < part[1] <= size


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_range_is_a_slice(first: int, last: int) -> None:
    content = bytes(SIZE)
    try:
        part = requested_range("GET", f"bytes={first}-{last}", None, TAG, SIZE)
    except InvalidRangeError:
        assert first >= SIZE
    else:
        if last >= first:
            assert part is not None
            assert len(content[part[0] : part[1]]) == len(content[first : last + 1])


def test_only_a_get_has_a_range() -> None:
    assert requested_range("HEAD", "bytes=0-1", None, TAG, SIZE) is None
    assert requested_range("GET", None, None, TAG, SIZE) is None


@pytest.mark.parametrize(
    ("if_range", "sent"),
    [
        (TAG, (0, 2)),
        ('"other"', None),
        (f"W/{TAG}", None),
        ("Sat, 29 Oct 1994 19:43:31 GMT", None),
        ("", None),
    ],
)
def test_if_range_wants_this_very_content(if_range: str, sent: tuple[int, int] | None) -> None:
    assert requested_range("GET", "bytes=0-1", if_range, TAG, SIZE) == sent


@pytest.mark.parametrize(
    ("if_match", "fails"),
    [
        (None, False),
        ("*", False),
        (TAG, False),
        (f'"x", {TAG}', False),
        ('"x"', True),
        (f"W/{TAG}", True),
        ("", True),
    ],
)
def test_if_match_compares_strongly(if_match: str | None, fails: bool) -> None:
    assert fails_if_match(if_match, TAG) is fails
