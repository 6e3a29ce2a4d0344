"""Signatures: no forged, changed, expired or foreign one is taken. Tests name attacks by number."""

from collections.abc import Callable
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coatcheck.errors import ConfigurationError
from coatcheck.reference import MediaReference, MediaUrls, Signer
from coatcheck.signing import (
    LEEWAY_SECONDS,
    URL_LIFE_SECONDS,
    URL_WINDOW_SECONDS,
    Key,
    Keyring,
    UrlSigner,
    expiry,
    is_current,
)

ID = "9188cc90-b172-47e9-b493-4e22175bd478"
OTHER = "ab6d1b5d-fe0b-4533-94c4-bba313c2ff0c"
NEW = Key("b", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo")
OLD = Key("a", b"Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n")
STRANGER = Key("b", b"Mw2nBv4cXz6lKj8hGf0dSa1pOi3uYt5r")
NOON = 1_795_003_200.0

times = st.floats(1e9, 4e9)
ids = st.uuids(version=4).map(str)


def at(now: float, *keys: Key) -> UrlSigner:
    return UrlSigner(Keyring(keys or (NEW,)), lambda: now)


def parameters(signer: UrlSigner, reference_id: str = ID) -> tuple[str, str]:
    query = parse_qs(signer.query(reference_id), strict_parsing=True)
    assert list(query) == ["expires", "signature"]
    return query["expires"][0], query["signature"][0]


@given(times, ids)
def test_a_signature_is_good_for_its_id_and_time(now: float, reference_id: str) -> None:
    signer = at(now)
    expires, signature = parameters(signer, reference_id)
    assert signer.accepts(reference_id, expires, signature)
    assert not signer.accepts(OTHER if reference_id != OTHER else ID, expires, signature)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_attack_6_no_changed_byte_verifies(place: int, change: int) -> None:
    expires, signature = parameters(at(NOON))
    signed = f"{ID}|{expires}|{signature}".encode()
    place %= len(signed)
    tampered = signed[:place] + bytes([signed[place] ^ change]) + signed[place + 1 :]
    parts = tampered.decode("utf-8", "surrogateescape").split("|")
    assert len(parts) != 3 or not at(NOON).accepts(parts[0], parts[1], parts[2])


@given(st.text(max_size=40), st.text(max_size=14), st.text(max_size=40))
def test_attack_6_nothing_made_up_verifies(reference_id: str, expires: str, signature: str) -> None:
    assert not at(NOON).accepts(reference_id, expires, signature)
    assert not at(NOON).accepts(ID, expires, f"b.{signature}")


def test_attack_6_nothing_cut_short_or_grown_verifies() -> None:
    signer = at(NOON)
    expires, signature = parameters(signer)
    for length in range(len(signature)):
        assert not signer.accepts(ID, expires, signature[:length])
        assert not signer.accepts(ID, expires, signature[length + 1 :])
    for longer in (f"{signature}=", f"{signature}A", f" {signature}", f"{signature}\n"):
        assert not signer.accepts(ID, expires, longer)
    for other in (f"0{expires}", f"+{expires}", f"{expires} ", f"{expires}.0", "", "٣"):
        assert not signer.accepts(ID, other, signature)


def test_attack_6_fields_cannot_be_shifted_into_each_other() -> None:
    ring = Keyring((NEW,))
    signature = ring.sign("domain", "ab", "c")
    assert ring.verify(signature, "domain", "ab", "c")
    for fields in [("a", "bc"), ("abc",), ("ab", "c", ""), ("", "ab", "c"), ("c", "ab")]:
        assert not ring.verify(signature, "domain", *fields)
    assert not ring.verify(signature, "another domain", "ab", "c")
    assert not ring.verify(signature, "domainab", "c")


@given(times, st.integers(0, 10 * URL_LIFE_SECONDS))
def test_attack_6_a_signature_expires(now: float, later: int) -> None:
    expires, signature = parameters(at(now))
    left = int(expires) + LEEWAY_SECONDS - (now + later)
    assert at(now + later).accepts(ID, expires, signature) is (left >= 0)


def test_fault_19_a_clock_that_is_ahead_by_the_leeway_is_forgiven() -> None:
    expires, signature = parameters(at(NOON))
    end = int(expires)
    assert at(end + LEEWAY_SECONDS).accepts(ID, expires, signature)
    assert not at(end + LEEWAY_SECONDS + 1).accepts(ID, expires, signature)
    assert is_current(str(end), end - 10 * URL_LIFE_SECONDS)  # signed by a clock that is ahead


def test_the_leeway_is_the_documented_minute() -> None:
    expires, signature = parameters(at(NOON))
    assert at(int(expires) + 60).accepts(ID, expires, signature)
    assert not at(int(expires) + 61).accepts(ID, expires, signature)


def test_a_url_is_good_for_the_documented_day() -> None:
    for second in range(0, 3600, 97):
        expires, _ = parameters(at(NOON + second))
        assert 24 * 3600 <= int(expires) - (NOON + second) < 25 * 3600


@given(times, st.integers(1, 10**6), st.integers(1, 10**5))
def test_an_expiry_is_at_least_a_life_away_and_on_a_window(
    now: float, life: int, window: int
) -> None:
    end = expiry(now, life, window)
    assert end % window == 0
    assert int(now) + life <= end < now + life + window


@given(times)
def test_a_url_stays_the_same_for_a_window(now: float) -> None:
    start = now // URL_WINDOW_SECONDS * URL_WINDOW_SECONDS + 1
    within = {at(start + second).query(ID) for second in (0, 1, 1800, URL_WINDOW_SECONDS - 2)}
    assert len(within) == 1
    assert at(start + URL_WINDOW_SECONDS).query(ID) not in within


def test_attack_7_the_first_key_signs_and_all_verify() -> None:
    before, during, after = at(NOON, OLD), at(NOON, NEW, OLD), at(NOON, NEW)
    old = parameters(before)
    assert old[1].startswith("a.")
    assert during.accepts(ID, *old)
    assert not after.accepts(ID, *old)
    new = parameters(during)
    assert new[1].startswith("b.")
    assert after.accepts(ID, *new)
    # The name of a key is no key.
    assert not at(NOON, STRANGER).accepts(ID, *new)
    assert not during.accepts(ID, old[0], f"b.{old[1][2:]}")


def too_short() -> str:
    return "a:" + OLD.secret[:-1].decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "no-separator-but-long-enough-to-be-a-secret-q7Zk2",
        too_short(),
        "a:",
        ":Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n",
        "a b:Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n",
        "a.b:Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n",
        "a:Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n,a:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo",
        "a:Qe4rTy6uIo8pAs1dFg3hJk5lZx7cVb9n,b:Zq1Wx2Ec3",
        "a:" + "x" * 64,
        "a:" + "xyz" * 20,
        "a:change-me-change-me-change-me-please",
        "a:this-is-an-example-key-for-the-docs-1",
        "a:0123456789abcdef0123456789abcdef",
        "a:your-secret-goes-here-0987654321-qwe",
        "a:My-Super-Secret-Passphrase-of-2026!!",
    ],
)
def test_attack_6_a_short_or_example_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Keyring.parse(text)
    for secret in filter(None, (item.partition(":")[2] for item in text.split(","))):
        assert secret not in caught.value.message


