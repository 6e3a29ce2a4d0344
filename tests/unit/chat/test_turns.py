"""Turns: they end in every way a turn can end, are told of, and are kept."""

import gc
import json
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

from coatcheck.delivery.limits import Allowance, ClientAllowance
from coatcheck.errors import CoatcheckError, InvalidInputError, NotFoundError
from coatcheck.media_part import failed, media_part, pending, preview, ready
from coatcheck.opening import Backends
from coatcheck.reference import MediaUrls
from coatcheck_chat.errors import GenerationError, TurnInProgressError
from coatcheck_chat.history.history import History
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.streaming.events import MAX_SERVER_FRAME, encode_frame
from coatcheck_chat.streaming.feed import follow
from coatcheck_chat.streaming.session import SendText, Session
from coatcheck_chat.streaming.stream import Preview
from coatcheck_chat.streaming.turns import Turn, Turns
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"
OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e"
Chunk = dict[str, Any]
Say = Callable[[Chunk], Awaitable[None]]
Script = Callable[[Say], Awaitable[None]]


class Scripted:
    """An agent that does what the next script says; it records what it was given."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.asked: list[list[Mapping[str, Any]]] = []
        self.owners: list[str | None] = []
        self.left = 0

    @asynccontextmanager
    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        conversation_id: str,
        message_id: str,
        owner: str | None,
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        self.owners.append(owner)
        assert conversation_id in {CONVERSATION, OTHER}
        self.asked.append(list(messages))
        script = self._scripts.pop(0)
        send, receive = anyio.create_memory_object_stream[Chunk]()

        async def run() -> None:
            async with send:
                await send.send({"type": "start", "messageId": message_id})
                await script(send.send)

        try:
            async with anyio.create_task_group() as tasks, receive:
                tasks.start_soon(run)
                yield receive
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            self.left += 1


def speak(*words: str) -> Script:
    async def script(say: Say) -> None:
        await say({"type": "text-start", "id": "t"})
        for word in words:
            await say({"type": "text-delta", "id": "t", "delta": word})
        await say({"type": "text-end", "id": "t"})
        await say({"type": "finish"})

    return script


PENDING = media_part("p1", pending(width=8, height=6, alt="a"))
CALL = {"type": "tool-input-available", "toolCallId": "c", "toolName": "plot", "input": {"a": "x"}}


async def begin_to_draw(say: Say) -> None:
    await say(CALL)
    await say(PENDING)


@pytest.fixture
def history(backends: Backends) -> History:
    return History(SqlConversationLog(backends.store), backends.store, MediaUrls())


def user(words: str, identifier: str = "u1") -> dict[str, Any]:
    return {"id": identifier, "role": "user", "parts": [{"type": "text", "text": words}]}


async def collect(turn: Turn) -> list[Chunk]:
    """The chunks of the answer, without the one that tells which message is answered."""
    with anyio.fail_after(20):
        first, *rest = [chunk async for chunk in turn.follow()]
    assert first["type"] == "data-turn"
    return rest


def kinds(chunks: Sequence[Chunk]) -> list[str]:
    return [chunk["type"] for chunk in chunks]


def spoken(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")


async def said(history: History, conversation: str = CONVERSATION) -> list[str]:
    return [
        "".join(part.get("text", "") for part in message["parts"])
        for message in await history.stored(conversation)
    ]


async def test_a_chunk_is_encoded_once_however_many_read_it(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: Counter[str] = Counter()
    encode = msgspec.json.encode

    def counted(value: Any) -> bytes:
        encoded.update([value["type"]])
        return encode(value)

    monkeypatch.setattr(msgspec.json, "encode", counted)
    agent = Scripted(speak("one ", "two"))
    async with Turns.running(history, agent) as turns:
        turn = await turns.begin(CONVERSATION, user("hello"))
        sessions = [
            Session(
                ClientAllowance([Allowance(9, 0)]),
                MediaUrls(),
                binary=False,
                wake=lambda: None,
                now=0,
            )
            for _ in range(3)
        ]
        for session in sessions:
            session.follow(CONVERSATION, turn.stream, turn.start)
        chunks = [{"type": "data-turn"}, *await collect(turn)]
        for session in sessions:
            written = [session.next(0) for _ in chunks]
            assert all(isinstance(one, SendText) for one in written)
            assert session.next(0) is None
    assert encoded == Counter(kinds(chunks))


async def test_a_turn_is_told_chunk_by_chunk_and_kept_as_a_message(history: History) -> None:
    responder = Scripted(speak("Hel", "lo."))
    async with Turns.running(history, responder) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("hi")))
    assert kinds(chunks) == [
        *("start", "text-start", "text-delta", "text-delta", "text-end", "finish"),
    ]
    kept = await history.stored(CONVERSATION)
    assert kept[0] == user("hi")
    assert kept[1] == {
        "id": chunks[0]["messageId"],
        "role": "assistant",
        "parts": [{"type": "text", "text": "Hello.", "state": "done"}],
    }
    assert responder.asked == [[user("hi")]]


async def test_a_responder_is_told_whose_the_turns_media_is(history: History) -> None:
    responder = Scripted(speak("one"), speak("two"))
    async with Turns.running(history, responder) as turns:
        await collect(await turns.begin(CONVERSATION, user("hi")))
        await collect(await turns.begin(OTHER, user("hi"), owner="anna"))
    assert responder.owners == [None, "anna"]


async def test_nobody_says_anything_in_another_owners_conversation(history: History) -> None:
    """Attack 31: knowing the id of a conversation is not enough."""
    responder = Scripted(speak("one"))
    async with Turns.running(history, responder) as turns:
        await collect(await turns.begin(CONVERSATION, user("hi"), owner="anna"))
        with pytest.raises(NotFoundError):
            await turns.begin(CONVERSATION, user("hi", "u2"), owner="bert")
    assert await said(history) == ["hi", "one"]


async def test_the_answer_is_kept_before_its_end_is_told(history: History) -> None:
    async with Turns.running(history, Scripted(speak("one"))) as turns:
        async for chunk in (await turns.begin(CONVERSATION, user("hi"))).follow():
            if chunk["type"] == "finish":
                assert await said(history) == ["hi", "one"]


async def test_every_turn_is_given_the_whole_conversation(history: History) -> None:
    responder = Scripted(speak("one"), speak("two"))
    async with Turns.running(history, responder) as turns:
        await collect(await turns.begin(CONVERSATION, user("first")))
        await collect(await turns.begin(CONVERSATION, user("second", "u2")))
    assert [message["role"] for message in responder.asked[1]] == ["user", "assistant", "user"]
    assert await said(history) == ["first", "one", "second", "two"]


async def test_a_turn_outlives_its_reader(history: History) -> None:
    go_on = anyio.Event()

    async def script(say: Say) -> None:
        await go_on.wait()
        await speak("Kept", " anyway.")(say)

    async with Turns.running(history, Scripted(script)) as turns:
        turn = await turns.begin(CONVERSATION, user("hi"))
        async with anyio.create_task_group() as readers:
            readers.start_soon(collect, turn)
            await anyio.wait_all_tasks_blocked()
            readers.cancel_scope.cancel()
        go_on.set()
        assert kinds(await collect(turn))[-1] == "finish"
    assert await said(history) == ["hi", "Kept anyway."]


async def test_every_reader_sees_the_same_chunks_from_the_first_on(history: History) -> None:
    go_on = anyio.Event()
    seen: list[list[Chunk]] = []

    async def script(say: Say) -> None:
        await say(CALL)
        await go_on.wait()
        await speak("a", "b", "c")(say)

    async def read(turn: Turn, pause: float) -> None:
        chunks = []
        async for chunk in turn.follow():
            chunks.append(chunk)
            await anyio.sleep(pause)
        seen.append(chunks[1:])

    async with Turns.running(history, Scripted(script)) as turns:
        turn = await turns.begin(CONVERSATION, user("hi"))
        async with anyio.create_task_group() as readers:
            readers.start_soon(read, turn, 0)
            await anyio.wait_all_tasks_blocked()
            readers.start_soon(read, turn, 0.005)  # late and slow
            go_on.set()
        seen.append(await collect(turn))  # after the end
    assert spoken(seen[0]) == "abc"
    assert seen[0] == seen[1] == seen[2]


async def test_a_second_message_waits_for_the_first_answer(history: History) -> None:
    go_on = anyio.Event()

    async def script(say: Say) -> None:
        await go_on.wait()
        await speak("one")(say)

    async with Turns.running(history, Scripted(script, speak("two"), speak("three"))) as turns:
        turn = await turns.begin(CONVERSATION, user("first"))
        with pytest.raises(TurnInProgressError):
            await turns.begin(CONVERSATION, user("second", "u2"))
        # Another conversation is not held up.
        await collect(await turns.begin(OTHER, user("elsewhere")))
        go_on.set()
        assert kinds(await collect(turn)).count("text-delta") == 1
        await collect(await turns.begin(CONVERSATION, user("third", "u3")))
    assert await said(history) == ["first", "one", "third", "three"]
    assert await said(history, OTHER) == ["elsewhere", "two"]


async def test_of_two_messages_at_once_one_is_answered(history: History) -> None:
    refused = 0

    async def send(turns: Turns, number: int) -> None:
        nonlocal refused
        try:
            await collect(await turns.begin(CONVERSATION, user(str(number), f"u{number}")))
        except TurnInProgressError:
            refused += 1

    running = Turns.running(history, Scripted(speak("one")))
    async with running as turns, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(send, turns, number)
    assert refused == 4
    assert len(await said(history)) == 2


async def test_the_message_that_is_being_answered_is_not_taken_twice(history: History) -> None:
    go_on = anyio.Event()

    async def script(say: Say) -> None:
        await go_on.wait()
        await speak("one")(say)

    responder = Scripted(script)
    async with Turns.running(history, responder) as turns:
        first = await turns.begin(CONVERSATION, user("hi"))
        # Its client lost the connection and does not know that it had arrived.
        assert await turns.begin(CONVERSATION, user("hi")) is first
        with pytest.raises(TurnInProgressError):
            await turns.regenerate(CONVERSATION, "u1")
        go_on.set()
        await collect(first)
    assert await said(history) == ["hi", "one"]
    assert len(responder.asked) == 1


async def test_a_message_that_is_sent_again_with_other_words_is_answered_anew(
    history: History,
) -> None:
    responder = Scripted(speak("one"), speak("two"), speak("three"))
    async with Turns.running(history, responder) as turns:
        await collect(await turns.begin(CONVERSATION, user("first")))
        await collect(await turns.begin(CONVERSATION, user("second", "u2")))
        await collect(await turns.begin(CONVERSATION, user("edited")))
    assert await said(history) == ["edited", "three"]
    assert [message["id"] for message in responder.asked[2]] == ["u1"]


async def test_an_answer_is_made_anew_in_its_place(history: History) -> None:
    responder = Scripted(speak("one"), speak("two"), speak("three"), speak("four"))
    async with Turns.running(history, responder) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("first")))
        await collect(await turns.begin(CONVERSATION, user("second", "u2")))
        turn = await turns.regenerate(CONVERSATION, None)
        assert turn.stream.entry(turn.start + 1).chunk["data"] == {
            "trigger": "regenerate-message",
            "messageId": "u2",
        }
        await collect(turn)
        assert await said(history) == ["first", "one", "second", "three"]
        await collect(await turns.regenerate(CONVERSATION, chunks[0]["messageId"]))
    assert await said(history) == ["first", "four"]


async def test_an_answer_is_made_anew_for_the_conversation_s_owner_alone(history: History) -> None:
    """Attack 31: whoever knows the id of another's conversation changes nothing in it."""
    responder = Scripted(speak("one"), speak("two"))
    async with Turns.running(history, responder) as turns:
        await collect(await turns.begin(CONVERSATION, user("first"), owner="anna"))
        for meddle in (
            turns.regenerate(CONVERSATION, None, owner="berta"),
            turns.begin(CONVERSATION, user("mine", "u9"), owner="berta"),
            turns.begin(CONVERSATION, user("mine"), owner="berta"),
        ):
            with pytest.raises(NotFoundError):
                await meddle
        await collect(await turns.regenerate(CONVERSATION, None, owner="anna"))
    assert responder.owners == ["anna", "anna"]


