"""Read edits from a model's JSON, and describe what they do. Pure."""

from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec

from coatcheck.edits.operations import MAX_EDGE, Edit
from coatcheck.edits.placing import Size, canvas
from coatcheck.errors import InvalidInputError
from coatcheck.mediatype import IMAGE_TYPES
from coatcheck.reference import MediaReference, clean_text
from coatcheck.variants import VECTOR_TYPES

MAX_EDITS: Final = 10
"""Most operations in one edit."""

_OPERATIONS: Final[dict[str, type[Edit]]] = {kind.__name__.lower(): kind for kind in get_args(Edit)}
_TOLD_WEIGHT: Final = 240  # what of a message a model reads; it may quote what the model made up


def parse_edits(value: object) -> tuple[Edit, ...]:
    """Read a list of operations, each a JSON object such as ``{"operation": "grayscale"}``.

    Numbers may be written as text, because models do that.

    Args:
        value: the JSON value that a model or a client wrote.

    Raises:
        InvalidInputError: an operation is unknown, or a parameter is missing, unknown or out of its
            range; the message says which and what is allowed.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        raise InvalidInputError(
            'edits is a list of operations, such as [{"operation": "crop", "aspect": "square"}].'
        )
    if len(value) > MAX_EDITS:
        raise InvalidInputError(f"edits has {len(value)} operations; {MAX_EDITS} are the most.")
    return tuple(_parse(item, number) for number, item in enumerate(value))


def to_json(edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Return edits as JSON that `parse_edits` reads.

    Args:
        edits: the operations, in order.
    """
    written: list[dict[str, Any]] = msgspec.to_builtins(list(edits))
    return written


def edits_schema() -> dict[str, Any]:
    """Return a JSON Schema of what `parse_edits` reads, for the definition of a tool."""
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_EDITS,
        "items": {"anyOf": [_schema(kind) for kind in _OPERATIONS.values()]},
    }


def walk(edits: Sequence[Edit], size: Size) -> list[Size]:
    """Return the size of a picture of `size` after each edit.

    Args:
        edits: the operations, in order.
        size: width and height of the picture in pixels.

    Raises:
        InvalidInputError: an edit does not fit the picture; the message says which and why.
    """
    sizes = []
    for number, edit in enumerate(edits):
        try:
            size = edit.size_after(size)
        except InvalidInputError as error:
            raise _refused(number, edit, error.message) from error
        if max(size) > MAX_EDGE:
            raise _refused(
                number, edit, f"the result is {size[0]}×{size[1]}; an edge may have {MAX_EDGE:,}"
            )
        sizes.append(size)
    return sizes


def edited_size(edits: Sequence[Edit], reference: MediaReference) -> Size:
    """Return the width and height in pixels of the result of `MediaStore.edit`.

    Args:
        edits: the operations, in order.
        reference: the media.

    Raises:
        InvalidInputError: the media is not an image, or an edit does not fit it; the message says
            which.
    """
    if (
        reference.mime_type not in IMAGE_TYPES
        or reference.width is None
        or reference.height is None
    ):
        raise InvalidInputError("This media is no picture; only pictures can be edited.")
    is_vector = reference.mime_type in VECTOR_TYPES
    start = canvas((reference.width, reference.height), is_vector=is_vector)
    return [start, *walk(edits, start)][-1]


def summarize(edits: Sequence[Edit]) -> str:
    """Describe what the edits do, in a few words: ``darker, cropped to 1:1``.

    Args:
        edits: the operations, in order.
    """
    return ", ".join(edit.words for edit in edits)


def _parse(item: object, number: int) -> Edit:
    name = item.get("operation") if isinstance(item, dict) else None
    kind = _OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidInputError(
            f"edits[{number}] is an object whose operation is one of {', '.join(_OPERATIONS)}."
        )
    try:
        # Not strict: a model that writes "0.5" means 0.5.
        return msgspec.convert(item, kind, strict=False)
    except (msgspec.ValidationError, InvalidInputError) as error:
        told = clean_text(str(error).replace("`", ""), _TOLD_WEIGHT)
        raise InvalidInputError(
            f"edits[{number}]: {told}. A {name} takes {_parameters(kind)}."
        ) from error


def _parameters(kind: type[Edit]) -> str:
    """The parameters of an operation and what they may be, for a message."""
    told = []
    for name, schema in _schema(kind)["properties"].items():
        if name == "operation":
            continue
        if "enum" in schema:
            told.append(f"{name} ({' | '.join(schema['enum'])})")
        elif "minimum" in schema and schema["maximum"] <= MAX_EDGE:
            told.append(f"{name} ({schema['minimum']:g} to {schema['maximum']:g})")
        else:
            told.append(name)
    return ", ".join(told) or "no parameters"


def _schema(kind: type[Edit]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([kind])
    lean: dict[str, Any] = _lean(components[kind.__name__])
    return lean


def _lean(schema: Any) -> Any:
    """The schema without what costs a model tokens and tells it nothing."""
    if isinstance(schema, list):
        return [_lean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    match schema:
        case {"anyOf": [dict(kind), {"type": "null"}], **_rest}:
            return _lean(kind)  # leaving a parameter out is how a model says null
        case {"description": str(text)}:
            schema = schema | {"description": " ".join(text.replace("`", "").split())}
    return {
        name: _lean(value)
        for name, value in schema.items()
        if not (name == "default" and value is None) and not (name == "title" and "type" in schema)
    }


def _refused(number: int, edit: Edit, reason: str) -> InvalidInputError:
    return InvalidInputError(f"edits[{number}] ({type(edit).__name__.lower()}): {reason}.")
