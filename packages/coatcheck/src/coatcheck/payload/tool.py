"""Make tools that return media inline return references: ``@offload_tool(store)``."""

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from contextlib import aclosing
from contextvars import copy_context
from functools import partial, wraps
from threading import Lock
from typing import Any, Final, ParamSpec, Protocol, Unpack, overload

from anyio import CancelScope, to_thread

from coatcheck.payload.offload import OffloadOptions, offload
from coatcheck.store import MediaStore

P = ParamSpec("P")

_END: Final = object()


class Offloading(Protocol):
    """The decorator that `offload_tool` returns; it offloads a tool's values."""

    # Every function gives some object: the first signature that fits is the one that is meant.
    @overload
    def __call__(  # type: ignore[overload-overlap] # see above
        self, tool: Callable[P, AsyncIterator[object]], /
    ) -> Callable[P, AsyncGenerator[Any]]: ...
    @overload
    def __call__(
        self, tool: Callable[P, Awaitable[object]], /
    ) -> Callable[P, Coroutine[Any, Any, Any]]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap] # see above
        self, tool: Callable[P, Iterator[object]], /
    ) -> Callable[P, AsyncGenerator[Any]]: ...
    @overload
    def __call__(self, tool: Callable[P, object], /) -> Callable[P, Coroutine[Any, Any, Any]]: ...


def offload_tool(
    store: MediaStore | Callable[[], MediaStore], **options: Unpack[OffloadOptions]
) -> Offloading:
    """Decorate a tool so that what it returns or yields is offloaded (see `offload`).

    The tool is a function or a generator, synchronous or asynchronous; the decorated tool is
    asynchronous. It keeps the tool's parameters, name and documentation, and also its return
    annotation, although it returns references instead of pictures. Exceptions of the tool pass
    unchanged. The return value of a generator is dropped.

    A synchronous tool runs in worker threads with the context variables of its caller; the steps of
    a generator may run in different threads. A thread cannot be interrupted: a cancelled call ends
    when the function or the generator's step ends, which may call
    `anyio.from_thread.check_cancelled`. A generator that you leave early is closed; to close it at
    once, use `contextlib.aclosing`.

    Args:
        store: the store that keeps the media, or, if it opens after the tool is defined, a function
            that returns it. The function is called for each value.
        options: those of `offload`.
    """

    def wrap(tool: Callable[..., Any]) -> Callable[..., Any]:
        async def keep(value: object) -> Any:
            opened = store if isinstance(store, MediaStore) else store()
            return (await offload(value, opened, **options)).payload

        if inspect.isasyncgenfunction(tool) or inspect.isgeneratorfunction(tool):
            iterate = tool if inspect.isasyncgenfunction(tool) else partial(_iterate, tool)

            @wraps(tool)
            async def generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
                async with aclosing(iterate(*args, **kwargs)) as values:
                    async for value in values:
                        yield await keep(value)

            return generator

        call = tool if inspect.iscoroutinefunction(tool) else partial(_call, tool)

        @wraps(tool)
        async def function(*args: Any, **kwargs: Any) -> Any:
            return await keep(await call(*args, **kwargs))

        return function

    return wrap


async def _call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function in a worker thread, and await its result if that is awaitable."""
    result = await to_thread.run_sync(partial(function, *args, **kwargs))
    return await result if inspect.isawaitable(result) else result


async def _iterate(
    function: Callable[..., Generator[Any]], /, *args: Any, **kwargs: Any
) -> AsyncGenerator[Any]:
    """Advance a generator in worker threads, one step for each value."""
    steps = await to_thread.run_sync(_Steps, partial(function, *args, **kwargs))
    try:
        while (value := await to_thread.run_sync(steps.advance)) is not _END:
            yield value
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(steps.close)


class _Steps:
    """A generator whose steps run in different threads but share their context variables."""

    def __init__(self, call: Callable[[], Generator[Any]]) -> None:
        self._generator = call()
        self._context = copy_context()
        # A step whose awaiter was cancelled may still run when the generator is to be closed.
        self._turn = Lock()

    def advance(self) -> Any:
        """Return the next value, or `_END`: a StopIteration cannot leave a thread."""
        with self._turn:
            return self._context.run(next, self._generator, _END)

    def close(self) -> None:
        """Close the generator; do nothing if it has ended."""
        with self._turn:
            self._context.run(self._generator.close)
