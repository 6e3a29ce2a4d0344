"""Which strings of an event go on from the event before it, and which event ends them. Pure.

A string is followed by its *key*: the path on which it stands and the scalars beside that path that
say which of several it is, such as ``id`` or ``index``. So two texts that take turns are held
apart, in the events of any framework:

==================  ============================================================================
OpenAI Chat         ``choices[].delta.content``, ``….delta.tool_calls[].function.arguments``
OpenAI Responses    ``delta`` of ``response.output_text.delta``, ``…_call_arguments.delta``, others
Anthropic           ``delta.text``, ``.partial_json``, ``.thinking`` of ``content_block_delta``
Gemini              ``candidates[].content.parts[].text``, ``….functionCall.partialArgs[]``
AI SDK              ``delta`` of ``text-delta``, ``reasoning-delta``; ``inputTextDelta``
AG-UI               ``delta`` of ``TEXT_MESSAGE_CONTENT``, ``TOOL_CALL_ARGS`` and others
anything else       a string with a name that says so, or one that alone changes between events
==================  ============================================================================
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from coatcheck.payload.scanning.holding import has_begun

Path: TypeAlias = tuple[str | int, ...]
"""The names and positions that lead to a value."""

_String: TypeAlias = tuple[Path, str, tuple[Any, ...]]
"""A string: where it stands, what it says, and the containers on the way to it."""

# Most are dictionaries; to ask whether something is any mapping takes thirty times as long.
_OBJECTS: Final = (dict, Mapping)
_CONTAINERS: Final = (dict, list, Mapping)

MAX_DELTAS: Final = 32
"""Strings of one event that are followed; of an event with more, none is."""

_MAX_VALUES: Final = 256  # of one event that are looked at
_MAX_DEPTH: Final = 12

# Say which of several strings it is. A response's or a run's own id does not tell two apart.
_IDENTIFIERS: Final = frozenset(
    {
        *("id", "index", "call_id", "callId", "message_id", "messageId", "part_id", "partId"),
        *("item_id", "itemId", "output_index", "content_index", "summary_index", "command_index"),
        *("tool_call_id", "toolCallId", "tool_use_id", "toolUseId"),
    }
)
# Say which item of a list it is, whatever its position.
_ITEMS: Final = ("index", "jsonPath", "json_path")
_TELLING: Final = _IDENTIFIERS | {"type", "event", "thought", *_ITEMS}
_LONGEST_KIND: Final = 100
_ANTHROPIC: Final = ("text", "partial_json", "thinking")
# Differ from event to event, and say nothing of its text.
_VARYING: Final = re.compile(
    r"sequence(?:_number|Number)?|seq|created(?:_at|At)?|timestamp|time|ts|obfuscation|event_?id"
    r"|.*(?:TokenCount|_tokens|_count|_duration)",
    re.IGNORECASE,
)
_NUMBERS: Final = ("sequence_number", "sequenceNumber", "sequence", "seq")
# Names that say that a string is a piece of a longer one; which of them hold JSON.
_PIECES: Final = frozenset(
    {
        *("delta", "token", "chunk", "piece", "fragment", "textDelta", "text_delta"),
        *("inputTextDelta", "argsTextDelta", "partial_json", "content_delta", "contentDelta"),
    }
)
_JSON_PIECES: Final = frozenset({"inputTextDelta", "argsTextDelta", "partial_json", "arguments"})
_TEXTS: Final = frozenset(
    {
        *(
            "text",
            "content",
            "data",
            "value",
            "output",
            "response",
            "arguments",
            "input",
            "message",
        ),
        *("thinking", "reasoning", "reasoning_content", "refusal", "stdout", "stderr"),
    }
)
_GEMINI_PIECES: Final = {
    "stringValue": (("partialArgs",),),
    "string_value": (("partial_args",),),
}
_SAYS_PIECE: Final = re.compile(r"delta|token|chunk|partial|fragment", re.IGNORECASE)
_JSON_KIND: Final = re.compile(r"arguments|tool-input|TOOL_CALL|json", re.IGNORECASE)
# Each delta is a file or a piece of one by itself.
_AUDIO: Final = re.compile(r"audio(?![_.]transcript)", re.IGNORECASE)
# Tell nothing of any string, and come at any time.
_ASIDE: Final = frozenset(
    {
        *("ping", "pong", "heartbeat", "keepalive", "keep-alive", "message-metadata"),
        *("STATE_DELTA", "STATE_SNAPSHOT", "RAW", "CUSTOM", "response.in_progress"),
    }
)
# AG-UI: only the first chunk of a message needs the id, and one with another id ends the message.
_CHUNKS: Final = {
    "TEXT_MESSAGE_CHUNK": "messageId",
    "REASONING_MESSAGE_CHUNK": "messageId",
    "TOOL_CALL_CHUNK": "toolCallId",
}
_AI_SDK_DATA: Final = "data-"
_ENDS: Final = ("finish_reason", "finishReason", "stop_reason", "done_reason")
_OLLAMA: Final = frozenset({("response",), ("message", "content")})


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a string that goes on from event to event.

    Attributes:
        path: where it stands in the event.
        text: the piece.
        key: the same for all pieces of one string.
        is_json: whether the string is JSON.
        is_known: whether its readers are known to put the pieces together.
        begins: the id of the string, where a piece with another id begins a new one.
    """

    path: Path
    text: str
    key: tuple[object, ...]
    is_json: bool = False
    is_known: bool = True
    begins: object = None

    @property
    def place(self) -> str:
        """Where it stands, as a JSON Pointer (RFC 6901)."""
        return pointer(self.path)


