"""Pictures, waits and words in what providers answer."""

from base64 import b64encode

import pytest

from coatcheck_chat.errors import GenerationError, ProviderUnavailableError
from coatcheck_chat.providers.answers import (
    check_picture,
    decode_picture,
    failed,
    read_draft,
    refusal,
    wait_of,
)
from tests.media import image_bytes, png_bytes

PICTURE = png_bytes()
ENCODED = b64encode(PICTURE).decode()
NOW = 1_800_000_000.0


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
def test_every_kind_of_picture_passes(kind: str) -> None:
    data = image_bytes(kind)
    assert check_picture(data, "m") is data


@pytest.mark.parametrize("encoded", [ENCODED, f"data:image/png;base64,{ENCODED}"])
def test_a_picture_is_decoded(encoded: str) -> None:
    assert decode_picture(encoded, "m") == PICTURE


@pytest.mark.parametrize("encoded", [None, "", 7, "%", "QUJ", f"{ENCODED}\n", "data:,hello"])
def test_what_is_no_picture_is_told(encoded: object) -> None:
    with pytest.raises(GenerationError, match=r"^painter answered with"):
        decode_picture(encoded, "painter")


def test_a_draft_counts_up_to_what_was_wanted() -> None:
    drafts = [read_draft(ENCODED, number=number, wanted=3, maker="m") for number in range(1, 5)]
    assert [draft and draft.progress for draft in drafts] == [0.25, 0.5, 0.75, None]
    assert read_draft("%", number=1, wanted=3, maker="m") is None


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_told_apart(status: int) -> None:
    error = refusal(status, "Busy.", "painter", 3.0)
    assert isinstance(error, ProviderUnavailableError)
    assert error.message == f"painter cannot draw now ({status}): Busy."
    assert error.retry_after == 3.0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 413, 422])
def test_what_will_not_pass_is_told_apart(status: int) -> None:
    assert type(refusal(status, "No.", "painter")) is GenerationError


def test_what_is_said_of_a_key_is_not_shown() -> None:
    assert "sk-" not in refusal(401, "Incorrect API key: sk-abc", "painter").message


def test_a_message_is_one_short_line() -> None:
    said = failed("line one\nline two\u202e " + "x" * 5000, "painter").message
    assert said.startswith("painter made no picture: line one line two x")
    assert len(said) < 350
    assert failed(None, "painter").message == "painter made no picture."
    assert failed({"odd": 1}, "painter").message == "painter made no picture."


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("nan", None),
    ],
)
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    assert wait_of({"retry-after": value}, now=NOW) == seconds
    assert wait_of({}, now=NOW) is None