async def test_an_answer_that_is_being_made_anew_is_not_begun_twice(history: History) -> None:
    async def script(_say: Say) -> None:
        await anyio.sleep_forever()

    async with Turns.running(history, Scripted(speak("one"), script)) as turns:
        await collect(await turns.begin(CONVERSATION, user("first")))
        turn = await turns.regenerate(CONVERSATION, "u1")
        assert await turns.regenerate(CONVERSATION, "u1") is turn
        with pytest.raises(TurnInProgressError):
            await turns.begin(CONVERSATION, user("first"))


async def test_a_turn_tells_every_reader_what_it_answers(
    backends: Backends, history: History
) -> None:
    reference = await backends.store.put(png_bytes())
    part = media_part("p", ready(reference.to_stored()))
    message = user("look")
    message["parts"].append(part)
    answers = Scripted(speak("one"), speak("two"), speak("three"))
    async with Turns.running(history, answers) as turns:
        turn = await turns.begin(CONVERSATION, message)
        told = turn.stream.entry(turn.start + 1).chunk
        assert (told["type"], told["transient"]) == ("data-turn", True)
        assert told["data"]["messageId"] == "u1"
        assert told["data"]["message"]["parts"][1]["data"]["reference"] == reference.to_ui(
            MediaUrls()
        )
        await collect(turn)
        # One that does not fit into a frame is read over HTTP by who does not have it.
        turn = await turns.begin(CONVERSATION, user("word " * 1000, "u2"))
        told = turn.stream.entry(turn.start + 1).chunk
        assert told["data"] == {"trigger": "submit-message", "messageId": "u2"}
        assert len(encode_frame(10**16, told).encode()) <= MAX_SERVER_FRAME
        await collect(turn)
        # Whoever has not loaded what an edit replaces would take it for a new message.
        turn = await turns.begin(CONVERSATION, user("look again"))
        told = turn.stream.entry(turn.start + 1).chunk
        assert told["data"]["edited"] is True
        await collect(turn)