def pointer(path: Path) -> str:
    """A path as a JSON Pointer (RFC 6901)."""
    steps = (str(step)[:100].replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps)


def find_deltas(event: Any) -> list[Delta]:
    """The pieces of strings that an event holds."""
    if isinstance(event, str):
        return [Delta((), event, ())]
    if not isinstance(event, _CONTAINERS):
        return []
    common = None
    if isinstance(event, _OBJECTS):
        common = _common(event)
        kind = event.get("type")
        if common is not None and isinstance(kind, str) and kind in _CHUNKS:
            key = (("type", kind), "delta")
            begins = event.get(_CHUNKS[kind])
            return [Delta(("delta",), common[1], key, _said(kind).is_json, begins=begins)]
    strings: Iterable[_String] = _strings(event) if common is None else [common]
    found: list[Delta] = []
    for path, text, parents in strings:
        how = _piece(path, parents)
        if how is not None:
            found.append(Delta(path, text, _key(path, parents), how is _Piece.JSON))
    return found if len(found) <= MAX_DELTAS else []


def _common(event: Mapping[str, Any]) -> _String | None:
    """The only piece of an event of the commonest forms, found without looking at the rest."""
    delta = event.get("delta")
    if isinstance(delta, str):
        return ("delta",), delta, (event,)
    if isinstance(delta, _OBJECTS):
        name = next((name for name in _ANTHROPIC if isinstance(delta.get(name), str)), None)
        return None if name is None else (("delta", name), delta[name], (event, delta))
    choices = event.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], _OBJECTS):
        return None
    delta = choices[0].get("delta")
    if not isinstance(delta, _OBJECTS) or not isinstance(delta.get("content"), str):
        return None
    if len(delta) > 1 and delta.keys() & {"tool_calls", "reasoning_content", "refusal"}:
        return None
    path = ("choices", 0, "delta", "content")
    return path, delta["content"], (event, choices, choices[0], delta)


def changes(before: Any, event: Any) -> list[Path] | None:
    """The strings in which two events of one form differ; None if they are of two forms."""
    changed: list[Path] = []
    return changed if _is_like(before, event, (), changed) else None


def says_more(event: Any, last: Any, delta: Delta) -> bool:
    """Whether an event says more than a later one does, beside the text of `delta`."""
    changed = changes(event, last)
    return changed is None or not set(changed) <= {delta.path}


def find_suspects(event: Any) -> list[Delta]:
    """The string of an event that ends inside of a data: URI, if there is one; it may go on."""
    found = [path for path, text, _ in _strings(event) if has_begun(text, for_certain=True)]
    delta = delta_at(event, found[0]) if len(found) == 1 else None
    return [] if delta is None else [delta]


