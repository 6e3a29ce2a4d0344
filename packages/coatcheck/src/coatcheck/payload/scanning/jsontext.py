"""A JSON text that is read on the way to what is looked for, and written with its changes. Pure.

What is beside the way stays as it was, byte for byte: spaces, escapes, numbers, members of the same
name. A value that is written anew is written in the style of the one that stood there, as far as
that has one: with spaces or without, indented, in ASCII or not.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

IsHot = Callable[[bytes], bool]
"""Whether the JSON of a value has anything that is looked for."""

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)  # numbers stay as they are written
_CONTAINERS: Final = b"{["
_BEFORE_MEMBER: Final = re.compile(rb"""\s*[{,]\s*"(?:[^"\\]|\\.)*+"\s*:\s*""")
_BEFORE_ITEM: Final = re.compile(rb"\s*[\[,]\s*")
_CLOSING: Final = re.compile(rb"\s*[\]}]")
# What is read on the way, all levels together: a long text that is nested deep is not read deeper.
_MOST_READ: Final = 128 * 1024 * 1024
_MOST_TIMES: Final = 16
_SCALARS: Final = b"tfn"
_LEVEL: Final = re.compile(rb"[\[{]\n( *)[^\s]")
_LAST_LINE: Final = re.compile(rb"\n( *)[\]}]$")
_ESCAPES: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
)


class Style(NamedTuple):
    """How a writer of JSON spaces and escapes."""

    comma: str = ","
    colon: str = ":"
    is_ascii: bool = False
    indent: int | None = None
    base: str = ""


_COMPACT: Final = Style()
_STYLES: Final = (
    _COMPACT,
    Style(", ", ": ", is_ascii=True),
    Style(", ", ": "),
    Style(is_ascii=True),
)


class Respelled(dict[str, Any]):
    """An object whose JSON cannot be had back as it was; it is written so that this shows."""


@dataclass(slots=True)
class _Opened:
    """A value on the way, the JSON that it was read from, and what of it is on the way."""

    raw: bytes
    value: Any
    start: int = 0  # where in the JSON of the container it begins
    children: dict[str | int, "_Opened"] = field(default_factory=dict)


class JsonText:
    """A JSON text, opened on the way to what is looked for.

    Args:
        raw: JSON in UTF-8.
        is_hot: what is looked for. It must be true of a value if it is of a part of it.
        hold: makes what a string is taken for from what it says.
        keeps_raw: whether objects and arrays beside the way are left as `msgspec.Raw`, unread.

    Raises:
        msgspec.DecodeError: it is no JSON.
        RecursionError: it nests deeper than any reader takes.
    """

    def __init__(
        self,
        raw: bytes,
        is_hot: IsHot,
        *,
        hold: Callable[[str], str] = lambda text: text,
        keeps_raw: bool = False,
    ) -> None:
        self._is_hot = is_hot
        self._hold = hold
        self._keeps_raw = keeps_raw
        self._by_identity: dict[int, _Opened] = {}
        self._room = max(_MOST_READ, _MOST_TIMES * len(raw))
        root = bytes(msgspec.json.decode(raw, type=msgspec.Raw))
        self._root = self._open(root, is_hot=is_hot(root))
        self._before, _, self._after = raw.partition(self._root.raw)

    @property
    def value(self) -> Any:
        """What the text says, floats as `Decimal`."""
        return self._root.value

    def close(self, value: Any) -> bytes:
        """The text of what `value` has been changed to; what is the same object is as it was."""
        return self._before + _written(self._root, value) + self._after

    def is_respelled(self, value: Any) -> bool:
        """Whether an object of this text is written in no style that is known."""
        found = self._by_identity.get(id(value))
        return found is not None and style_of(found.raw, found.value) is None

    def _open(self, raw: bytes, *, is_hot: bool) -> _Opened:
        if raw[:1] == b'"':
            return _Opened(raw, self._hold(_DECODER.decode(raw)))
        self._room -= len(raw)
        if raw[0] not in _CONTAINERS or not is_hot or self._room < 0:
            is_read = raw[0] in _SCALARS or not self._keeps_raw
            return _Opened(raw, _DECODER.decode(raw) if is_read else msgspec.Raw(raw))
        members: dict[str | int, msgspec.Raw]
        if raw[:1] == b"{":
            members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        else:
            members = dict(enumerate(msgspec.json.decode(raw, type=list[msgspec.Raw])))
        values = {}
        children = {}
        for name, member in members.items():
            text = bytes(member)
            is_hot = self._is_hot(text)
            opened = self._open(text, is_hot=is_hot)
            values[name] = opened.value
            if is_hot:
                children[name] = opened
        if not _locate(raw, members, children):
            children.clear()
        value = values if raw[:1] == b"{" else list(values.values())
        way = _Opened(raw, value, children=children)
        self._by_identity[id(way.value)] = way  # for as long as this holds the value itself
        return way


