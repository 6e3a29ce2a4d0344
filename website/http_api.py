"""The page of the OpenAPI description, which tests/integration/test_openapi.py checks."""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from website.paths import ROOT
from website.tables import cell, constraints, table

__all__ = ["openapi_page"]

DESCRIPTION: Final = ROOT / "spec" / "openapi.yaml"
METHODS: Final = ("get", "head", "put", "post", "patch", "delete")

Node = dict[str, Any]


def openapi_page() -> str:
    """The description as tables: each operation's parameters, body and answers."""
    document = yaml.safe_load(DESCRIPTION.read_text("utf-8"))
    return "\n\n".join(part for part in _Page(document).parts() if part) + "\n"


class _Page:
    def __init__(self, document: Node) -> None:
        self._document = document

    def parts(self) -> Iterator[str]:
        yield "# OpenAPI"
        yield cell(self._document["info"]["summary"])
        yield (
            "This page is made from [the OpenAPI 3.1 description](../files/spec/openapi.yaml.txt). "
            "[HTTP](http.md) says the same in prose, with an example of each route."
        )
        for tag in self._document["tags"]:
            yield f"## {tag['name'].capitalize()}"
            for path, item in self._document["paths"].items():
                for method in METHODS:
                    if tag["name"] in item.get(method, {}).get("tags", ()):
                        yield from self._operation(method, path, item)
        yield "## Schemas"
        for name, schema in self._document["components"]["schemas"].items():
            yield from self._schema(name, schema)
        yield "## Who asks"
        yield table(
            ["name", "where", "meaning"],
            [
                [f"`{scheme['name']}`", scheme["in"], scheme["description"]]
                for scheme in self._document["components"]["securitySchemes"].values()
            ],
        )

    def _operation(self, method: str, path: str, item: Node) -> Iterator[str]:
        operation = item[method]
        yield f"### `{method.upper()} {path}`"
        yield cell(operation["summary"])
        yield cell(operation.get("description", ""))
        declared = [*item.get("parameters", ()), *operation.get("parameters", ())]
        parameters = [self._resolve(parameter) for parameter in declared]
        if parameters:
            yield table(
                ["parameter", "in", "value", "required", "meaning"],
                [
                    [
                        f"`{one['name']}`",
                        one["in"],
                        self._value(one["schema"]),
                        "yes" if one.get("required") else "",
                        one.get("description", ""),
                    ]
                    for one in parameters
                ],
            )
        if "requestBody" in operation:
            yield from self._contents(
                self._resolve(operation["requestBody"]).get("content", {}), "Body"
            )
        yield self._answers(operation["responses"])
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:  # a shared one is the same everywhere: a schema below
                yield from self._contents(answer.get("content", {}), f"{status}:")

    def _answers(self, responses: Node) -> str:
        rows = []
        for status, answer in responses.items():
            said = self._resolve(answer)
            names = ", ".join(f"`{name}`" for name in said.get("headers", {}))
            types = ", ".join(f"`{kind}`" for kind in said.get("content", {}))
            rows.append([f"`{status}`", said["description"], types, names])
        return table(["answer", "meaning", "media type", "headers"], rows)

    def _contents(self, content: Node, title: str) -> Iterator[str]:
        for kind, media in content.items():
            schema = media.get("schema")
            if schema is None:
                continue
            value = self._value(schema) or "anything"
            yield f"{title} `{kind}`, {value}. {cell(schema.get('description', ''))}".rstrip()
            yield self._members(schema)

    def _schema(self, name: str, schema: Node) -> Iterator[str]:
        yield f"### `{name}`"
        yield cell(schema.get("description", ""))
        yield self._members(schema) or f"A value of type {self._value(schema)}."

    def _members(self, schema: Node) -> str:
        items = schema.get("items")
        if isinstance(items, dict):
            return self._members(items)
        required = set(schema.get("required", ()))
        rows = [
            [
                f"`{name}`",
                self._value(member),
                "yes" if name in required else "",
                member.get("description", ""),
            ]
            for name, member in schema.get("properties", {}).items()
        ]
        return table(["member", "value", "required", "meaning"], rows) if rows else ""

    def _value(self, schema: Node) -> str:
        name = schema.get("$ref", "").rpartition("/")[2]
        if name in self._document["components"]["schemas"]:
            return f"[`{name}`](#{name.lower()})"
        return constraints(schema)

    def _resolve(self, node: Node) -> Node:
        """What a reference within the document leads to."""
        while "$ref" in node:
            found: Any = self._document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            node = found
        return node
