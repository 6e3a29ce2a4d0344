import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.delivery.negotiation import negotiate, negotiate_encoding
from coatcheck.variants import FORMATS

CHROMIUM = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI_13 = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "original", "chosen"),
    [
        (None, "image/png", "webp"),
        ("", "image/png", "webp"),
        ("*/*", "image/png", "webp"),
        ("image/*", "image/png", "webp"),
        (CHROMIUM, "image/png", "webp"),
        (SAFARI_13, "image/png", "webp"),
        ("image/avif", "image/png", "avif"),
        ("image/avif,image/webp;q=0.9", "image/png", "avif"),
        ("image/avif;q=0.5,image/webp;q=0.9", "image/png", "webp"),
        ("image/webp;q=0,image/*", "image/png", "avif"),
        ("image/webp;q=0,image/avif;q=0,*/*", "image/png", "png"),
        ("image/webp;q=0.000,image/avif;q=0.0,*/*", "image/jpeg", "jpeg"),
        ("image/*;q=0,*/*", "image/jpeg", "jpeg"),
        ("image/png", "image/gif", "png"),
        ("text/html", "image/jpeg", "jpeg"),
        ("IMAGE/AVIF; Q=1.0", "image/png", "avif"),
        ("image/avif ; level=1 ; q=0.3 , image/webp ; q=0.2", "image/png", "avif"),
        ("image/avif;q=nonsense,image/webp;q=0.5", "image/png", "avif"),
    ],
)
def test_the_clients_wishes_decide(accept: str | None, original: str, chosen: str) -> None:
    assert negotiate(accept, original) == chosen


@given(st.text(max_size=500), st.sampled_from(["image/png", "image/jpeg"]))
def test_any_header_gets_a_format(accept: str, original: str) -> None:
    assert negotiate(accept, original) in FORMATS


def test_an_endless_header_is_read_in_no_time() -> None:
    assert negotiate("image/webp;q=0," * 1_000_000, "image/png") in FORMATS


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.001", "br"),
        ("br;q=0, gzip;q=0", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("deflate", "identity"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("*;q=0.5, identity", "identity"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("identity;q=0, *;q=0.5", "br"),
        ("*;q=0, gzip", "gzip"),
        ("gzip;q=0, *;q=0", None),
    ],
)
def test_a_coding_is_chosen_by_the_weights_of_the_client(
    accepted: str | None, chosen: str | None
) -> None:
    assert negotiate_encoding(accepted, ("br", "gzip", "identity")) == chosen


@given(st.text())
def test_any_header_has_a_coding_of_those_available_or_none(accepted: str) -> None:
    assert negotiate_encoding(accepted, ("identity",)) in {"identity", None}
    assert negotiate_encoding(accepted, ("br", "identity")) in {"br", "identity", None}