async def test_a_turn_that_could_not_begin_was_never_there(history: History) -> None:
    async with Turns.running(history, Scripted(speak("one"), speak("two"))) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("hi")))
        stream = turns.streams.open(CONVERSATION)
        last = stream.last
        with pytest.raises(InvalidInputError):
            await turns.begin(CONVERSATION, user("forged", chunks[0]["messageId"]))
        with pytest.raises(NotFoundError):
            await turns.regenerate(CONVERSATION, "unknown")
        assert (stream.last, stream.is_running) == (last, False)
        await collect(await turns.begin(CONVERSATION, user("again", "u2")))
    assert await said(history) == ["hi", "one", "again", "two"]


async def test_a_turn_is_its_owners_alone(history: History) -> None:
    go_on = anyio.Event()

    async def script(say: Say) -> None:
        await go_on.wait()
        await speak("one")(say)

    async with Turns.running(history, Scripted(script)) as turns:
        turn = await turns.begin(CONVERSATION, user("hi"), owner="anna")
        for message in (user("hi"), user("let me in", "u2")):
            with pytest.raises(NotFoundError):  # and nothing of a turn that is under way
                await turns.begin(CONVERSATION, message, owner="ben")
        with pytest.raises(NotFoundError):
            await turns.regenerate(CONVERSATION, "u1", owner="ben")
        turns.cancel(CONVERSATION, owner="ben")
        go_on.set()
        assert kinds(await collect(turn))[-1] == "finish"
    assert await said(history) == ["hi", "one"]


