"""Cut inline media out of logs and traces, and put a short note in its place.

Nothing is stored and nothing is awaited. A record without inline media comes back as the same
object, after a look at the length of each string.
"""

import logging
from collections import deque
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any, Final

import msgspec

from coatcheck.payload.offloading.objects import pydantic_models
from coatcheck.payload.scanning.base64text import THRESHOLD
from coatcheck.payload.scanning.inline import cut_bytes, cut_text

MAX_DEPTH: Final = 64
"""How deep a record with inline media is copied; a note replaces deeper values."""

_TOO_DEEP: Final = "[nested too deep, left out]"
_CIRCULAR: Final = "[circular, left out]"

_ATOMS: Final = frozenset({type(None), bool, int, float})
_TEXTS: Final = (str, bytes, bytearray)
_SCALARS: Final = _ATOMS | {str, bytes}


def scrub(record: Any) -> Any:
    """Cut inline media out of a record.

    A note such as ``[image/png, 1,708,380 characters of base64 left out]`` replaces 4,096
    characters of base64 or more, with the ``data:`` URI that they belong to. A note such as
    ``[image/png, 1,281,285 bytes left out]`` replaces 3,072 bytes or more that are not text.

    Args:
        record: a string, bytes, or a JSON-like structure of them, which may contain dataclasses,
            pydantic models and msgspec structs. A ``dict`` replaces those that hold inline media.
            Other objects stay as they are.

    Returns:
        A copy, or `record` itself if there is nothing to cut. It never raises.
    """
    kind = type(record)
    if issubclass(kind, str):
        return cut_text(record)
    if issubclass(kind, bytes | bytearray):
        return cut_bytes(record)
    return _copy(record, {}, 0) if _holds_media(record) else record


class ScrubFilter(logging.Filter):
    """Cuts inline media out of log records, for any formatter.

    Add it to handlers: the filters of a logger do not see what its children log. It changes the
    record, so later handlers see the notes too, but not the objects that were passed to the logger.

    Arguments that are strings, bytes or numbers are scrubbed and still formatted by the handler.
    With any other argument, the filter formats the message once more; if the text holds inline
    media, the scrubbed text becomes the message and the arguments are dropped. A traceback that
    holds inline media is kept as `exc_text`, without `exc_info`. Extra attributes are scrubbed like
    values; objects that `scrub` does not know are left to the handler.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record. Always true: no record is dropped.

        Args:
            record: the record to scrub.
        """
        attributes = vars(record)
        for name, value in list(attributes.items()):
            kind = type(value)
            if (kind is str and len(value) < THRESHOLD) or kind in _ATOMS:
                continue
            scrubbed = scrub(value)
            if scrubbed is not value:
                attributes[name] = scrubbed
        if not isinstance(record.msg, str) or _has_objects(record.args):
            _scrub_message(record)
        _scrub_traceback(record)
        return True


def _has_objects(args: object) -> bool:
    values = args.values() if isinstance(args, Mapping) else args
    return isinstance(values, Collection) and any(type(value) not in _SCALARS for value in values)


def _scrub_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - anything may be logged; the handler reports what it cannot format
        return
    scrubbed = cut_text(message)
    if scrubbed is not message:
        record.msg, record.args = scrubbed, None


def _scrub_traceback(record: logging.LogRecord) -> None:
    if not record.exc_info:
        return
    try:
        shown = logging.Formatter().formatException(record.exc_info)
    except Exception:  # noqa: BLE001 - as above
        return
    scrubbed = cut_text(shown)
    if scrubbed is not shown:
        record.exc_info, record.exc_text = None, scrubbed


def _holds_media(record: Any) -> bool:
    waiting = [record]
    seen: dict[int, Any] = {}  # keeps what it has seen alive, so that no id is used twice
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if (kind is str and len(value) < THRESHOLD) or kind in _ATOMS:
            continue
        if issubclass(kind, _TEXTS):
            if scrub(value) is not value:
                return True
        elif id(value) not in seen:
            seen[id(value)] = value
            contents = _contents(value)
            waiting.extend(contents)
            if isinstance(contents, dict):
                waiting.extend(contents.values())
    return False


def _copy(value: Any, copies: dict[int, Any], depth: int) -> Any:
    """Copy `value` without inline media; parts without any are kept as they are."""
    if issubclass(type(value), _TEXTS):
        return scrub(value)
    contents = () if type(value) in _ATOMS else _contents(value)
    if not contents:
        return value
    if id(value) in copies:
        return copies[id(value)]
    if depth == MAX_DEPTH:
        return _TOO_DEEP
    copies[id(value)] = _CIRCULAR
    scrubbed: Any
    if isinstance(contents, dict):
        scrubbed = {
            scrub(name) if isinstance(name, _TEXTS) else name: _copy(member, copies, depth + 1)
            for name, member in list(contents.items())
        }
        before, after = [*contents, *contents.values()], [*scrubbed, *scrubbed.values()]
    else:
        before = list(contents)
        after = scrubbed = [_copy(item, copies, depth + 1) for item in before]
        scrubbed = tuple(scrubbed) if isinstance(value, tuple) else scrubbed
    unchanged = len(before) == len(after) and all(map(_is_same, before, after))
    copies[id(value)] = value if unchanged else scrubbed
    return copies[id(value)]


def _is_same(one: object, other: object) -> bool:
    return one is other


def _contents(value: Any) -> Collection[Any]:
    """The members of a value, by name or in order; nothing if it has none."""
    # The type is asked, not `isinstance`: that would make a lazy object load what it stands for.
    kind = type(value)
    if issubclass(kind, list | tuple | AbstractSet | deque):
        return value  # type: ignore[no-any-return] # the type was asked
    try:
        return _members(value, kind)
    except Exception:  # noqa: BLE001 - a foreign object may do anything; it is left as it is
        return ()


def _members(value: Any, kind: type) -> dict[Any, Any]:
    if issubclass(kind, (Mapping, *pydantic_models())):
        return value if kind is dict else dict(value)
    if issubclass(kind, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if is_dataclass(kind):
        return {field.name: getattr(value, field.name) for field in fields(kind)}
    return {}
