"""Python objects in payloads: what is inside them, and pictures of two libraries.

A library is looked for among the modules that are imported already: an object of it can only be
there if it is.
"""

import dataclasses
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from coatcheck.errors import UnprocessableMediaError

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"})


def members_of(value: Any) -> Mapping[str, Any] | None:
    """The members of a dataclass, a pydantic model or a msgspec struct; None for any other value.

    A pydantic model is taken as it goes to JSON, by its aliases: frameworks are known by those.
    """
    if isinstance(value, pydantic_models()):
        return _dump(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return value
    return None


def _dump(model: Any) -> Mapping[str, Any]:
    try:
        dumped: Mapping[str, Any] = model.model_dump(mode="json", by_alias=True)
    except ValueError:  # binary in a field that is not meant for JSON
        dumped = model.model_dump(by_alias=True)
    return dumped


def without_unset_nulls(value: Any, members: Any, changed: Any) -> Any:
    """Return what became of an object, without the nulls that its pydantic models were not given.

    SDKs do not send those either: a client that joins deltas takes a null for a new value.

    Args:
        value: the object.
        members: what `members_of` made of it.
        changed: these, with other values in the place of media.
    """
    if not isinstance(value, pydantic_models()):
        return changed
    model: Any = value
    given = model.model_dump(by_alias=True, exclude_unset=True, warnings=False)
    return _without_nulls(changed, members, given)


def _without_nulls(changed: Any, members: Any, given: Any) -> Any:
    if isinstance(changed, Mapping) and isinstance(members, Mapping):
        given = given if isinstance(given, Mapping) else {}
        return {
            name: _without_nulls(value, members.get(name), given.get(name))
            for name, value in changed.items()
            if value is not None or name in given or name not in members
        }
    if isinstance(changed, list) and isinstance(members, list) and len(changed) == len(members):
        given = given if isinstance(given, list) and len(given) == len(members) else members
        return [_without_nulls(*three) for three in zip(changed, members, given, strict=True)]
    return changed


def pydantic_models() -> tuple[type, ...]:
    """What `isinstance` knows pydantic's models by; empty where pydantic is not imported."""
    pydantic = sys.modules.get("pydantic.main")
    return () if pydantic is None else (pydantic.BaseModel,)


def picture_of(value: Any) -> Callable[[], bytes] | None:
    """How to encode a Pillow image or a matplotlib figure as PNG; None for any other value.

    Encoding takes a while: call it away from the event loop.
    """
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(value, pillow.Image):
        return lambda: _encode(lambda file: _writable(value).save(file, format="png"))
    matplotlib = sys.modules.get("matplotlib.figure")
    if matplotlib is not None and isinstance(value, matplotlib.Figure):
        return lambda: _encode(lambda file: value.savefig(file, format="png"))
    return None


def _writable(image: Any) -> Any:
    return image if image.mode in _PNG_MODES else image.convert("RGB")


def _encode(write: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    try:
        write(file)
    except Exception as error:  # foreign code: whatever it raises, there is no picture
        raise UnprocessableMediaError("The picture cannot be encoded.") from error
    return file.getvalue()
