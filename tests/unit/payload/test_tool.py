"""Tools of every kind, made to return references, with a real store."""

import asyncio
import base64
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import aclosing
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, assert_type

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from PIL import Image

from coatcheck.errors import CoatcheckError
from coatcheck.payload.tool import offload_tool
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from tests.media import picture, png_bytes

pytestmark = pytest.mark.anyio

PNG = png_bytes(400, 300)
RESULT = {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}

user: ContextVar[str] = ContextVar("user", default="nobody")


async def content_of(store: MediaStore, value: Any) -> bytes:
    """The bytes that a reference anywhere in `value` stands for."""
    text = str(value)
    assert RESULT["data"][:100] not in text
    identifier = text[text.index("media://") + len("media://") :][:36]
    reference = await store.get(identifier)
    stream = await store.open(reference.id)
    return b"".join([chunk async for chunk in stream.chunks])


async def test_an_asynchronous_function(store: MediaStore) -> None:
    @offload_tool(store)
    async def draw(prompt: str) -> dict[str, Any]:
        """Draw."""
        await anyio.lowlevel.checkpoint()
        return {"prompt": prompt, "content": [RESULT]}

    result = await draw("the sea")
    assert result["prompt"] == "the sea"
    assert await content_of(store, result) == PNG


async def test_a_function_runs_in_a_thread_with_the_context_of_its_caller(
    store: MediaStore,
) -> None:
    seen: list[object] = []

    @offload_tool(store)
    def draw() -> list[dict[str, str]]:
        seen.extend([user.get(), threading.current_thread()])
        return [RESULT]

    user.set("anna")
    assert await content_of(store, await draw()) == PNG
    assert seen[0] == "anna"
    assert seen[1] is not threading.current_thread()


async def test_an_asynchronous_generator(store: MediaStore) -> None:
    @offload_tool(store)
    async def draw(count: int) -> AsyncIterator[object]:
        for number in range(count):
            await anyio.lowlevel.checkpoint()
            yield {"progress": number}
        yield RESULT

    *progress, last = [value async for value in draw(2)]
    assert progress == [{"progress": 0}, {"progress": 1}]
    assert await content_of(store, last) == PNG


async def test_a_generator_runs_in_threads_and_in_one_context(store: MediaStore) -> None:
    seen: list[object] = []

    @offload_tool(store)
    def draw(*, count: int) -> Iterator[object]:
        for number in range(count):
            seen.extend([user.get(), threading.current_thread()])
            user.set(f"step {number}")
            yield number
        yield RESULT

    user.set("anna")
    *numbers, last = [value async for value in draw(count=2)]
    assert numbers == [0, 1]
    assert await content_of(store, last) == PNG
    assert seen[::2] == ["anna", "step 0"]
    assert threading.current_thread() not in seen
    assert user.get() == "anna"


async def test_a_generator_advances_only_when_it_is_asked(store: MediaStore) -> None:
    steps: list[int] = []

    @offload_tool(store)
    def count() -> Iterator[int]:
        for number in range(3):
            steps.append(number)
            yield number

    values = count()
    assert steps == []
    assert await anext(values) == 0
    await anyio.sleep(0.05)
    assert steps == [0]
    assert [value async for value in values] == [1, 2]


class Tools:
    """Tools as methods, as agents have them."""

    def __init__(self, store: MediaStore) -> None:
        self.store = store

    @offload_tool(lambda: CURRENT[0], form="ui", urls=MediaUrls(base_url="https://cdn.example/m"))
    async def draw(self, number: int, /, *, size: str = "large") -> list[Any]:
        """Draw something."""
        await anyio.lowlevel.checkpoint()
        return [number, size, RESULT]

    @staticmethod
    @offload_tool(lambda: CURRENT[0])
    def plain() -> Image.Image:
        return picture(40, 30)

    @classmethod
    @offload_tool(lambda: CURRENT[0])
    def of_class(cls) -> Iterator[str]:
        yield cls.__name__


CURRENT: list[MediaStore] = []


