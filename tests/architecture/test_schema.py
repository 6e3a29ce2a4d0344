"""``spec/reference.schema.json`` says what `MediaReference.from_stored` does, no more, no less."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from coatcheck import reference as module
from coatcheck.errors import InvalidInputError
from coatcheck.reference import MediaReference, MediaUrls

SPEC: Final = Path(__file__).parents[2] / "spec"
SCHEMA: Final[dict[str, Any]] = json.loads((SPEC / "reference.schema.json").read_text("utf-8"))
VECTORS: Final[dict[str, Any]] = json.loads((SPEC / "vectors/references.json").read_text("utf-8"))
STORED: Final[dict[str, Any]] = SCHEMA["$defs"]["stored"]
UI: Final[dict[str, Any]] = SCHEMA["$defs"]["ui"]
TYPICAL: Final[dict[str, Any]] = VECTORS["valid"][0]["reference"]

BEYOND_JSON_SCHEMA: Final = {"the uri of another id"}

COMPLETE: Final = MediaReference(
    id=TYPICAL["id"],
    mime_type="video/mp4",
    size=1,
    digest=TYPICAL["digest"],
    width=1,
    height=1,
    duration=1.5,
    display_name="a.mp4",
    placeholder=TYPICAL["placeholder"],
    alt="a film",
    opaque=True,
)


IS_VALID: Final = validator_for(SCHEMA).is_valid
IS_VALID_UI: Final = validator_for({**SCHEMA, "$ref": "#/$defs/ui"}).is_valid


def is_accepted(value: object) -> bool:
    try:
        MediaReference.from_stored(value)
    except InvalidInputError:
        return False
    return True


def names(vectors: str) -> list[Any]:
    return [
        pytest.param(vector["reference"], id=vector["name"])
        for vector in VECTORS[vectors]
        if vector["name"] not in BEYOND_JSON_SCHEMA
    ]


@pytest.mark.parametrize("reference", names("valid"))
def test_a_valid_vector_validates(reference: Any) -> None:
    assert IS_VALID(reference)
    assert IS_VALID_UI(reference) == ("url" in reference)


@pytest.mark.parametrize("reference", names("invalid"))
def test_an_invalid_vector_is_refused(reference: Any) -> None:
    assert not IS_VALID(reference)
    assert not IS_VALID_UI(reference)


@pytest.mark.parametrize("reference", names("invalidUrls"))
def test_an_unsafe_url_is_refused_in_the_ui_form(reference: Any) -> None:
    assert IS_VALID(reference), "the stored form has no URL to look at"
    assert not IS_VALID_UI(reference)


def test_the_rule_beyond_json_schema_is_kept_by_the_reader() -> None:
    left_out = [v["reference"] for v in VECTORS["invalid"] if v["name"] in BEYOND_JSON_SCHEMA]
    assert len(left_out) == len(BEYOND_JSON_SCHEMA)
    assert not any(is_accepted(reference) for reference in left_out)


def test_the_members_are_those_that_are_written() -> None:
    assert list(STORED["properties"]) == list(COMPLETE.to_stored())
    minted = [name for name in COMPLETE.to_ui(MediaUrls()) if name not in STORED["properties"]]
    assert [*minted, "variants"] == list(UI["properties"])
    bare = MediaReference(
        id=TYPICAL["id"], mime_type="text/plain", size=1, digest=TYPICAL["digest"]
    )
    assert STORED["required"] == list(bare.to_stored())
    assert UI["required"] == [name for name in bare.to_ui(MediaUrls()) if name == "url"]


@pytest.mark.parametrize(
    ("member", "pattern"),
    [
        ("id", module._UUID4.pattern),
        ("uri", module.URI_SCHEME + module._UUID4.pattern),
        ("mimeType", module._MEDIA_TYPE.pattern),
        ("digest", module._DIGEST.pattern),
    ],
)
def test_the_patterns_are_those_of_the_reader(member: str, pattern: str) -> None:
    assert STORED["properties"][member]["pattern"] == f"^{pattern}$"


VALUES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 1_000_000, 1_000_001]),
    # JSON Schema counts 2.0 as an integer; Coatcheck does not write it and refuses it.
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not value.is_integer()),
    st.text(),
    st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode()),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(), st.integers(), max_size=2),
)


BOUNDARIES: Final = [
    *(None, True, "", "x", [], {}, 0, 1, -1, 0.0, 0.5, -0.5, 999_999, 1_000_000, 1_000_001),
    *("image/" + "x" * length for length in (0, 1, 101, 102)),
    *("x" * length for length in range(40)),
    *(base64.b64encode(bytes(length)).decode() for length in range(30)),
    *(TYPICAL[name] for name in ("id", "uri", "digest")),
    *(TYPICAL[name] + "\n" for name in ("id", "uri", "digest", "mimeType", "placeholder")),
    *(TYPICAL[name].upper() for name in ("id", "uri", "digest", "mimeType")),
]


@pytest.mark.parametrize("member", STORED["properties"])
def test_schema_and_reader_agree_at_the_boundaries_of_each_member(member: str) -> None:
    for value in BOUNDARIES:
        changed = COMPLETE.to_stored() | {member: value}
        assert IS_VALID(changed) == is_accepted(changed), value


@given(st.sampled_from(sorted(STORED["properties"])), VALUES)
def test_schema_and_reader_agree_on_any_value_of_any_member(member: str, value: Any) -> None:
    changed = COMPLETE.to_stored() | {member: value}
    assert IS_VALID(changed) == is_accepted(changed)


@given(st.sets(st.sampled_from(sorted(STORED["properties"]))))
def test_schema_and_reader_agree_on_which_members_may_be_absent(absent: set[str]) -> None:
    rest = {name: value for name, value in COMPLETE.to_stored().items() if name not in absent}
    assert IS_VALID(rest) == is_accepted(rest)
