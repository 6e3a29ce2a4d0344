"""Uploads arrive in whatever pieces the network makes, whole or broken."""

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from coatcheck.delivery.upload import receive_upload
from coatcheck.errors import (
    CoatcheckError,
    EmptyMediaError,
    InvalidInputError,
    MediaTooLargeError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.mediatype import ALLOWED_TYPES
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

BOUNDARY = "-----------------------------boundary0817"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
PICTURE = png_bytes(24, 16)


def part(
    content: bytes, *, name: str = "file", filename: str | None = None, headers: Sequence[str] = ()
) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    lines = [f"--{BOUNDARY}", disposition, *headers, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def split(body: bytes, places: Iterable[int]) -> list[bytes]:
    cuts = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(cuts)]


def request(
    chunks: Sequence[bytes],
    content_type: str | None,
    *,
    query: str = "",
    length: int | None = None,
    leaves: bool = False,
) -> Request:
    """What the server hands over; a client that `leaves` is gone after its last chunk."""
    headers = []
    if content_type is not None:
        headers.append((b"content-type", content_type.encode("latin-1")))
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append({"type": "http.disconnect"} if leaves else {"type": "http.request"})

    async def receive() -> Message:
        return messages.pop(0)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/upload",
        "query_string": query.encode(),
        "headers": headers,
    }
    return Request(scope, receive)


async def upload_form(store: MediaStore, body: bytes, size: int = 1000) -> MediaReference:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return await receive_upload(request(chunks, FORM), store)


def digest_of(content: bytes) -> str:
    return f"sha-256:{hashlib.sha256(content).hexdigest()}"


def kept_files(data: Path) -> list[Path]:
    """Everything below the data directory but SQLite's own files, which come and go."""
    return sorted(path for path in data.rglob("*") if not path.name.startswith("catalog."))


async def assert_refused(
    store: MediaStore, data: Path, asked: Request, error: type[CoatcheckError]
) -> str:
    """Refused with exactly this error, and nothing is left; returns the message."""
    before = kept_files(data)
    with pytest.raises(CoatcheckError) as caught:
        await receive_upload(asked, store)
    assert type(caught.value) is error
    assert kept_files(data) == before
    assert await store.blob_count() == 0
    return caught.value.message


# --- forms ---------------------------------------------------------------------------------------


async def test_a_form_s_file_is_stored_bit_for_bit_under_its_name(store: MediaStore) -> None:
    body = form(part(PICTURE, filename="sea.png", headers=["Content-Type: image/png"]))
    stored = await upload_form(store, body)
    assert (stored.digest, stored.size) == (digest_of(PICTURE), len(PICTURE))
    assert (stored.mime_type, stored.display_name) == ("image/png", "sea.png")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 65_536])
async def test_the_size_of_the_pieces_makes_no_difference(store: MediaStore, size: int) -> None:
    body = form(
        part(b"before", name="note"),
        part(PICTURE, filename="sea.png"),
        part(b"after", name="note"),
    )
    assert (await upload_form(store, body, size)).digest == digest_of(PICTURE)


# One store serves every example: what it holds already makes no difference to what is received.
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    places=st.lists(st.integers(min_value=0, max_value=10_000), max_size=30),
    tail=st.sampled_from(
        [
            "",
            "\r\n",
            "\r",
            "\n\r\n",
            f"\r\n--{BOUNDARY[:-1]}",
            f"\r\n--{BOUNDARY}"[:-2] + "\r\n",
            f"--{BOUNDARY}",
            "\r\n--",
        ]
    ),
)
async def test_a_form_split_anywhere_gives_the_same_bytes(
    store: MediaStore, places: list[int], tail: str
) -> None:
    content = f"Looks like a boundary here{tail} and goes on{tail}".encode()
    body = form(part(b"x\r\n", name="note"), part(content, filename="n.txt"), part(b"", name="z"))
    stored = await receive_upload(request(split(body, places), FORM), store)
    assert stored.digest == digest_of(content)