async def test_methods_and_a_store_that_is_opened_later(store: MediaStore) -> None:
    CURRENT[:] = [store]
    tools = Tools(store)
    number, size, shown = await tools.draw(3, size="small")
    assert (number, size) == (3, "small")
    assert "https://cdn.example/m" in str(shown)
    assert isinstance(MediaReference.from_stored(await Tools.plain()), MediaReference)
    assert [value async for value in tools.of_class()] == ["Tools"]


async def test_options_are_those_of_offload(store: MediaStore) -> None:
    @offload_tool(store, owner="anna", conversation_id="c1")
    def draw() -> object:
        return RESULT

    text = str(await draw())
    record = await store.record(text[text.index("media://") + len("media://") :][:36])
    assert (record.owner, record.conversation_id) == ("anna", "c1")


def example(a: int, /, b: str = "x", *rest: int, c: bool, **others: Any) -> None:
    """What it does."""


async def test_the_wrapped_tool_looks_like_the_tool(store: MediaStore) -> None:
    async def coroutine(a: int) -> None: ...
    async def asynchronous(a: int) -> AsyncIterator[int]:
        yield a

    def generator(a: int) -> Iterator[int]:
        yield a

    kinds: list[tuple[Any, Callable[[object], bool]]] = [
        (example, inspect.iscoroutinefunction),
        (coroutine, inspect.iscoroutinefunction),
        (asynchronous, inspect.isasyncgenfunction),
        (generator, inspect.isasyncgenfunction),
    ]
    for tool, is_kind in kinds:
        wrapped: Any = offload_tool(store)(tool)
        assert is_kind(wrapped)
        assert inspect.signature(wrapped) == inspect.signature(tool)
        assert (wrapped.__name__, wrapped.__doc__) == (tool.__name__, tool.__doc__)
        assert wrapped.__wrapped__ is tool


async def test_other_callables_are_called(store: MediaStore) -> None:
    class Drawing:
        async def __call__(self, prompt: str) -> Any:
            await anyio.lowlevel.checkpoint()
            return {"prompt": prompt, "image": RESULT}

    def disguised(prompt: str) -> Coroutine[Any, Any, Any]:
        return Drawing()(prompt)

    for tool in (Drawing(), disguised, partial(disguised), lambda prompt: [prompt, RESULT]):
        wrapped: Any = offload_tool(store)(tool)
        assert await content_of(store, await wrapped("the sea")) == PNG


async def test_types_follow_the_tool(store: MediaStore) -> None:
    def function(a: int) -> bytes:
        return bytes(a)

    async def coroutine(a: int) -> bytes:
        return bytes(a)

    def generator(a: int) -> Iterator[bytes]:
        yield bytes(a)

    async def asynchronous(a: int) -> AsyncIterator[bytes]:
        yield bytes(a)

    offload = offload_tool(store)
    assert_type(await offload(function)(1), Any)
    assert_type(await offload(coroutine)(a=1), Any)
    assert_type(offload(generator)(1), AsyncGenerator[Any])
    assert_type(offload(asynchronous)(1), AsyncGenerator[Any])
    with pytest.raises(TypeError):
        await offload(function)("x")  # type: ignore[arg-type] # which is what is tested


class Failure(Exception):  # noqa: N818 - as a tool's own may be called
    """The tool's own."""


async def test_what_a_tool_raises_passes_unchanged(store: MediaStore) -> None:
    failure = Failure("as it was")

    def function() -> None:
        raise failure

    async def coroutine() -> None:
        raise failure

    def generator() -> Iterator[int]:
        yield 1
        raise failure

    async def asynchronous() -> AsyncIterator[int]:
        yield 1
        raise failure

    for tool in (function, coroutine):
        with pytest.raises(Failure) as raised:
            await offload_tool(store)(tool)()
        assert raised.value is failure
    for iterate in (generator, asynchronous):
        values: Any = offload_tool(store)(iterate)()
        assert await anext(values) == 1
        with pytest.raises(Failure) as raised:
            await anext(values)
        assert raised.value is failure
        with pytest.raises(StopAsyncIteration):
            await anext(values)


