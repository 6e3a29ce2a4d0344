"""A conversation log whose messages are all in today's form, whatever was written once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coatcheck import scrub
from coatcheck.errors import NotFoundError
from coatcheck.legacy import may_be_legacy, modernize_message
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck_chat.history.ports import ConversationLog, MessageRecord, NewMessage, Opening
from coatcheck_chat.history.searching import message_text, referenced_media


@dataclass(frozen=True, slots=True)
class _Rewritten:
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    references: tuple[MediaReference, ...]


class ModernLog:
    """A `ConversationLog` around another: legacy messages are rewritten when they are read.

    Their media goes into the store first, then the messages are written back in one transaction. A
    crash in between leaves media that nothing refers to. Of two who read at once the first writes,
    and the second shows what that one wrote.

    Args:
        log: where messages live.
        store: where their media goes.
    """

    def __init__(self, log: ConversationLog, store: MediaStore) -> None:
        self._log = log
        self._store = store

    async def read_messages(self, conversation_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages in order; see the port."""
        messages = await self._log.read_messages(conversation_id)
        return None if messages is None else await self._modern(conversation_id, messages)

    async def page_messages(
        self, conversation_id: str, *, owner: str | None, before: int | None, limit: int
    ) -> Sequence[MessageRecord] | None:
        """The last messages, or the last ones before a position; see the port."""
        records = await self._log.page_messages(
            conversation_id, owner=owner, before=before, limit=limit
        )
        return await self._modern_records(conversation_id, records)

    async def next_messages(
        self, conversation_id: str, *, owner: str | None, after: int, limit: int
    ) -> Sequence[MessageRecord] | None:
        """The first messages after a position; see the port."""
        records = await self._log.next_messages(
            conversation_id, owner=owner, after=after, limit=limit
        )
        return await self._modern_records(conversation_id, records)

    async def has_message(self, conversation_id: str, message_id: str) -> bool:
        """Whether there is such a message; see the port."""
        return await self._log.has_message(conversation_id, message_id)

    async def owner_of(self, conversation_id: str) -> str | None:
        """Whose the conversation is; see the port."""
        return await self._log.owner_of(conversation_id)

    async def append_message(
        self,
        conversation_id: str,
        message: NewMessage,
        *,
        at: datetime,
        opening: Opening | None = None,
    ) -> None:
        """Write a message at the end; see the port."""
        await self._log.append_message(conversation_id, message, at=at, opening=opening)

    async def replace_messages(
        self, conversation_id: str, changes: Sequence[tuple[Mapping[str, Any], NewMessage]]
    ) -> Sequence[Mapping[str, Any] | None]:
        """Write other messages in the place of some; see the port."""
        return await self._log.replace_messages(conversation_id, changes)

    async def rewind(
        self,
        conversation_id: str,
        message_id: str,
        *,
        message: NewMessage | None = None,
        at: datetime,
    ) -> None:
        """Delete what follows a message; see the port."""
        await self._log.rewind(conversation_id, message_id, message=message, at=at)

    async def _modern_records(
        self, conversation_id: str, records: Sequence[MessageRecord] | None
    ) -> Sequence[MessageRecord] | None:
        if records is None:
            return None
        before = [record.content for record in records]
        after = await self._modern(conversation_id, before)
        if after is before:
            return records
        return [
            MessageRecord(record.position, content)
            for record, content in zip(records, after, strict=True)
        ]

    async def _modern(
        self, conversation_id: str, messages: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        suspects = [index for index, one in enumerate(messages) if may_be_legacy(one)]
        if not suspects:
            return messages
        owner = await self._log.owner_of(conversation_id)
        shown = list(messages)
        rewritten: dict[int, _Rewritten] = {}
        for index in suspects:
            before = messages[index]
            after, report = await modernize_message(
                before, self._store, owner=owner, conversation_id=conversation_id
            )
            # What could not be stored stays in the row, and goes nowhere from there.
            shown[index] = scrub(after)
            if after is not before:
                rewritten[index] = _Rewritten(before, after, report.references)
        kept = await self._log.replace_messages(
            conversation_id, [(one.before, _new(one.after)) for one in rewritten.values()]
        )
        for (index, one), now in zip(rewritten.items(), kept, strict=True):
            if now != one.after:
                await self._forget(one.references)
                shown[index] = scrub(now or one.before)
        return shown

    async def _forget(self, references: tuple[MediaReference, ...]) -> None:
        """The message was rewritten meanwhile, with other references."""
        for reference in references:
            with suppress(NotFoundError):
                await self._store.delete(reference.id)


def _new(message: Mapping[str, Any]) -> NewMessage:
    return NewMessage(content=message, text=message_text(message), media=referenced_media(message))