async def test_the_first_of_several_files_is_taken(store: MediaStore) -> None:
    body = form(
        part(b"caption", name="alt"),
        part(b"the first", filename="1.txt"),
        part(b"the second", filename="2.txt"),
    )
    stored = await upload_form(store, body)
    assert (stored.digest, stored.display_name) == (digest_of(b"the first"), "1.txt")


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("naïve 灯.png", "naïve 灯.png"),
        ("../../etc/passwd", "passwd"),
        (r"C:\\Users\\me\\sea.png", "sea.png"),
        ("a;b=c.png", "a;b=c.png"),
        ("\u202egnp.txt", "gnp.txt"),
        ("..", None),
    ],
)
async def test_a_file_name_is_cleaned(store: MediaStore, filename: str, shown: str | None) -> None:
    stored = await upload_form(store, form(part(PICTURE, filename=filename)))
    assert stored.display_name == shown


async def test_a_file_name_of_wrong_bytes_harms_nothing(store: MediaStore) -> None:
    body = form(part(PICTURE, filename="@@")).replace(b"@@", b"\xff\xfe.png", 1)
    stored = await upload_form(store, body)
    assert stored.digest == digest_of(PICTURE)


async def test_header_names_are_read_in_any_case(store: MediaStore) -> None:
    body = form(part(b"text", filename="x", headers=["CONTENT-TYPE: image/png"]))
    with pytest.raises(UnsupportedMediaError):
        await upload_form(store, body.replace(b"Content-Disposition", b"content-DISPOSITION"))


async def test_a_part_that_claims_to_be_an_image_must_be_one(store: MediaStore, data: Path) -> None:
    body = form(part(b"no picture", filename="x", headers=["Content-Type: image/png"]))
    await assert_refused(store, data, request([body], FORM), UnsupportedMediaError)


@pytest.mark.parametrize(
    "body",
    [
        form(),
        form(part(b"text", name="note")),
        form(part(b"", filename="")),  # what a browser sends when no file was chosen
        form(part(b"", filename="empty.png")),
        b"",
        f"--{BOUNDARY}".encode(),
        f"--{BOUNDARY}\r\nContent-Disposition: form-da".encode(),
    ],
)
async def test_a_form_without_a_file_is_empty(store: MediaStore, data: Path, body: bytes) -> None:
    await assert_refused(store, data, request([body], FORM), EmptyMediaError)


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        b"--another-boundary\r\n\r\n",
        f"--{BOUNDARY}x\r\n".encode(),
        f"--{BOUNDARY}\r\nno colon\r\n\r\n".encode(),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\rX\r\n".encode(),
        f"--{BOUNDARY}\r\n\0: x\r\n\r\n".encode(),
    ],
)
async def test_a_broken_form_is_invalid(store: MediaStore, data: Path, body: bytes) -> None:
    for size in (1, len(body)):
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        await assert_refused(store, data, request(chunks, FORM), InvalidInputError)


@pytest.mark.parametrize("rest", [1, 20, 60, 100])
async def test_a_form_that_ends_in_the_file_leaves_nothing(
    store: MediaStore, data: Path, rest: int
) -> None:
    whole = form(part(PICTURE, filename="sea.png"))
    end = whole.index(PICTURE) + len(PICTURE) + len("\r\n--") + len(BOUNDARY)
    asked = request([whole[: end - rest]], FORM)
    await assert_refused(store, data, asked, InvalidInputError)


@pytest.mark.parametrize("leave_after", [0, 10, 200, 300])
async def test_a_client_that_leaves_leaves_nothing(
    store: MediaStore, data: Path, leave_after: int
) -> None:
    whole = form(part(PICTURE, filename="sea.png"))
    asked = request([whole[:leave_after]], FORM, leaves=True)
    await assert_refused(store, data, asked, InvalidInputError)


@pytest.mark.parametrize(
    "header", ["X-Long: " + "v" * 9000, "X" * 9000 + ": v", "X-Never-Ends: " + "v" * 200_000]
)
async def test_a_header_that_is_too_long_is_invalid(
    store: MediaStore, data: Path, header: str
) -> None:
    body = form(part(PICTURE, filename="sea.png", headers=[header]))
    for size in (100, len(body)):
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        await assert_refused(store, data, request(chunks, FORM), InvalidInputError)