async def test_stop_iteration_never_ends_anything_silently(store: MediaStore) -> None:
    def function() -> int:
        return next(iter(()))

    def generator() -> Iterator[int]:
        yield 1
        yield next(iter(()))  # PEP 479: a RuntimeError by the time that it leaves

    def ended() -> Generator[int, None, str]:
        yield 1
        return "dropped"

    with pytest.raises(RuntimeError, match="StopIteration"):
        await offload_tool(store)(function)()
    values = offload_tool(store)(generator)()
    assert await anext(values) == 1
    with pytest.raises(RuntimeError, match="StopIteration"):
        await anext(values)
    assert [value async for value in offload_tool(store)(ended)()] == [1]


async def test_a_generator_that_is_left_early_is_closed(store: MediaStore) -> None:
    events: list[str] = []

    def generator() -> Iterator[int]:
        try:
            yield 1
            yield 2
        except GeneratorExit:
            events.append("closed")
            raise
        finally:
            events.append(f"in a thread: {threading.current_thread() is not main}")

    async def asynchronous() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await anyio.lowlevel.checkpoint()
            events.append("asynchronous")

    main = threading.current_thread()
    async with aclosing(offload_tool(store)(generator)()) as values:
        assert await anext(values) == 1
    assert events == ["closed", "in a thread: True"]
    async with aclosing(offload_tool(store)(asynchronous)()) as values:
        assert await anext(values) == 1
    assert events[2:] == ["asynchronous"]


async def test_what_a_generator_raises_when_it_is_closed_passes(store: MediaStore) -> None:
    def generator() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise Failure

    values = offload_tool(store)(generator)()
    await anext(values)
    with pytest.raises(Failure):
        await values.aclose()


async def test_a_cancelled_function_is_cancelled(store: MediaStore) -> None:
    cancelled: list[str] = []

    async def coroutine() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append("coroutine")

    def function() -> None:
        try:
            while True:
                release.wait(0.01)
                anyio.from_thread.check_cancelled()
        finally:
            cancelled.append("function")

    release = threading.Event()
    for tool in (coroutine, function):
        with anyio.move_on_after(0.05) as scope:
            await offload_tool(store)(tool)()
        assert scope.cancelled_caught
    assert cancelled == ["coroutine", "function"]


@pytest.mark.parametrize("by", ["scope", "task"])
async def test_a_cancelled_generator_is_closed_after_its_step(store: MediaStore, by: str) -> None:
    """A task that asyncio cancels does not wait for the thread: the step still runs by then."""
    events: list[str] = []
    begun, release, scope = threading.Event(), threading.Event(), anyio.CancelScope()

    @offload_tool(store)
    def generator() -> Iterator[int]:
        try:
            begun.set()
            release.wait(5)
            events.append("step")
            yield 1
        finally:
            events.append("closed")

    async def consume() -> None:
        with scope:
            async with aclosing(generator()) as values:
                await anext(values)

    async def cancel(cancel: Callable[[], object]) -> None:
        await anyio.to_thread.run_sync(begun.wait)
        cancel()
        await anyio.sleep(0.05)
        assert events == []
        release.set()

    if by == "scope":
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            await cancel(scope.cancel)
    else:
        task = asyncio.create_task(consume())
        await cancel(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert events == ["step", "closed"]


async def test_a_failing_store_costs_the_tool_nothing(store: MediaStore, data: Path) -> None:
    (data / "staging").rmdir()
    (data / "staging").touch()  # nothing can be written into it

    @offload_tool(store)
    def draw() -> object:
        return RESULT

    assert await draw() == RESULT


async def test_a_store_that_cannot_be_got_is_an_error(store: MediaStore) -> None:
    def missing() -> MediaStore:
        raise CoatcheckError("not open yet")

    @offload_tool(missing)
    def draw() -> object:
        return RESULT

    with pytest.raises(CoatcheckError, match="not open yet"):
        await draw()
