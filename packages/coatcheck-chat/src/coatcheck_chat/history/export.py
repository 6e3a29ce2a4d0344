"""A conversation as a file: JSON lines, or one HTML page that needs nothing else.

Both are written while they are read: a message and a piece of a picture are in memory at a time.
Whatever was said is escaped, and the page's own policy forbids scripts and every address, so that
it can be opened by anyone it is passed on to.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from html import escape
from typing import Any, Final, NamedTuple

import anyio
import pybase64

from coatcheck.errors import CoatcheckError, NotFoundError, OverloadedError
from coatcheck.media_part import MEDIA_PART
from coatcheck.reference import REFERENCE_TYPE, is_reference_id
from coatcheck.store import (
    IMAGE_TYPES,
    RASTER_TYPES,
    THUMBNAIL,
    MediaRecord,
    MediaStore,
    VariantRecord,
    VariantSpec,
)
from coatcheck_chat.history.ports import ConversationRecord

WIDTH: Final = 1024
"""Pixels of a right-sized picture, at most."""

SMALL_ENOUGH: Final = 150_000
"""Bytes of an original no wider than `WIDTH` that is embedded as it is."""

_TRIES: Final = 20
_PAUSE_SECONDS: Final = 0.5
_SPEAKERS: Final = {"user": "You", "assistant": "Assistant"}

_STYLE: Final = """
:root { color-scheme: light dark; font: 100%/1.6 system-ui, sans-serif;
  background: light-dark(#fbf8f3, #171411); color: light-dark(#241d18, #eee7dd); }
body { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font: 600 1.75rem/1.25 ui-serif, Georgia, serif; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .25rem; font-size: .8125rem; color: light-dark(#655b50, #aea294); }
p { margin: .5rem 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.user p { padding: .625rem 1rem; border-radius: 1rem; background: light-dark(#f4e6e3, #35211f); }
figure { margin: .75rem 0; }
img { display: block; max-width: 100%; height: auto; border-radius: .75rem; }
figcaption, footer, .note { font-size: .875rem; color: light-dark(#655b50, #aea294); }
.note { font-style: italic; }
footer { margin-top: 3rem; }
"""


class _Source(NamedTuple):
    """An embedded blob, and the size of its picture."""

    digest: str
    size: int
    media_type: str
    width: int | None
    height: int | None


async def as_json_lines(messages: AsyncGenerator[Mapping[str, Any]]) -> AsyncGenerator[bytes]:
    """Each message in stored form, one a line."""
    async with aclosing(messages):
        async for message in messages:
            try:
                line = json.dumps(message, ensure_ascii=False).encode()
            except UnicodeEncodeError:  # half a surrogate pair, which JSON can only write escaped
                line = json.dumps(message).encode()
            yield line + b"\n"


class HtmlExport:
    """Writes conversations as self-contained HTML.

    Args:
        store: where pictures are read.
        owner: whose media may be embedded; None where clients are anonymous.
        originals: embed media bit for bit, and files as links that save them; by default pictures
            are right-sized and files are only named.
    """

    def __init__(self, store: MediaStore, *, owner: str | None, originals: bool) -> None:
        self._store = store
        self._owner = owner
        self._originals = originals

    async def write(
        self, conversation: ConversationRecord, messages: AsyncGenerator[Mapping[str, Any]]
    ) -> AsyncGenerator[bytes]:
        """The page, piece by piece."""
        yield _html(_head(conversation))
        async with aclosing(messages):
            async for message in messages:
                async with aclosing(self._message(message)) as pieces:
                    async for piece in pieces:
                        yield piece
        yield b"</main>\n<footer>Saved with Coatcheck.</footer>\n</body>\n</html>\n"

    async def _message(self, message: Mapping[str, Any]) -> AsyncGenerator[bytes]:
        role = message.get("role")
        kind = "user" if role == "user" else "other"
        speaker = _SPEAKERS.get(str(role), "Unknown")
        yield _html(f'<article class="{kind}"><h2>{speaker}</h2>\n')
        shown: set[str] = set()
        # A tool's output names the media that a part of its own shows already.
        own = {_reference_id(part) for part in message["parts"] if _is_media(part)}
        for part in message["parts"]:
            identifier = _reference_id(part)
            if part.get("type") == "text":
                yield _html(f"<p>{escape(part['text'])}</p>\n")
            elif identifier is None:
                if failure := _failure(part):
                    yield _html(f'<p class="note">{escape(failure)}</p>\n')
            elif identifier not in shown and (identifier not in own or _is_media(part)):
                shown.add(identifier)
                async with aclosing(self._media(identifier)) as pieces:
                    async for piece in pieces:
                        yield piece
        yield b"</article>\n"

    async def _media(self, reference_id: str) -> AsyncGenerator[bytes]:
        try:
            record = await self._store.record(reference_id)
            if self._owner is not None and record.owner != self._owner:
                raise NotFoundError("There is no media under this id.")
            source = await self._choose(record)
        except CoatcheckError as error:
            yield _html(f'<p class="note">A picture is missing here. {escape(error.message)}</p>\n')
            return
        reference = record.reference
        caption = escape(reference.alt or reference.display_name or "Untitled")
        if source is None:
            facts = f"{caption} ({escape(reference.mime_type)}, {reference.size:,} bytes)"
            yield _html(f'<p class="note">{facts}</p>\n')
            return
        if source.media_type in IMAGE_TYPES:
            size = f' width="{source.width}" height="{source.height}"' if source.width else ""
            opening = f'<figure><img{size} alt="{caption}" src="'
            closing = f'"><figcaption>{caption}</figcaption></figure>\n'
        else:
            name = escape(reference.display_name or reference.id)
            opening, closing = f'<p><a download="{name}" href="', f'">{caption}</a></p>\n'
        yield _html(f"{opening}data:{source.media_type};base64,")
        try:
            async with aclosing(self._base64(source)) as pieces:
                async for piece in pieces:
                    yield piece
        except CoatcheckError as error:
            closing += f'<p class="note">This picture is damaged. {escape(error.message)}</p>\n'
        yield _html(closing)

    async def _choose(self, record: MediaRecord) -> _Source | None:
        """The HTML for the media; None for a file that the page only names."""
        reference = record.reference
        original = _Source(
            reference.digest, reference.size, reference.mime_type, reference.width, reference.height
        )
        if self._originals:
            return original
        if reference.mime_type not in IMAGE_TYPES or reference.width is None:
            return None
        small = reference.width <= WIDTH and reference.size <= SMALL_ENOUGH
        if small and reference.mime_type in RASTER_TYPES:
            return original
        spec = VariantSpec.at_least(
            WIDTH, "webp", width=reference.width, media_type=reference.mime_type
        )
        try:
            variant = await self._render(record, spec)
        except CoatcheckError:
            # Whatever keeps this size from being made, the thumbnail is there.
            variant = record.variants[THUMBNAIL]
        return _Source(
            variant.digest, variant.size, variant.media_type, variant.width, variant.height
        )

    async def _render(self, record: MediaRecord, spec: VariantSpec) -> VariantRecord:
        """The variant; a full queue is waited for, since readers of the page come first."""
        for _ in range(_TRIES):
            try:
                return await self._store.variant(record, spec)
            except OverloadedError:
                await anyio.sleep(_PAUSE_SECONDS)
        return await self._store.variant(record, spec)

    async def _base64(self, source: _Source) -> AsyncGenerator[bytes]:
        rest = b""
        async with aclosing(self._store.read_blob(source.digest, source.size)) as chunks:
            async for chunk in chunks:
                data = rest + chunk
                whole = len(data) - len(data) % 3  # only these encode without padding
                yield pybase64.b64encode(data[:whole])
                rest = data[whole:]
        yield pybase64.b64encode(rest)


def _head(conversation: ConversationRecord) -> str:
    title = escape(conversation.title)
    begun = conversation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<header><h1>{title}</h1>\n<p class="note">Begun {begun}</p></header>\n<main>\n'
    )


def _html(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _is_media(part: Mapping[str, Any]) -> bool:
    return part.get("type") == MEDIA_PART


def _reference_id(part: Mapping[str, Any]) -> str | None:
    """The id of the media that a part shows: that of a ready part, or of a tool's result."""
    holder = part.get("data") if _is_media(part) else part.get("output")
    if not _is_media(part) and isinstance(holder, Mapping):
        holder = holder.get("data")
    if not isinstance(holder, Mapping):
        return None
    value = holder.get("reference" if _is_media(part) else "imageReference")
    if not isinstance(value, Mapping) or value.get("type") != REFERENCE_TYPE:
        return None
    identifier = value.get("id")
    return str(identifier) if is_reference_id(identifier) else None


def _failure(part: Mapping[str, Any]) -> str | None:
    """How a part says that something went wrong."""
    data = part.get("data")
    error = data.get("error") if isinstance(data, Mapping) else None
    told = error.get("message") if isinstance(error, Mapping) else part.get("errorText")
    return told if isinstance(told, str) else None