def _locate(
    raw: bytes, members: Mapping[str | int, msgspec.Raw], children: Mapping[str | int, _Opened]
) -> bool:
    """Tell the children where they begin; False if a name stands twice, as the last one counts."""
    before = _BEFORE_MEMBER if raw[:1] == b"{" else _BEFORE_ITEM
    position = 0
    for name, member in members.items():
        gap = before.match(raw, position)
        text = bytes(member)
        if gap is None or not raw.startswith(text, gap.end()):
            return False
        if name in children:
            children[name].start = gap.end()
        position = gap.end() + len(text)
    end = _CLOSING.match(raw, position)
    return end is not None and end.end() == len(raw)


def _written(opened: _Opened, value: Any) -> bytes:
    """The JSON of what an opened value has become."""
    old = opened.value
    if value is old:
        return opened.raw
    if isinstance(value, str) and isinstance(old, str):
        return _string(opened.raw, old, value)
    changed = _changed(old, value)
    if changed is None or not changed <= opened.children.keys():
        style = None if isinstance(value, Respelled) else style_of(opened.raw, old)
        if style is not None:
            return write(value, style).encode()
        text = write(value, _COMPACT)
        # A space where no writer puts one: `style_of` knows of no such style.
        return f"{text[:1]} {text[1:]}".encode() if isinstance(old, dict) else text.encode()
    parts = []
    copied = 0
    for name, child in opened.children.items():
        parts += [opened.raw[copied : child.start], _written(child, value[name])]
        copied = child.start + len(child.raw)
    return b"".join([*parts, opened.raw[copied:]])


def _changed(old: Any, new: Any) -> set[str | int] | None:
    """Which members of a container changed; None if it is not the same container any more."""
    if isinstance(old, dict) and isinstance(new, Mapping) and not isinstance(new, Respelled):
        if list(old) != list(new):
            return None
        return {name for name in old if old[name] is not new[name]}
    if isinstance(old, list) and isinstance(new, list | tuple) and len(old) == len(new):
        return {index for index, item in enumerate(old) if item is not new[index]}
    return None


def _string(raw: bytes, old: str, new: str) -> bytes:
    """A string in the spelling of another; what both begin and end with stays as it was."""
    text = raw.decode()
    for is_ascii in (False, True):
        if json.dumps(old, ensure_ascii=is_ascii) == text:
            return json.dumps(new, ensure_ascii=is_ascii).encode()
    start = 0
    shortest = min(len(old), len(new))
    while start < shortest and old[start] == new[start]:
        start += 1
    end = 0
    while end < shortest - start and old[-1 - end] == new[-1 - end]:
        end += 1
    between = json.dumps(new[start : len(new) - end], ensure_ascii=text.isascii())[1:-1]
    first, last = _written_at(text, start), _written_at(text, len(old) - end)
    return (text[:first] + between + text[last:]).encode()


def _written_at(text: str, index: int) -> int:
    """Where in the JSON of a string its character at `index` is written."""
    position, seen = 1, 0
    for escape in _ESCAPES.finditer(text):
        plain = escape.start() - position
        if seen + plain >= index:
            break
        seen += plain + 1
        position = escape.end()
    return position + index - seen


def style_of(raw: bytes, value: Any) -> Style | None:
    """The style in which writing `value` gives `raw`; None if there is none."""
    text = raw.decode()
    level, last = _LEVEL.match(raw), _LAST_LINE.search(raw)
    styles: tuple[Style, ...] = _STYLES
    if level and last:
        base = last[1].decode()
        indent = len(level[1]) - len(base)
        styles = (
            Style(",", ": ", is_ascii=True, indent=indent, base=base),
            Style(",", ": ", indent=indent, base=base),
        )
    return next((style for style in styles if write(value, style) == text), None)


def write(value: Any, style: Style, level: int = 1) -> str:
    """The JSON of a value in a style."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=style.is_ascii)
    if isinstance(value, Mapping):
        items = [
            json.dumps(name, ensure_ascii=style.is_ascii)
            + style.colon
            + write(member, style, level + 1)
            for name, member in value.items()
        ]
        return _wrapped("{}", items, style, level)
    if isinstance(value, list | tuple):
        return _wrapped("[]", [write(item, style, level + 1) for item in value], style, level)
    if isinstance(value, bool | int | None):
        return json.dumps(value)
    return _ENCODER.encode(value).decode()


def _wrapped(brackets: str, items: list[str], style: Style, level: int) -> str:
    if style.indent is None or not items:
        return brackets[0] + style.comma.join(items) + brackets[1]
    inner = "\n" + style.base + " " * (style.indent * level)
    outer = "\n" + style.base + " " * (style.indent * (level - 1))
    return brackets[0] + inner + (style.comma + inner).join(items) + outer + brackets[1]


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
