"""Who gets which media, asked of the authorizers themselves. Tests name attacks by number."""

from datetime import UTC, datetime
from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from coatcheck.delivery.access import (
    Authorizer,
    OpenAccess,
    PrincipalAccess,
    SignedAccess,
    is_owner,
)
from coatcheck.delivery.cookies import COOKIE_LIFE_SECONDS, Principal, SignedCookie
from coatcheck.errors import ForbiddenError, NotFoundError, UnauthorizedError
from coatcheck.ports import MediaRecord
from coatcheck.reference import MediaReference
from coatcheck.signing import LEEWAY_SECONDS, Key, Keyring, UrlSigner
from coatcheck.store import MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

RING = Keyring((Key("b", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"),))
FOREIGN_RING = Keyring((Key("b", b"Mw2nBv4cXz6lKj8hGf0dSa1pOi3uYt5r"),))
NOON = 1_795_003_200.0
UNKNOWN = "9188cc90-b172-47e9-b493-4e22175bd478"
ANNA = Principal("anna")
BERT = Principal("bert")


def cookie(now: float = NOON, ring: Keyring = RING, name: str = "coatcheck_media") -> SignedCookie:
    return SignedCookie(ring, lambda: now, name=name)


def set_cookie(granting: SignedCookie, principal: Principal, *, secure: bool = False) -> str:
    response = Response()
    granting.grant(response, principal, secure=secure)
    return response.headers["set-cookie"]


def value(granting: SignedCookie, principal: Principal) -> str:
    return SimpleCookie(set_cookie(granting, principal))[granting.name].value


def scope(reference_id: str = UNKNOWN, query: str = "", *cookies: str) -> Scope:
    return {
        "type": "http",
        "method": "GET",
        "path": f"/image/{reference_id}",
        "path_params": {"id": reference_id},
        "query_string": query.encode(),
        "headers": [(b"cookie", text.encode()) for text in cookies],
    }


def read(reading: SignedCookie, *cookies: str) -> Principal | None:
    return reading.read(HTTPConnection(scope(UNKNOWN, "", *cookies)))


def record(owner: str | None) -> MediaRecord:
    reference = MediaReference(
        id=UNKNOWN, mime_type="image/png", size=1, digest="sha-256:" + "0" * 64
    )
    return MediaRecord(
        reference=reference, created_at=datetime(2026, 1, 1, tzinfo=UTC), owner=owner, variants={}
    )


# --- the cookie ----------------------------------------------------------------------------------


def test_a_cookie_has_the_attributes_that_keep_it_where_it_belongs() -> None:
    plain, secure = (set_cookie(cookie(), ANNA, secure=flag) for flag in (False, True))
    attributes = {part.strip().lower() for part in plain.split(";")[1:]}
    assert attributes == {
        "httponly",
        "samesite=lax",
        "path=/api/media",
        f"max-age={COOKIE_LIFE_SECONDS}",
    }
    assert {part.strip().lower() for part in secure.split(";")[1:]} == attributes | {"secure"}


def test_attack_24_an_answer_that_sets_a_cookie_is_kept_by_no_cache() -> None:
    response = Response(headers={"cache-control": "public, max-age=31536000, immutable"})
    cookie().grant(response, ANNA, secure=True)
    assert response.headers["cache-control"] == "no-store"


@given(st.text(min_size=1, max_size=255))
def test_a_cookie_names_its_principal(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    text = value(cookie(), Principal(name))
    assert read(cookie(), f"other=1; coatcheck_media={text}; last=2") == Principal(name)


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_principal_that_can_own_nothing_gets_no_cookie(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        set_cookie(cookie(), Principal(name))


@given(st.integers(0, 10_000), st.integers(1, 127))
def test_attack_6_no_changed_cookie_is_believed(place: int, change: int) -> None:
    text = value(cookie(), ANNA)
    place %= len(text)
    tampered = text[:place] + chr(ord(text[place]) ^ change) + text[place + 1 :]
    # Quotes and spaces around a value are not part of it.
    if tampered.strip(' \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f"') != text:
        assert read(cookie(), f"coatcheck_media={tampered}") is None


def test_attack_6_no_cut_expired_or_foreign_cookie_is_believed() -> None:
    text = value(cookie(), ANNA)
    for length in range(len(text)):
        assert read(cookie(), f"coatcheck_media={text[:length]}") is None
    end = NOON + COOKIE_LIFE_SECONDS
    assert read(cookie(end + LEEWAY_SECONDS), f"coatcheck_media={text}") == ANNA
    assert read(cookie(end + LEEWAY_SECONDS + 1), f"coatcheck_media={text}") is None
    assert read(cookie(ring=FOREIGN_RING), f"coatcheck_media={text}") is None


def test_attack_6_what_was_signed_for_something_else_is_no_cookie() -> None:
    text = value(cookie(name="coatcheck_session"), ANNA)
    assert read(cookie(), f"coatcheck_media={text}") is None
    signer = UrlSigner(RING, lambda: NOON)
    _, expires, signature = (
        part.partition("=")[2] for part in f"&{signer.query('YW5uYQ==')}".split("&")
    )
    assert read(cookie(), f"coatcheck_media=YW5uYQ==~{expires}~{signature}") is None
    encoded, expires, signature = value(cookie(), ANNA).split("~")
    assert not signer.accepts(encoded, expires, signature)


def test_a_planted_second_cookie_is_not_chosen_from() -> None:
    mine, planted = value(cookie(), ANNA), value(cookie(), BERT)
    both = f"coatcheck_media={mine}; coatcheck_media={planted}"
    assert read(cookie(), both) is None
    assert read(cookie(), f"coatcheck_media={mine}", f"coatcheck_media={planted}") is None
    assert read(cookie(), f"coatcheck_media={mine}; coatcheck_media={mine}") == ANNA


# --- the hook ------------------------------------------------------------------------------------


def test_media_is_its_owners_alone_and_without_an_owner_nobodys() -> None:
    assert is_owner(ANNA, record("anna"))
    assert not is_owner(ANNA, record("bert"))
    assert not is_owner(ANNA, record(None))
    assert not is_owner(Principal(""), record(None))


async def test_the_hook_is_asked_and_may_be_asynchronous(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner="anna", conversation_id="c1")
    asked: list[tuple[Principal, MediaRecord]] = []

    async def in_conversation(principal: Principal, found: MediaRecord) -> bool:
        asked.append((principal, found))
        return found.conversation_id == "c1"

    access = PrincipalAccess(lambda _: BERT, in_conversation)
    found = await access.find_readable(scope(reference.id), store)
    assert asked == [(BERT, found)]

    async def never(_principal: Principal, _found: MediaRecord) -> bool:
        return False

    for hook in (never, lambda _p, _r: False):
        refusing = PrincipalAccess(lambda _: ANNA, hook)
        for find in (refusing.find_readable, refusing.find_manageable):
            with pytest.raises(NotFoundError):
                await find(scope(reference.id), store)


async def test_a_hook_that_answers_anything_but_true_refuses(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner="anna")
    hook: object = lambda _p, _r: "no"  # noqa: E731 - a mistake that types would find
    access = PrincipalAccess(lambda _: ANNA, hook)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        await access.find_readable(scope(reference.id), store)


# --- the modes -----------------------------------------------------------------------------------


async def test_each_mode_says_how_its_answers_are_kept() -> None:
    signer = UrlSigner(RING, lambda: NOON)
    modes: list[Authorizer] = [OpenAccess(), SignedAccess(signer), PrincipalAccess(cookie().read)]
    kept = [mode.cache_control for mode in modes]
    assert kept == [
        f"{who}, max-age=31536000, immutable" for who in ("public", "private", "private")
    ]


async def test_another_owners_media_and_none_are_the_same_error(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner="anna")
    access = PrincipalAccess(lambda _: BERT)
    messages = set()
    for reference_id in (reference.id, UNKNOWN, "no-id"):
        with pytest.raises(NotFoundError) as caught:
            await access.find_readable(scope(reference_id), store)
        messages.add(caught.value.message)
    assert len(messages) == 1


async def test_without_permission_nothing_is_told_about_what_exists(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner="anna")
    signed = SignedAccess(UrlSigner(RING, lambda: NOON))
    by_cookie = PrincipalAccess(cookie().read)
    for reference_id in (reference.id, UNKNOWN, "no-id"):
        with pytest.raises(ForbiddenError):
            await signed.find_readable(scope(reference_id), store)
        with pytest.raises(UnauthorizedError):
            await by_cookie.find_readable(scope(reference_id), store)


async def test_a_signed_url_reads_and_does_not_manage(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner="anna")
    signer = UrlSigner(RING, lambda: NOON)
    access = SignedAccess(signer)
    good = scope(reference.id, signer.query(reference.id))
    assert (await access.find_readable(good, store)).reference == reference
    upper = scope(reference.id.upper(), signer.query(reference.id))
    assert (await access.find_readable(upper, store)).reference == reference
    for find in (access.find_describable, access.find_manageable):
        with pytest.raises(UnauthorizedError):  # the JSON form mints URLs that live on
            await find(good, store)
    with pytest.raises(UnauthorizedError):
        access.identify(good)
    known = SignedAccess(signer, PrincipalAccess(lambda _: ANNA))
    assert (await known.find_manageable(scope(reference.id), store)).owner == "anna"
    assert known.identify(scope()) == ANNA


async def test_attack_5_a_signature_that_is_given_twice_is_refused(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), owner="anna")
    signer = UrlSigner(RING, lambda: NOON)
    access = SignedAccess(signer)
    good = signer.query(reference.id)
    expires, signature = good.split("&")
    for query in (
        f"{good}&{signature}",
        f"{good}&{expires}",
        f"{signature}&{good}",
        f"{good}&signature=",
        f"signature=&{good}",
        f"{good}&expires=99999999999",
        f"{good}&%73ignature=x",
        f"{good}&{good}",
        expires,
        signature,
        good.replace("&", ";"),
        "",
    ):
        with pytest.raises(ForbiddenError):
            await access.find_readable(scope(reference.id, query), store)
    for path in (f"{reference.id}?{good}", f"{reference.id}&{good}", f"{good}{reference.id}"):
        with pytest.raises(ForbiddenError):
            await access.find_readable(scope(path, good), store)