@given(st.binary(min_size=32, max_size=32).map(bytes.hex))
def test_a_random_key_is_taken(secret: str) -> None:
    assume(len(set(secret)) >= 8)
    assume("01234567" not in secret)
    assume("12345678" not in secret)
    assert Keyring.parse(f" one:{secret} , two:{secret[::-1]},").keys[0].id == "one"


def test_a_secret_may_hold_a_colon_and_is_not_shown() -> None:
    ring = Keyring.parse("a:Qe4rTy6uIo8p:As1dFg3hJk5lZx7cVb9n")
    assert ring.keys[0].secret == b"Qe4rTy6uIo8p:As1dFg3hJk5lZx7cVb9n"
    assert "Qe4rTy6uIo8p" not in repr(ring)


def typical(reference_id: str = ID) -> MediaReference:
    return MediaReference(
        id=reference_id,
        mime_type="image/png",
        size=1_843_322,
        digest="sha-256:" + "a" * 64,
        width=1024,
        height=1024,
        placeholder="1QcSHQRnh493V4dIh4eXh1h4kJUI",
    )


def test_media_urls_carry_the_signature_beside_other_parameters() -> None:
    signer: Signer = at(NOON)
    urls = MediaUrls("/m", signer=signer)
    query = signer.query(ID)
    assert urls.original(ID) == f"/m/image/{ID}?{query}"
    assert urls.thumbnail(ID) == f"/m/image/{ID}?thumbnail=true&{query}"
    assert MediaUrls("/m").original(ID) == f"/m/image/{ID}"
    ui = typical().to_ui(urls)
    assert ui["url"] == urls.original(ID)
    assert ui["thumbnailUrl"] == urls.thumbnail(ID)


@pytest.mark.parametrize("make", [MediaReference.to_stored, MediaReference.to_model])
def test_a_signature_is_in_no_form_that_is_kept(make: Callable[[MediaReference], object]) -> None:
    restored = MediaReference.from_stored(typical().to_ui(MediaUrls(signer=at(NOON))))
    assert "signature" not in str(make(restored))
    assert UUID(restored.id).version == 4