def delta_at(event: Any, path: Path) -> Delta | None:
    """The string at `path` of an event, as a piece of one; None if there is none."""
    for place, text, parents in _strings(event):
        if place == path:
            return Delta(path, text, _key(path, parents), is_json=True, is_known=False)
    return None


def number_of(event: Any) -> int | None:
    """The number that an event has in its stream; None if it has none."""
    if not isinstance(event, _OBJECTS):
        return None
    numbers = (event.get(name) for name in _NUMBERS)
    return next((number for number in numbers if isinstance(number, int)), None)


def identity(event: Any) -> dict[str, object] | None:
    """Which strings an event concerns, by the names that identify them; None for none of them.

    An event without any such name concerns all.
    """
    if not isinstance(event, _OBJECTS):
        return {}
    kind = event.get("type")
    if isinstance(kind, str) and (kind in _ASIDE or kind.startswith(_AI_SDK_DATA)):
        return None
    names = _identifiers(event)
    choices = event.get("choices")
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], _OBJECTS):
        names |= _identifiers(choices[0])
    return names


def concerns(names: Mapping[str, object] | None, delta: Delta) -> bool:
    """Whether an event with these identifying names may end the string of `delta`."""
    if names is None:
        return False
    if not names:
        return True
    own: dict[object, object] = dict(item for item in delta.key if isinstance(item, tuple))
    shared = [name for name in names if name in own]
    return bool(shared) and all(names[name] == own[name] for name in shared)


def value_at(event: Any, path: Path) -> Any:
    """What stands at `path` of an event; None where nothing does."""
    for step in path:
        try:
            event = event[step]
        except (KeyError, IndexError, TypeError):
            return None
    return event


def exchanged(event: Any, texts: Mapping[Path, str]) -> Any:
    """The event with other texts at some of its paths."""
    for path, text in texts.items():
        event = _exchanged(event, path, text)
    return event


def _exchanged(value: Any, path: Path, text: str) -> Any:
    if not path:
        return text
    first, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(first, int):
        return [
            _exchanged(item, rest, text) if index == first else item
            for index, item in enumerate(value)
        ]
    return {**value, first: _exchanged(value[first], rest, text)}


def alone(event: Any, path: Path, text: str) -> Any:
    """The event with a text at one of its paths and nothing else that it says by itself.

    What stays beside it says which string that is, as in each event.
    """
    return _alone(event, path, text, is_inside=False)


def _alone(value: Any, path: Path, text: str, *, is_inside: bool) -> Any:
    if not path:
        return text
    first, rest = path[0], path[1:]
    inner = _alone(value[first], rest, text, is_inside=True)
    if isinstance(value, list):
        return [inner]
    return {
        name: inner if name == first else member
        for name, member in value.items()
        if name == first
        or member is None
        or name in _TELLING
        or not (is_inside or _says(name, member))
    }


def _says(name: str, member: Any) -> bool:
    """Whether a member at the top of an event is none that all events of its kind have."""
    return name in _ENDS or not isinstance(member, str | int | float)


def is_last(event: Any, path: Path) -> bool:
    """Whether an event says that the string at `path` is over with it."""
    for step in path:
        if isinstance(event, _OBJECTS) and any(event.get(name) is not None for name in _ENDS):
            return True
        event = event[step]
    return False


class _Piece(Enum):
    """What a piece of a string is a piece of."""

    TEXT = 1
    JSON = 2


def _piece(path: Path, parents: Sequence[Any]) -> _Piece | None:
    """What the string at `path` is a piece of; None if it is whole."""
    name = path[-1]
    if not isinstance(name, str):
        return None
    if name not in _PIECES and name not in _TEXTS:
        return _Piece.TEXT if path[-3:-2] in _GEMINI_PIECES.get(name, ()) else None
    says = [_said(_kind(parent)) for parent in parents if isinstance(parent, _OBJECTS)]
    if any(kind.is_audio for kind in says):
        return None
    is_piece = (
        name in _PIECES
        or "delta" in path
        or "chunk" in path
        or any(kind.is_piece for kind in says)
        or (name == "text" and path[0] in {"candidates", "choices"})
        or (path in _OLLAMA and "done" in parents[0])
    )
    if not is_piece:
        return None
    is_json = name in _JSON_PIECES or any(kind.is_json for kind in says)
    return _Piece.JSON if is_json else _Piece.TEXT


