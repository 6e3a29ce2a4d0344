"""Golden fixtures: values that a framework's own classes serialized, there and back.

A fixture makes a payload with a real picture inside. `round_trip` offloads it, lets the framework's
own parser read what came out and write it again, restores it, and compares.
"""

import copy
import hashlib
import inspect
import io
import json
import re
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pybase64

from coatcheck.payload.offload import Form, offload
from coatcheck.payload.restore import restore
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from tests.media import image_bytes, picture

LINK: Final = "<link>"
"""Stands for the link to the media in what is expected: ``media://…`` or a URL."""

REFERENCE: Final = "<reference>"
"""Stands for a whole reference, in stored or UI form."""

FORMS: Final[tuple[Form, ...]] = ("stored", "ui")

SPELLING: Final = re.compile(r"(?<=[0-9a-f]{12})#(?:base64|base64url|inexact)\b")
"""What a link says of how its media was written."""

_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{4096,}={0,2}")
_MEDIA_TYPES: Final = {"pdf": "application/pdf", "wav": "audio/wav"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One place in which a framework carries media.

    Attributes:
        name: says what it is; names the test.
        row: the row of ``docs/reference/shapes.md``.
        make: from bytes and their media type, the payload as the framework writes it; may be
            asynchronous.
        path: where in the payload the replacement stands; leads into JSON inside strings.
        becomes: what stands there then: members that it has, or the text that it is; `LINK` and
            `REFERENCE` are filled in.
        reread: the framework's own parser, then its own serializer; None where there is none or its
            shape has no form for references.
        kind: of the media: png, jpeg, webp, gif, pdf or wav.
        copies: how often the media is inside.
        exact: whether everything comes back as it was; else the media alone.
    """

    name: str
    row: int
    make: Callable[[bytes, str], Any]
    path: tuple[str | int, ...]
    becomes: Mapping[str, Any] | str
    reread: Callable[[Any], Any] | None = None
    kind: str = "png"
    copies: int = 1
    exact: bool = True

    def __str__(self) -> str:
        return self.name


def named(golden: Golden) -> str:
    """The id of a fixture's test."""
    return f"{golden.row}-{golden.name}"


async def round_trip(golden: Golden, form: Form, store: MediaStore) -> None:
    """Offload, read with the framework's parser, restore; each step is checked."""
    data = media_bytes(golden.kind)
    payload = golden.make(data, _MEDIA_TYPES.get(golden.kind, f"image/{golden.kind}"))
    if inspect.isawaitable(payload):
        payload = await payload
    assert list(media_in(payload)) == [data] * golden.copies
    untouched = copy.deepcopy(payload)

    offloaded, report = await offload(payload, store, form=form, bare="object")
    assert payload == untouched
    assert list(media_in(offloaded)) == []
    assert (report.found, report.offloaded, dict(report.left)) == (golden.copies, golden.copies, {})
    (reference,) = report.references  # copies of one picture share it
    assert reference.digest == f"sha-256:{hashlib.sha256(data).hexdigest()}"
    expected = filled(golden.becomes, reference, form)
    assert_stands_in(at(offloaded, golden.path), expected)

    again, second = await offload(offloaded, store, form=form)
    assert again is offloaded
    assert second.found == 0

    restored, back = await restore(offloaded, store, urls=MediaUrls())
    assert back.left == ()
    assert list(media_in(restored)) == [data] * golden.copies
    if golden.exact:
        assert comparable(restored) == comparable(payload)

    if golden.reread is not None:
        reread, _ = await restore(golden.reread(offloaded), store, urls=MediaUrls())
        assert list(media_in(reread)) == [data] * golden.copies


def media_bytes(kind: str) -> bytes:
    """A real picture, document or sound of more than 4 KiB."""
    buffer = io.BytesIO()
    if kind == "pdf":
        picture(320, 240).save(buffer, format="pdf")
    elif kind == "wav":
        with wave.open(buffer, "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes(bytes(range(256)) * 32)
    else:
        return image_bytes(kind, 320, 240)
    return buffer.getvalue()


def base64_of(data: bytes) -> str:
    """Standard alphabet, padded."""
    return pybase64.b64encode(data).decode()


def data_uri(data: bytes, media_type: str) -> str:
    """The bytes as a ``data:`` URI."""
    return f"data:{media_type};base64,{base64_of(data)}"


def plain(value: Any) -> Any:
    """What pydantic validated: it reads iterables of SDKs lazily, and this takes what they give."""
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, Iterator | list):
        return [plain(item) for item in value]
    return value


def media_in(value: Any) -> Iterator[bytes]:
    """Whatever a long run of base64, in whichever alphabet, or a long bytes object holds."""
    if isinstance(value, bytes):
        if len(value) > 4096:
            yield value
    elif isinstance(value, str):
        for run in _RUN.findall(value):
            yield pybase64.b64decode(run, altchars=b"-_" if set("-_") & set(run) else None)
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from media_in(member)
    elif isinstance(value, Sequence):
        for item in value:
            yield from media_in(item)


def at(value: Any, path: Sequence[str | int]) -> Any:
    """What lies at `path`; a string on the way is read as JSON."""
    for step in path:
        value = (json.loads(value) if isinstance(value, str) else value)[step]
    return value


def filled(expected: Any, reference: MediaReference, form: Form) -> Any:
    """`expected` with the reference in the place of `LINK` and `REFERENCE`."""
    urls = MediaUrls()
    if expected == REFERENCE:
        return reference.to_stored() if form == "stored" else reference.to_ui(urls)
    if isinstance(expected, str):
        link = reference.uri if form == "stored" else urls.original(reference.id)
        return expected.replace(LINK, link)
    if isinstance(expected, Mapping):
        return {name: filled(member, reference, form) for name, member in expected.items()}
    return expected


def assert_stands_in(value: Any, expected: Any) -> None:
    """`value` is the text or has at least the members that are expected, at every level.

    What a link says of how its media was written is left out; restoring shows that it is right.
    """
    if isinstance(expected, Mapping):
        assert isinstance(value, Mapping)
        for name, member in expected.items():
            assert_stands_in(value.get(name), member)
    elif isinstance(value, str):
        assert SPELLING.sub("", value) == expected
    else:
        assert value == expected


def comparable(value: Any) -> Any:
    """The value with JSON inside strings read, so that its spaces do not matter."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return comparable(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, Mapping):
        return {name: comparable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value