async def test_previews_are_seen_and_not_kept(history: History) -> None:
    shown = anyio.Event()

    async def script(say: Say) -> None:
        await begin_to_draw(say)
        await say(media_part("p1", preview(progress=0.5, preview_id=OTHER)))
        await shown.wait()
        raise GenerationError

    async with Turns.running(history, Scripted(script)) as turns:
        turn = await turns.begin(CONVERSATION, user("draw"))
        seen: list[Any] = []
        async for item in follow(turn.stream, turn.start):
            if isinstance(item, Preview):
                seen.append(item.data["progress"])
                shown.set()
        assert seen == [0.5]
    assert OTHER not in json.dumps(list(await history.stored(CONVERSATION)))


async def test_a_turn_that_is_cancelled_keeps_how_far_it_came(history: History) -> None:
    waiting = anyio.Event()

    async def script(say: Say) -> None:
        await say({"type": "text-start", "id": "t"})
        await say({"type": "text-delta", "id": "t", "delta": "I am dra"})
        await begin_to_draw(say)
        waiting.set()
        await anyio.sleep_forever()

    responder = Scripted(script, speak("Next."))
    async with Turns.running(history, responder) as turns:
        turn = await turns.begin(CONVERSATION, user("draw"))
        await waiting.wait()
        await anyio.wait_all_tasks_blocked()
        turns.cancel(CONVERSATION)
        chunks = await collect(turn)
        assert responder.left == 1
        cancelled = {"code": "cancelled", "message": "The answer was stopped."}
        assert chunks[-3:] == [
            media_part("p1", {"state": "failed", "error": cancelled}),
            {
                "type": "tool-output-error",
                "toolCallId": "c",
                "errorText": "The answer was stopped.",
            },
            {"type": "abort"},
        ]
        (_, kept) = await history.stored(CONVERSATION)
        assert [part.get("state") for part in kept["parts"]] == ["done", "output-error", None]
        assert kept["parts"][0]["text"] == "I am dra"
        assert kept["parts"][2]["data"] == {"state": "failed", "error": cancelled}
        turns.cancel(CONVERSATION)  # nothing is under way: harmless
        await collect(await turns.begin(CONVERSATION, user("again", "u2")))
    assert await said(history) == ["draw", "I am dra", "again", "Next."]


