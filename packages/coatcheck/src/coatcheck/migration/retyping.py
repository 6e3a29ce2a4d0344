"""Where a rewritten document has an object in the place of a string. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from coatcheck.legacy.results import read_text


def retyped(before: str | bytes, after: str | bytes) -> tuple[str, ...]:
    """The places where `before` has a string and `after` has an object.

    Args:
        before: a document as it was read: JSON, or else text.
        after: the same in today's form.

    Returns:
        A JSON Pointer (RFC 6901) for each place, as `before` has it; it goes on inside of JSON that
        is in a string. The whole document is the empty pointer.
    """
    return tuple(_places(_value(before), _value(after), ""))


def _places(before: Any, after: Any, pointer: str) -> Iterator[str]:
    if isinstance(before, str):
        if isinstance(after, dict):
            yield pointer
        elif isinstance(after, str) and after != before:
            yield from _in_strings(before, after, pointer)
    elif isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                escaped = name.replace("~", "~0").replace("/", "~1")
                yield from _places(value, after[name], f"{pointer}/{escaped}")
    elif isinstance(before, list) and isinstance(after, list):
        for index, item in _matched(before, after):
            yield from _places(before[index], item, f"{pointer}/{index}")


def _in_strings(before: str, after: str, pointer: str) -> Iterator[str]:
    """Places inside of two strings, where both are JSON, the earlier one perhaps with words around.

    A text that had to stay a text and is a result is a string before and after.
    """
    inner = read_text(before) or _value(before)
    if inner is not before:
        yield from _places(inner, _value(after), pointer)


def _matched(before: list[Any], after: list[Any]) -> Iterator[tuple[int, Any]]:
    """The items of `before`, by index, with what became of them.

    The parts of a message may have become more. What kept its type is found by that, in order.
    """
    if len(before) == len(after):
        yield from enumerate(after)
        return
    waiting = defaultdict[Any, list[Any]](list)
    for item in reversed(after):
        waiting[_type_of(item)].append(item)
    for index, item in enumerate(before):
        if same := waiting[_type_of(item)]:
            yield index, same.pop()


def _type_of(item: Any) -> str | None:
    found = item.get("type") if isinstance(item, dict) else None
    return found if isinstance(found, str) else None


def _value(document: str | bytes) -> Any:
    try:
        return msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return document if isinstance(document, str) else document.decode(errors="replace")
