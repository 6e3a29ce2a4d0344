"""Which conversations there are: listed, searched, renamed, deleted, restored and purged."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

import anyio
from anyio import to_thread

from coatcheck.errors import CoatcheckError, InvalidInputError, NotFoundError
from coatcheck.reference import clean_text
from coatcheck.store import MediaStore
from coatcheck_chat.history.ports import (
    ConversationCursor,
    ConversationDirectory,
    ConversationMatch,
    ConversationRecord,
)
from coatcheck_chat.history.searching import message_text, search_terms, snippet

TITLE_WEIGHT: Final = 120
"""Longest title that a user may give, weighed like `coatcheck.reference.ALT_WEIGHT`."""

MAX_QUERY: Final = 200
"""Characters of a search."""

_CURSOR: Final = re.compile(r"(?P<updated_at>[0-9]{1,14})-(?P<id>.{1,64})")
_PURGED_AT_ONCE: Final = 50
_logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list; `snippet` is what a search found in its messages, in pieces."""

    conversation: ConversationRecord
    message_id: str | None = None
    snippet: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Conversations, newest first.

    `before` is what the page of older ones is asked for with; None where there is none.
    """

    conversations: Sequence[Listed]
    before: str | None


class Conversations:
    """Operations on whole conversations. `owner` is None where clients are anonymous.

    Args:
        directory: where they are listed.
        store: where their media live.
        grace: how long a deletion can be taken back.
        clock: tells the time of a deletion.
    """

    def __init__(
        self,
        directory: ConversationDirectory,
        store: MediaStore,
        *,
        grace: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory = directory
        self._store = store
        self._grace = grace
        self._clock = clock

    async def page(
        self, *, owner: str | None, limit: int, before: str | None = None, query: str = ""
    ) -> ConversationPage:
        """The conversations written to last, or those of them in which the words of `query` stand.

        A conversation matches by its title, or by one message that holds every word.

        Raises:
            InvalidInputError: `before` is none that a page gave, or the query is too long.
        """
        if len(query) > MAX_QUERY:
            raise InvalidInputError(f"A search may have {MAX_QUERY} characters.")
        cursor = None if before is None else _parse_cursor(before)
        terms = search_terms(query)
        listed: Sequence[Listed]
        # One more than shown tells whether there are more.
        if terms:
            found = await self._directory.search(terms, owner=owner, before=cursor, limit=limit + 1)
            # Off the event loop: megabytes of text may have to be looked through again.
            listed = await to_thread.run_sync(_with_snippets, found, terms)
        else:
            records = await self._directory.list_conversations(
                owner=owner, before=cursor, limit=limit + 1
            )
            listed = [Listed(record) for record in records]
        more = len(listed) > limit
        return ConversationPage(
            listed[:limit], _cursor(listed[limit - 1].conversation) if more else None
        )

    async def find(self, conversation_id: str, *, owner: str | None) -> ConversationRecord:
        """A conversation's record.

        Raises:
            NotFoundError: the owner has no such conversation.
        """
        found = await self._directory.find_conversation(conversation_id, owner=owner)
        return found or _not_found()

    async def rename(
        self, conversation_id: str, title: str, *, owner: str | None
    ) -> ConversationRecord:
        """Give a conversation another title, cleaned and cut to `TITLE_WEIGHT`.

        Raises:
            InvalidInputError: nothing is left of the title.
            NotFoundError: the owner has no such conversation.
        """
        cleaned = clean_text(title, TITLE_WEIGHT)
        if not cleaned:
            raise InvalidInputError("A title has at least one character that can be seen.")
        renamed = await self._directory.rename(conversation_id, cleaned, owner=owner)
        return renamed or _not_found()

    async def delete(self, conversation_id: str, *, owner: str | None) -> datetime:
        """Delete a conversation, and with it the media that nothing else refers to.

        It is out of sight at once, and gone for good when the grace is over. Deleting it again
        meanwhile changes nothing.

        Returns:
            Until when it can be restored.

        Raises:
            NotFoundError: the owner has no such conversation.
        """
        deleted_at = await self._directory.mark_deleted(
            conversation_id, owner=owner, at=self._clock()
        )
        return (deleted_at or _not_found()) + self._grace

    async def restore(self, conversation_id: str, *, owner: str | None) -> ConversationRecord:
        """Take a deletion back; a conversation that is not deleted stays as it is.

        Raises:
            NotFoundError: there is nothing to restore, or no longer.
        """
        restored = await self._directory.restore(
            conversation_id, owner=owner, deleted_after=self._clock() - self._grace
        )
        return restored or _not_found()

    async def purge(self) -> int:
        """Forget for good what was deleted longer ago than the grace; how many conversations.

        Their rows and their media's go in one transaction each. The bytes are left to
        `MediaStore.sweep`.
        """
        deadline = self._clock() - self._grace
        purged = 0
        while ids := await self._directory.find_deleted(before=deadline, limit=_PURGED_AT_ONCE):
            for conversation_id in ids:
                purged += await self._directory.purge(conversation_id, deleted_before=deadline)
        return purged

    async def keep_house(self, *, every: float) -> None:
        """Purge and sweep every so many seconds, until cancelled; failures are logged and retried.

        Bytes are swept a round later than their rows went. By then no process remembers a record of
        theirs, so that a late request is answered 404 and not with a blob that is missing.
        """
        while True:
            try:
                await self._store.sweep()
                await self.purge()
            except CoatcheckError:
                _logger.exception("What was deleted is still there; the next round tries again.")
            await anyio.sleep(every)


def _with_snippets(found: Sequence[ConversationMatch], terms: Sequence[str]) -> list[Listed]:
    return [
        Listed(match.conversation)
        if match.content is None
        else Listed(
            match.conversation, match.content["id"], snippet(message_text(match.content), terms)
        )
        for match in found
    ]


def _cursor(record: ConversationRecord) -> str:
    return f"{round(record.updated_at.timestamp() * 1000)}-{record.id}"


def _parse_cursor(text: str) -> ConversationCursor:
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise InvalidInputError("before is what an earlier page gave, unchanged.")
    return ConversationCursor(
        datetime.fromtimestamp(int(match["updated_at"]) / 1000, UTC), match["id"]
    )


def _not_found() -> NoReturn:
    raise NotFoundError("There is no conversation under this id.")