class _Said(NamedTuple):
    """What the type of an event says of its strings."""

    is_audio: bool
    is_json: bool
    is_piece: bool


@lru_cache(maxsize=1024)
def _said(kind: str) -> _Said:
    return _Said(*(bool(one.search(kind)) for one in (_AUDIO, _JSON_KIND, _SAYS_PIECE)))


def _kind(parent: Mapping[str, Any]) -> str:
    kinds = (parent.get("type"), parent.get("event"))
    return " ".join(kind[:_LONGEST_KIND] for kind in kinds if isinstance(kind, str))


def _key(path: Path, parents: Sequence[Any]) -> tuple[object, ...]:
    key: list[object] = []
    is_item = False  # which is known by more than its position
    for step, parent in zip(path, parents, strict=True):
        if isinstance(parent, _OBJECTS):
            # Of calls in a list, only the first piece has the id; all have the index.
            if not is_item:
                key += [
                    (name, value)
                    for name, value in parent.items()
                    if name in _TELLING and name != step and isinstance(value, str | int)
                ]
            key.append(step)
            is_item = False
        else:
            item = parent[step] if isinstance(step, int) else None
            which = _which(item) if isinstance(item, Mapping) else None
            is_item = which is not None
            if which is None:  # Gemini joins the texts of all parts.
                is_joined = path[0] == "candidates" and key[-1] == "parts"
                which = "*" if is_joined else step
            key.append(which)
    return tuple(key)


def _which(item: Mapping[str, Any]) -> object:
    """What says which item of a list it is, whatever its position; None if nothing does."""
    for name in _ITEMS:
        if name in item and isinstance(item[name], str | int):
            return name, item[name]
    return None


def _identifiers(event: Mapping[str, Any]) -> dict[str, object]:
    return {
        name: event[name]
        for name in _IDENTIFIERS & event.keys()
        if isinstance(event[name], str | int)
    }


def _strings(event: Any) -> Iterator[_String]:
    """The strings of an event: path, text, and the containers on the way to it."""
    waiting: list[tuple[Path, Any, tuple[Any, ...]]] = [((), event, ())]
    for _ in range(_MAX_VALUES):
        if not waiting:
            return
        path, value, parents = waiting.pop()
        if isinstance(value, str):
            yield path, value, parents
        elif len(path) >= _MAX_DEPTH:
            continue
        elif isinstance(value, _OBJECTS):
            for name in reversed(list(value)[:_MAX_VALUES]):
                if isinstance(name, str) and isinstance(value[name], str | Mapping | list):
                    waiting.append(((*path, name), value[name], (*parents, value)))  # noqa: PERF401 - two kinds of containers, read side by side
        elif isinstance(value, list):
            for index in range(min(len(value), _MAX_VALUES) - 1, -1, -1):
                waiting.append(((*path, index), value[index], (*parents, value)))  # noqa: PERF401 - as above


def _is_like(before: Any, event: Any, path: Path, changed: list[Path]) -> bool:
    """Whether two values are of one form; strings in which they differ are added to `changed`."""
    if isinstance(before, str) and isinstance(event, str):
        if before != event:
            changed.append(path)
        return True
    if len(path) >= _MAX_DEPTH or len(changed) > 1:
        return False
    if isinstance(before, _OBJECTS) and isinstance(event, _OBJECTS):
        return before.keys() == event.keys() and all(
            _VARYING.fullmatch(name) or _is_like(before[name], value, (*path, name), changed)
            for name, value in event.items()
        )
    if isinstance(before, list) and isinstance(event, list):
        return len(before) == len(event) <= _MAX_VALUES and all(
            _is_like(one, other, (*path, index), changed)
            for index, (one, other) in enumerate(zip(before, event, strict=True))
        )
    return bool(before == event)
