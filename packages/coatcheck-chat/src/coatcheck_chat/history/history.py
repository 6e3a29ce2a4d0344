"""Messages as they are kept and as they are shown."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final
from uuid import uuid4

from coatcheck import for_storage, for_ui, media_part, offload_stream, scrub
from coatcheck.errors import InvalidInputError, NotFoundError, UnprocessableMediaError
from coatcheck.legacy import LEGACY_TEXTS
from coatcheck.payload import has_inline_media, shown_ids
from coatcheck.reference import MediaUrls, clean_text, normalize_reference_id
from coatcheck.store import MediaRecord, MediaStore
from coatcheck_chat.history.modern_log import ModernLog
from coatcheck_chat.history.ports import ConversationLog, NewMessage, Opening
from coatcheck_chat.history.searching import message_text, referenced_media

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
        self._log: ConversationLog = ModernLog(log, store)
        self._store = store
        self._urls = urls
        self._clock = clock

    async def page(
        self, conversation_id: str, *, owner: str | None, limit: int, before: int | None = None
    ) -> MessagePage:
        """The last messages of a conversation, or the last ones before a position.

        Args:
            conversation_id: which conversation.
            owner: whose it must be; None where clients are anonymous.
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
        messages = await self._in_ui_form([one.content for one in shown], conversation_id, owner)
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

    async def require(self, conversation_id: str, *, owner: str | None) -> None:
        """Nothing, for a conversation that is new or the owner's.

        Raises:
            NotFoundError: it is another owner's, or deleted.
        """
        if owner is None:
            return
        own = await self._log.page_messages(conversation_id, owner=owner, before=None, limit=1)
        if own is None and await self._log.read_messages(conversation_id) is not None:
            raise NotFoundError("There is no conversation under this id.")

    async def _in_ui_form(
        self, messages: Sequence[Mapping[str, Any]], conversation_id: str, owner: str | None
    ) -> list[dict[str, Any]]:
        # In an answer a link stands for media; what a user writes is text.
        ids = [shown_ids(message, with_links=_is_answer(message)) for message in messages]
        records = await self._store.records(set().union(*ids))
        shown = []
        for message, named in zip(messages, ids, strict=True):
            known = {
                reference_id: records[reference_id].reference
                for reference_id in named & records.keys()
                if _may_be_shown(records[reference_id], message, conversation_id, owner)
            }
            shown.append(for_ui(message, self._urls, known, with_links=_is_answer(message)))
        return shown

    async def stored(self, conversation_id: str) -> Sequence[Mapping[str, Any]]:
        """The messages of a conversation in stored form; none of one that is new."""
        return await self._log.read_messages(conversation_id) or []

    async def append(self, conversation_id: str, message: Mapping[str, Any]) -> None:
        """Keep a message in a conversation that is there, its references in stored form.

        Args:
            conversation_id: which conversation.
            message: in stored or UI form, as `offloaded` chunks make it.

        Raises:
            NotFoundError: the conversation is gone.
        """
        await self._append(conversation_id, message, None)

    async def append_or_edit(
        self, conversation_id: str, message: Mapping[str, Any], *, owner: str | None = None
    ) -> bool:
        """Keep a client's message as the last one; return whether it was an edit.

        The first message of a conversation makes it, and makes it `owner`'s.

        A message whose id the conversation holds already is an edit: it takes that one's place, and
        what followed is gone.

        Raises:
            InvalidInputError: the id is that of a message of the assistant.
            NotFoundError: the conversation is another owner's or deleted, or media of the message
                has been deleted.
        """
        if not await self._log.has_message(conversation_id, message["id"]):
            opening = Opening(title=_title(message), owner=owner)
            await self._append(conversation_id, message, opening)
            return False
        await self.require(conversation_id, owner=owner)
        roles = {kept["id"]: kept["role"] for kept in await self.stored(conversation_id)}
        if roles[message["id"]] == "user":
            edited = self._kept(message)
            await self._log.rewind(conversation_id, message["id"], message=edited, at=self._clock())
            return True
        raise InvalidInputError("A message of the assistant cannot be edited.")

    async def rewind_to_question(
        self, conversation_id: str, message_id: str | None, *, owner: str | None = None
    ) -> str:
        """Forget an answer and what followed it; return the id of the user's message before it.

        Args:
            conversation_id: where.
            message_id: of the answer, or of the message that it answers; the last one if None.
            owner: whose the conversation must be; None where clients are anonymous.

        Raises:
            NotFoundError: the conversation is another owner's, there is no such message, or no
                user's message before it.
        """
        await self.require(conversation_id, owner=owner)
        messages = await self.stored(conversation_id)
        known = [kept["id"] for kept in messages]
        if message_id is not None and message_id not in known:
            raise NotFoundError("There is no message under this id.")
        end = len(known) if message_id is None else known.index(message_id) + 1
        questions = [kept["id"] for kept in messages[:end] if kept["role"] == "user"]
        if not questions:
            raise NotFoundError("There is no message to answer.")
        question: str = questions[-1]
        await self._log.rewind(conversation_id, question, at=self._clock())
        return question

    async def as_shown(
        self, conversation_id: str, message: Mapping[str, Any], *, owner: str | None
    ) -> dict[str, Any]:
        """A message of a conversation in UI form, with URLs for what its owner may see.

        Args:
            conversation_id: where it stands.
            message: in stored form.
            owner: whose the conversation is; None where clients are anonymous.
        """
        (shown,) = await self._in_ui_form([message], conversation_id, owner)
        return shown

    async def offloaded(
        self,
        chunks: AsyncIterable[dict[str, Any]],
        conversation_id: str,
        *,
        owner: str | None,
    ) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of an answer with references in the place of inline media.

        A model may write base64 of its own accord; what cannot be stored is cut out. Nothing of
        this is done again for the message that the chunks make.

        Args:
            chunks: of the AI SDK's UI message stream.
            conversation_id: what the media will belong to.
            owner: whom it will belong to; None where clients are anonymous.
        """
        offloading = offload_stream(
            chunks,
            self._store,
            form="ui",
            urls=self._urls,
            owner=owner,
            conversation_id=conversation_id,
            shapes=LEGACY_TEXTS,
            bare="object",  # the page shows references wherever they stand
        )
        async with aclosing(offloading):
            async for chunk in offloading:
                if chunk["type"] == "file" and chunk["url"].startswith("data:"):
                    refused = UnprocessableMediaError(
                        "The model sent a file that could not be kept."
                    )
                    part_id = f"media-{token_hex(6)}"
                    yield media_part.media_part(part_id, media_part.failed(refused))
                else:
                    yield scrub(chunk)

    async def _append(
        self,
        conversation_id: str,
        message: Mapping[str, Any],
        opening: Opening | None,
    ) -> None:
        kept = self._kept(message)
        await self._log.append_message(conversation_id, kept, at=self._clock(), opening=opening)

    def _kept(self, message: Mapping[str, Any]) -> NewMessage:
        # In an answer a URL of ours is a link that was minted; what a user writes is text.
        kept = for_storage(message, self._urls, with_links=_is_answer(message))
        # A text came in pieces, of which none was long enough to be seen for inline media.
        kept["parts"] = [
            part | {"text": scrub(part["text"])} if "text" in part else part
            for part in kept["parts"]
        ]
        return NewMessage(content=kept, text=message_text(kept), media=referenced_media(kept))

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
        # The length first: what looks through a text takes the longer, the longer it is.
        if sum(_length(part) for part in parts) > MAX_TEXT:
            raise InvalidInputError(f"A message may have {MAX_TEXT} characters.")
        accepted = [
            part for part in [await self._accept_part(part, owner) for part in parts] if part
        ]
        if not accepted:
            raise InvalidInputError("The message is empty.")
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


def _length(part: object) -> int:
    match part:
        case {"type": "text", "text": str(text)}:
            return len(text)
        case _:
            return 0


def _is_answer(message: Mapping[str, Any]) -> bool:
    return bool(message["role"] == "assistant")


def _may_be_shown(
    record: MediaRecord, message: Mapping[str, Any], conversation_id: str, owner: str | None
) -> bool:
    """Whether the reader of a message gets a URL of media that it names.

    A user may hand in any media of theirs (`History.accept`). What an answer names may be the word
    of a model: that is media of this conversation, or an upload, which belongs to none.
    """
    if owner is not None and record.owner != owner:
        return False
    return not _is_answer(message) or record.conversation_id in {conversation_id, None}


def _title(message: Mapping[str, Any]) -> str:
    """The words of a first message, else what its media are called."""
    texts = [part["text"] for part in message["parts"] if part["type"] == "text"]
    return (
        clean_text(" ".join(texts), _TITLE_WEIGHT)
        or clean_text(message_text(message), _TITLE_WEIGHT)
        or "Untitled"
    )