async def test_headers_without_number_are_invalid(store: MediaStore, data: Path) -> None:
    headers = [f"X-{number}: v" for number in range(10_000)]
    body = form(part(PICTURE, filename="sea.png", headers=headers))
    await assert_refused(store, data, request([body], FORM), InvalidInputError)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "b" * 5000,
    ],
)
async def test_a_form_needs_a_usable_boundary(
    store: MediaStore, data: Path, content_type: str
) -> None:
    body = form(part(PICTURE, filename="sea.png"))
    await assert_refused(store, data, request([body], content_type), InvalidInputError)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.one_of(
        st.binary(max_size=400),
        st.lists(
            st.sampled_from(
                [
                    f"--{BOUNDARY}".encode(),
                    b"\r\n",
                    b"--",
                    b"Content-Disposition: form-data; ",
                    b'filename="a"',
                    b'name="b"; ',
                    b"Content-Type: ",
                    b": ",
                    b"\0",
                    b"text",
                    b"\xff",
                    b"\r",
                ]
            ),
            max_size=24,
        ).map(b"".join),
    ),
    content_type=st.one_of(
        st.just(FORM),
        st.text(alphabet=st.characters(max_codepoint=255), max_size=40).map(
            "multipart/form-data;boundary={}".format
        ),
        st.text(alphabet=st.characters(max_codepoint=255), max_size=40),
    ),
)
async def test_rubbish_is_stored_as_text_or_refused_precisely(
    store: MediaStore, body: bytes, content_type: str
) -> None:
    with contextlib.suppress(InvalidInputError):
        stored = await receive_upload(request([body], content_type), store)
        assert stored.mime_type in ALLOWED_TYPES


# --- raw bodies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", [None, "image/png", "application/octet-stream", "IMAGE/PNG; q=1", ""]
)
async def test_a_raw_body_is_stored_bit_for_bit(
    store: MediaStore, content_type: str | None
) -> None:
    chunks = split(PICTURE, [1, 8, 100])
    stored = await receive_upload(request(chunks, content_type), store)
    assert (stored.digest, stored.mime_type) == (digest_of(PICTURE), "image/png")
    assert stored.display_name is None


async def test_a_raw_body_takes_its_name_from_the_query(store: MediaStore) -> None:
    asked = request([PICTURE], "image/png", query="filename=%2Ftmp%2Fsea%20%C3%A9.png")
    assert (await receive_upload(asked, store)).display_name == "sea é.png"


async def test_a_raw_body_may_not_lie_about_being_an_image(store: MediaStore, data: Path) -> None:
    for asked in (
        request([b"text"], "image/png"),
        request([b"text"], None, query="filename=a.png"),
        request([b"text"], "text/plain", query="filename=a.svg"),
    ):
        await assert_refused(store, data, asked, UnsupportedMediaError)


async def test_a_raw_body_that_is_cut_short_leaves_nothing(store: MediaStore, data: Path) -> None:
    await assert_refused(store, data, request([PICTURE[:-40]], None), UnprocessableMediaError)
    gone = request([PICTURE[:-40]], None, leaves=True)
    await assert_refused(store, data, gone, InvalidInputError)
    await assert_refused(store, data, request([b"", b""], None), EmptyMediaError)


async def test_a_declared_length_over_the_limit_is_refused_before_a_byte_is_read(
    store: MediaStore,
) -> None:
    asked = request([PICTURE], None, length=store.max_bytes + 1024 * 1024)
    with pytest.raises(MediaTooLargeError):
        await receive_upload(asked, store)
    assert await asked.body() == PICTURE  # still to be read


@pytest.mark.parametrize("in_form", [False, True])
async def test_what_grows_over_the_limit_leaves_nothing(data: Path, *, in_form: bool) -> None:
    async with open_backends(StoreOptions(data=data, max_bytes=10_000)) as small:
        content = b"text " * 2001
        body = form(part(content, filename="a.txt")) if in_form else content
        asked = request(split(body, range(0, len(body), 999)), FORM if in_form else None)
        await assert_refused(small.store, data, asked, MediaTooLargeError)
        fits = form(part(content[:10_000], filename="a.txt")) if in_form else content[:10_000]
        stored = await receive_upload(request([fits], FORM if in_form else None), small.store)
        assert stored.size == 10_000


async def test_fields_before_the_file_count_towards_the_limit(data: Path) -> None:
    async with open_backends(StoreOptions(data=data, max_bytes=10_000)) as small:
        endless = part(b"never mind " * 100_000, name="note")
        body = form(endless, part(b"text", filename="a.txt"))
        asked = request(split(body, range(0, len(body), 65_536)), FORM)
        await assert_refused(small.store, data, asked, MediaTooLargeError)