async def test_a_turn_that_is_cancelled_before_it_began_leaves_the_question(
    history: History,
) -> None:
    async with Turns.running(history, Scripted(speak("Next."))) as turns:
        turn = await turns.begin(CONVERSATION, user("draw"))
        turns.cancel(CONVERSATION)
        assert kinds(await collect(turn)) == ["abort"]
        assert await said(history) == ["draw"]
        await collect(await turns.begin(CONVERSATION, user("again", "u2")))
    assert await said(history) == ["draw", "again", "Next."]


async def test_a_turn_may_be_cancelled_at_any_moment_and_leaves_nothing_behind(
    history: History, caplog: pytest.LogCaptureFixture
) -> None:
    moments = 30
    async with Turns.running(history, Scripted(*[speak("word ")] * moments)) as turns:
        for moment in range(moments):
            turn = await turns.begin(CONVERSATION, user("draw", f"u{moment}"))
            for _ in range(moment):
                await anyio.lowlevel.checkpoint()
            turns.cancel(CONVERSATION)
            assert kinds(await collect(turn))[-1] in {"abort", "finish"}
    assert len([words for words in await said(history) if words == "draw"]) == moments
    gc.collect()  # a task that was forgotten is reported when it is freed
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_cancellation_reaches_its_conversation_alone(history: History) -> None:
    go_on = anyio.Event()

    async def script(say: Say) -> None:
        await go_on.wait()
        await speak("mine")(say)

    async with Turns.running(history, Scripted(script)) as turns:
        turn = await turns.begin(CONVERSATION, user("hi"))
        turns.cancel(OTHER)
        go_on.set()
        assert kinds(await collect(turn))[-1] == "finish"


async def test_turns_that_the_server_s_end_stops_are_kept_as_far_as_they_came(
    history: History,
) -> None:
    waiting = anyio.Event()

    async def script(say: Say) -> None:
        await begin_to_draw(say)
        waiting.set()
        await anyio.sleep_forever()

    async with Turns.running(history, Scripted(script)) as turns:
        turn = await turns.begin(CONVERSATION, user("draw"))
        await waiting.wait()
        await anyio.wait_all_tasks_blocked()
    assert kinds(await collect(turn))[-1] == "abort"
    (_, kept) = await history.stored(CONVERSATION)
    assert kept["parts"][1]["data"]["state"] == "failed"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RuntimeError("secret /path"), "responder_failed", "The model could not answer."),
        (KeyError("delta"), "responder_failed", "The model could not answer."),
        (GenerationError("No paint left."), "generation_failed", "No paint left."),
        (CoatcheckError(), "coatcheck_error", "Something went wrong in Coatcheck."),
    ],
)
async def test_a_responder_that_raises_is_told_of_and_the_conversation_goes_on(
    history: History, error: Exception, code: str, message: str
) -> None:
    async def script(say: Say) -> None:
        await begin_to_draw(say)
        raise error

    async with Turns.running(history, Scripted(script, speak("Better."))) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("draw")))
        told = {"type": "error", "errorText": message, "code": code}
        assert told in chunks
        assert (
            media_part("p1", {"state": "failed", "error": {"code": code, "message": message}})
            in chunks
        )
        assert kinds(chunks)[-1] == "finish"
        assert "secret" not in json.dumps(chunks)
        await collect(await turns.begin(CONVERSATION, user("again", "u2")))
    assert (await said(history))[2:] == ["again", "Better."]
    (_, kept, *_) = await history.stored(CONVERSATION)
    assert kept["parts"][1]["data"]["state"] == "failed"


