"""Messages as they are kept and as they are shown."""

import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from coatcheck.chat.searching import message_text, referenced_media
from coatcheck.errors import InvalidInputError, NotFoundError
from coatcheck.payload import media_part
from coatcheck.payload.inline import has_inline_media, scrub
from coatcheck.payload.projection import for_storage, for_ui
from coatcheck.ports import ConversationLog, NewMessage, Opening
from coatcheck.reference import MediaUrls, clean_text, normalize_reference_id
from coatcheck.store import MediaStore

MAX_TEXT: Final = 16_000
"""Characters of one message."""

_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TITLE_WEIGHT: Final = 60
_READ_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages in order, in UI form.

    `before` is what the page before this one is asked for with; None where there is none.
    """

    messages: list[dict[str, Any]]
    before: int | None


class History:
    """Reads and writes messages; references are kept in stored form and shown in UI form.

    Args:
        log: where conversations live.
        store: where the media live that messages refer to.
        urls: mints URLs when messages are read.
        clock: tells the time of a message.
    """

    def __init__(
        self,
        log: ConversationLog,
        store: MediaStore,
        urls: MediaUrls,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._log = log
        self._store = store
        self._urls = urls
        self._clock = clock

    async def page(
        self, conversation_id: str, *, owner: str | None, limit: int, before: int | None = None
    ) -> MessagePage:
        """The last messages of a conversation, or the last ones before a position.

        Args:
            conversation_id: which conversation.
            owner: whose it must be; None where nobody is told apart.
            limit: how many messages at most.
            before: as an earlier page gave it; None for the end.

        Raises:
            NotFoundError: the owner has no such conversation.
        """
        # One more than shown tells whether there are more.
        records = await self._log.page_messages(
            conversation_id, owner=owner, before=before, limit=limit + 1
        )
        if records is None:
            raise NotFoundError("There is no conversation under this id.")
        shown = records[-limit:]
        messages: list[dict[str, Any]] = for_ui([one.content for one in shown], self._urls)
        return MessagePage(messages, shown[0].position if len(records) > limit else None)

    async def read(
        self, conversation_id: str, *, owner: str | None
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Every message in stored form and in order, few of them in memory at a time.

        Raises:
            NotFoundError: while iterating: the owner has no such conversation.
        """
        last = 0
        while True:
            records = await self._log.next_messages(
                conversation_id, owner=owner, after=last, limit=_READ_AT_ONCE
            )
            if records is None:
                raise NotFoundError("There is no conversation under this id.")
            for record in records:
                yield record.content
                last = record.position
            if len(records) < _READ_AT_ONCE:
                return

    async def stored(self, conversation_id: str) -> Sequence[Mapping[str, Any]]:
        """The messages of a conversation in stored form; none of one that is new."""
        return await self._log.read_messages(conversation_id) or []

    async def append(self, conversation_id: str, message: Mapping[str, Any]) -> None:
        """Keep a message in a conversation that is there, its references in stored form.

        Raises:
            NotFoundError: the conversation is gone.
        """
        await self._append(conversation_id, message, None)

    async def append_new(
        self, conversation_id: str, message: Mapping[str, Any], *, owner: str | None
    ) -> None:
        """Keep a client's message as the last one, whatever id the client gave it.

        The first message of a conversation makes it, and makes it `owner`'s.

        Raises:
            NotFoundError: the conversation is another owner's or deleted, or media of the message
                has been deleted.
        """
        known = await self._log.has_message(conversation_id, message["id"])
        unique = {**message, "id": str(uuid4())} if known else message
        await self._append(conversation_id, unique, Opening(title=_title(unique), owner=owner))

    async def _append(
        self, conversation_id: str, message: Mapping[str, Any], opening: Opening | None
    ) -> None:
        kept = scrub(for_storage(message))  # a model may write base64 of its own accord
        await self._log.append_message(
            conversation_id,
            NewMessage(content=kept, text=message_text(kept), media=referenced_media(kept)),
            at=self._clock(),
            opening=opening,
        )

    async def accept(
        self, message: Mapping[str, Any], *, owner: str | None = None
    ) -> dict[str, Any]:
        """A client's message, reduced to what is believed: its text, and the ids of its media.

        With an `owner`, media of anyone else is unknown.

        Raises:
            InvalidInputError: it holds nothing to answer, is too long, or carries media inline.
            NotFoundError: it refers to media that is unknown.
        """
        parts = message.get("parts")
        if message.get("role") != "user" or not isinstance(parts, list):
            raise InvalidInputError("A message of a client has the role user and parts.")
        accepted = [
            part for part in [await self._accept_part(part, owner) for part in parts] if part
        ]
        if not accepted:
            raise InvalidInputError("The message is empty.")
        if sum(len(part.get("text", "")) for part in accepted) > MAX_TEXT:
            raise InvalidInputError(f"A message may have {MAX_TEXT} characters.")
        identifier = message.get("id")
        known = isinstance(identifier, str) and _MESSAGE_ID.fullmatch(identifier) is not None
        return {"id": identifier if known else str(uuid4()), "role": "user", "parts": accepted}

    async def _accept_part(self, part: object, owner: str | None) -> dict[str, Any] | None:
        match part:
            case {"type": "text", "text": str(text)} if text.strip():
                if has_inline_media(text):
                    raise InvalidInputError(
                        "The message carries media inline as base64; upload the file instead."
                    )
                return {"type": "text", "text": text}
            case {"type": media_part.MEDIA_PART, "data": {"reference": {"id": str(identifier)}}}:
                if normalize_reference_id(identifier) is None:
                    raise NotFoundError("There is no media under this id.")
                record = await self._store.record(identifier)
                if owner is not None and record.owner != owner:
                    raise NotFoundError("There is no media under this id.")
                reference = record.reference
                return media_part.media_part(reference.id, media_part.ready(reference.to_stored()))
            case _:
                return None


def _title(message: Mapping[str, Any]) -> str:
    """The words of a first message, else what its media are called."""
    texts = [part["text"] for part in message["parts"] if part["type"] == "text"]
    return (
        clean_text(" ".join(texts), _TITLE_WEIGHT)
        or clean_text(message_text(message), _TITLE_WEIGHT)
        or "Untitled"
    )
