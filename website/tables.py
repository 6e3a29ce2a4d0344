"""Markdown tables, and what a JSON Schema asks of a value, in a few words."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

__all__ = ["cell", "code", "constraints", "table"]

LIMITS: Final = {
    "const": "{}",
    "pattern": "matches {}",
    "format": "format {}",
    "minimum": "≥ {:,}",
    "maximum": "≤ {:,}",
    "minLength": "at least {:,} characters",
    "maxLength": "at most {:,} characters",
    "minItems": "at least {:,} items",
    "maxItems": "at most {:,} items",
}
WORDS: Final = {"oneOf": " or ", "anyOf": " or ", "allOf": " and "}


def cell(text: str) -> str:
    """The text on one line that a table's cell may hold."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """The text as code, in a form that both readers of Markdown understand within a table.

    Args:
        text: any text of one line.
    """
    if "|" not in text:
        return f"`{text}`"
    return f"<code>{escape(text, quote=False).replace('|', '&#124;')}</code>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table without its columns that say nothing."""
    cells = [[cell(text) for text in row] for row in rows]
    used = [number for number in range(len(head)) if any(row[number] for row in cells)]
    lines = [
        [head[n] for n in used],
        ["---" for _ in used],
        *([row[n] for n in used] for row in cells),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def constraints(schema: dict[str, Any]) -> str:
    """What a schema says of a value: its type and its limits.

    Args:
        schema: a JSON Schema.
    """
    if "$ref" in schema:
        return code(schema["$ref"].rpartition("/")[2])
    kinds = schema.get("type", [])
    said = [kinds] if isinstance(kinds, str) else list(kinds)
    if "enum" in schema:
        said.append(", ".join(code(str(value)) for value in schema["enum"]))
    said += [
        word.join(map(constraints, schema[choice]))
        for choice, word in WORDS.items()
        if choice in schema
    ]
    if isinstance(schema.get("items"), dict):
        said.append(f"of {constraints(schema['items'])}")
    for name, words in LIMITS.items():
        if name in schema:
            value = schema[name]
            said.append(words.format(value if "," in words else code(str(value))))
    return ", ".join(said)
