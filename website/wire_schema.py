"""The page of the wire format's JSON Schema."""

import json
from typing import Any, Final

from website.paths import ROOT
from website.tables import cell, constraints, table

__all__ = ["schema_page"]

SCHEMA: Final = ROOT / "spec" / "reference.schema.json"


def schema_page() -> str:
    """The schema as tables, with its source below."""
    source = SCHEMA.read_text("utf-8")
    schema = json.loads(source)
    parts = [
        "# JSON Schema of a reference",
        cell(schema["description"]),
        (
            "This page is made from [the schema](../files/spec/reference.schema.json), which the "
            "tests of both languages check [the wire format](wire.md) with."
        ),
    ]
    for name, definition in schema["$defs"].items():
        parts += [f"## `{name}`", cell(definition.get("description", "")), *_members(definition)]
    parts += ["## Source", f"```json\n{source.rstrip()}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def _members(definition: dict[str, Any]) -> list[str]:
    required = set(definition.get("required", ()))
    rows = [
        [
            f"`{name}`",
            constraints(member),
            "yes" if name in required else "",
            member.get("description", ""),
        ]
        for name, member in definition.get("properties", {}).items()
    ]
    below = (
        f"What `{definition['$ref'].rpartition('/')[2]}` says, and:" if "$ref" in definition else ""
    )
    return [below, table(["member", "value", "required", "meaning"], rows)] if rows else []