async def test_a_responder_that_breaks_the_protocol_ends_its_turn_alone(
    history: History, caplog: pytest.LogCaptureFixture
) -> None:
    async def unknown_text(say: Say) -> None:
        await say({"type": "text-delta", "id": "never begun", "delta": "x"})

    async def unknown_tool(say: Say) -> None:
        await say({"type": "tool-output-available", "toolCallId": "never called", "output": 1})

    responder = Scripted(unknown_text, unknown_tool, speak("Better."))
    async with Turns.running(history, responder) as turns:
        for number in range(2):
            chunks = await collect(await turns.begin(CONVERSATION, user("x", f"u{number}")))
            assert kinds(chunks)[-2:] == ["error", "finish"]
        await collect(await turns.begin(CONVERSATION, user("again", "u9")))
    assert (await said(history))[-1] == "Better."
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) == 2
    assert all(record.exc_info for record in failures)


async def test_an_answer_that_just_stops_is_ended(history: History) -> None:
    async with Turns.running(history, Scripted(begin_to_draw)) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("draw")))
    assert kinds(chunks)[-3:] == ["data-media", "tool-output-error", "finish"]
    assert chunks[-3]["data"]["state"] == "failed"
    assert chunks[-3]["data"]["error"]["code"] == "responder_failed"


async def test_an_answer_without_content_is_not_kept(history: History) -> None:
    async def script(say: Say) -> None:
        await say({"type": "finish"})

    async with Turns.running(history, Scripted(script)) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("hi")))
    assert kinds(chunks) == ["start", "finish"]
    assert await said(history) == ["hi"]


async def test_an_answer_that_cannot_be_kept_is_told_of(history: History, data: Path) -> None:
    def break_the_table() -> None:
        with sqlite3.connect(data / "catalog.sqlite3") as database:
            database.execute("ALTER TABLE messages RENAME TO lost")
        database.close()

    def mend_the_table() -> None:
        with sqlite3.connect(data / "catalog.sqlite3") as database:
            database.execute("ALTER TABLE lost RENAME TO messages")
        database.close()

    async def script(say: Say) -> None:
        await anyio.to_thread.run_sync(break_the_table)
        await speak("Never seen again.")(say)

    async with Turns.running(history, Scripted(script, speak("Better."))) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("hi")))
        assert kinds(chunks)[-2:] == ["error", "finish"]
        assert chunks[-2]["code"] == "storage_failed"
        assert "Never seen" not in chunks[-2]["errorText"]
        with pytest.raises(CoatcheckError):
            await turns.begin(CONVERSATION, user("again", "u2"))
        await anyio.to_thread.run_sync(mend_the_table)
        await collect(await turns.begin(CONVERSATION, user("again", "u2")))
    assert await said(history) == ["hi", "again", "Better."]


async def test_what_is_kept_has_no_url_though_the_reader_got_one(
    backends: Backends, history: History
) -> None:
    reference = await backends.store.put(png_bytes())
    ui = reference.to_ui(MediaUrls(base_url="https://cdn.example"))

    async def script(say: Say) -> None:
        await say(PENDING)
        await say(media_part("p1", ready(ui)))
        await say({"type": "finish"})

    async with Turns.running(history, Scripted(script)) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("draw")))
    assert chunks[2]["data"]["reference"] == ui
    (_, kept) = await history.stored(CONVERSATION)
    assert kept["parts"] == [media_part("p1", ready(reference.to_stored()))]


async def test_long_arguments_are_kept_whole_and_shown_in_part(history: History) -> None:
    async def script(say: Say) -> None:
        await say(CALL | {"input": {"prompt": "p" * 4000}})
        await say({"type": "tool-output-error", "toolCallId": "c", "errorText": "no"})

    async with Turns.running(history, Scripted(script)) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("draw")))
    assert len(chunks[1]["input"]["prompt"]) < 500
    (_, kept) = await history.stored(CONVERSATION)
    assert kept["parts"][0]["input"] == {"prompt": "p" * 4000}


async def test_a_tool_s_input_that_looks_like_a_reference_does_not_cost_the_answer(
    history: History,
) -> None:
    async def script(say: Say) -> None:
        await say(CALL | {"input": {"type": "media_reference", "id": "not one"}})
        await say({"type": "tool-output-error", "toolCallId": "c", "errorText": "no"})
        await speak("Kept.")(say)

    async with Turns.running(history, Scripted(script)) as turns:
        chunks = await collect(await turns.begin(CONVERSATION, user("draw")))
        assert "error" not in kinds(chunks)
    assert await said(history) == ["draw", "Kept."]
    assert len((await history.page(CONVERSATION, owner=None, limit=9)).messages) == 2


def test_a_failed_part_is_what_the_wire_format_says() -> None:
    assert failed(GenerationError("No paint.")) == {
        "state": "failed",
        "error": {"code": "generation_failed", "message": "No paint."},
    }
