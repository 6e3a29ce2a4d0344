"""What a model may write, what it is told when it writes something else, and what sizes follow."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.edits import (
    MAX_EDITS,
    Blur,
    Brightness,
    Crop,
    Flip,
    Grayscale,
    Resize,
    Rotate,
    Text,
    edits_schema,
    parse_edits,
    summarize,
)
from coatcheck.edits.operations import MAX_EDGE, MAX_TEXT
from coatcheck.edits.placing import Anchor
from coatcheck.edits.reading import to_json, walk
from coatcheck.errors import InvalidInputError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
EVERY: list[dict[str, Any]] = [
    {"operation": "crop", "aspect": "16:9", "anchor": "top"},
    {"operation": "crop", "left": 10, "top": 20, "width": 30, "height": 40},
    {"operation": "crop", "width": 0.5, "height": 1, "unit": "fraction"},
    {"operation": "resize", "width": 512},
    {"operation": "resize", "width": 64, "height": 32, "fit": "cover"},
    {"operation": "resize", "scale": 0.5},
    {"operation": "rotate", "degrees": -90},
    {"operation": "flip"},
    {"operation": "blur", "radius": 2},
    {"operation": "brightness", "factor": 0.6},
    {"operation": "contrast", "factor": 1.4},
    {"operation": "saturation", "factor": 0},
    {"operation": "grayscale"},
    {"operation": "text", "text": "HOME", "position": "top-left", "size": 0.1, "color": "#fa0"},
]


def one(**members: Any) -> Any:
    (edit,) = parse_edits([members])
    return edit


@pytest.mark.parametrize("written", EVERY, ids=json.dumps)
def test_each_operation_is_read_and_written(written: dict[str, Any]) -> None:
    edits = parse_edits([written])
    assert parse_edits(to_json(edits)) == edits
    assert parse_edits(json.loads(json.dumps(to_json(edits)))) == edits
    assert summarize(edits)


def test_numbers_that_a_model_writes_as_text_are_numbers() -> None:
    assert one(operation="brightness", factor="0.5") == Brightness(factor=0.5)
    assert one(operation="resize", width="512") == one(operation="resize", width=512.0)
    assert one(operation="resize", width=512, height=None, scale=None) == Resize(width=512)


REFUSED: list[tuple[Any, str]] = [
    (None, "edits is a list"),
    ([], "edits is a list"),
    ("crop", "edits is a list"),
    ({"operation": "grayscale"}, "edits is a list"),
    (["grayscale"], "crop, resize, rotate"),
    ([{}], "crop, resize, rotate"),
    ([{"operation": "sharpen"}], "crop, resize, rotate"),
    ([{"operation": ["crop"]}], "crop, resize, rotate"),
    ([{"operation": "grayscale"}] * (MAX_EDITS + 1), "11 operations; 10"),
    ([{"operation": "grayscale"}, {"operation": "blur", "radius": 101}], r"edits\[1\].*0.3 to 100"),
    ([{"operation": "grayscale", "factor": 1}], "unknown field factor.*no parameters"),
    ([{"operation": "brightness"}], "factor.*0 to 4"),
    ([{"operation": "brightness", "factor": 5}], "factor.*0 to 4"),
    ([{"operation": "brightness", "factor": -0.1}], "factor.*0 to 4"),
    ([{"operation": "brightness", "factor": "dark"}], "factor.*0 to 4"),
    ([{"operation": "brightness", "factor": "nan"}], "factor.*0 to 4"),
    ([{"operation": "brightness", "amount": 0.5}], "unknown field amount"),
    ([{"operation": "crop"}], "give aspect"),
    ([{"operation": "crop", "width": 10}], "give aspect"),
    ([{"operation": "crop", "aspect": "1:1", "width": 10, "height": 10}], "either aspect"),
    ([{"operation": "crop", "aspect": "wide"}], "such as '16:9'"),
    ([{"operation": "crop", "aspect": "0:1"}], "such as '16:9'"),
    ([{"operation": "crop", "aspect": "1000:1"}], "such as '16:9'"),
    ([{"operation": "crop", "aspect": "square", "anchor": "middle"}], "center"),
    ([{"operation": "crop", "width": 0.5, "height": 0.5}], "unit: 'fraction'"),
    ([{"operation": "crop", "width": 5, "height": 1, "unit": "fraction"}], "at most 1"),
    ([{"operation": "crop", "width": 0, "height": 10}], "width"),
    ([{"operation": "crop", "left": -1, "width": 1, "height": 10}], "left"),
    ([{"operation": "crop", "width": "inf", "height": 10}], "width"),
    ([{"operation": "resize"}], "give width, height or both"),
    ([{"operation": "resize", "width": 10, "scale": 2}], "give width, height or both"),
    ([{"operation": "resize", "width": 0}], f"1 to {MAX_EDGE}"),
    ([{"operation": "resize", "width": MAX_EDGE + 1}], f"1 to {MAX_EDGE}"),
    ([{"operation": "resize", "width": 10.5}], "width"),
    ([{"operation": "resize", "scale": 9}], "scale"),
    ([{"operation": "rotate"}], "degrees"),
    ([{"operation": "rotate", "degrees": 361}], "-360 to 360"),
    ([{"operation": "flip", "direction": "diagonal"}], "horizontal | vertical"),
    ([{"operation": "text"}], "text"),
    ([{"operation": "text", "text": ""}], "text"),
    ([{"operation": "text", "text": " \n\t"}], "the text is empty"),
    ([{"operation": "text", "text": "\u202e\u200b"}], "the text is empty"),
    ([{"operation": "text", "text": "x" * (MAX_TEXT + 1)}], "200"),
    ([{"operation": "text", "text": "x", "color": "ultraviolet"}], "black, white"),
    ([{"operation": "text", "text": "x", "color": "#12345"}], "black, white"),
    ([{"operation": "text", "text": "x", "size": 0}], "0.02 to 1"),
    ([{"operation": "text", "text": {"a": 1}}], "text"),
]


@pytest.mark.parametrize(("written", "told"), REFUSED, ids=lambda value: str(value)[:70])
def test_what_cannot_be_used_is_told_with_what_can(written: Any, told: str) -> None:
    """Attacks 10 and 11: no parameter is unbounded."""
    with pytest.raises(InvalidInputError, match=told):
        parse_edits(written)


@pytest.mark.parametrize(
    "written",
    [
        [{"operation": "x" * 100_000}],
        [{"operation": "crop", "aspect": "x" * 100_000}],
        [{"operation": "flip", "direction": "x" * 100_000}],
        [{"operation": "grayscale", "x" * 100_000: 1}],
        [{"operation": "text", "text": "a", "color": "灯" * 100_000}],
    ],
)
def test_a_refusal_does_not_repeat_what_a_model_made_up_at_length(written: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_edits(written)
    assert len(caught.value.message) < 700


@given(json_values)
def test_anything_is_read_or_refused(value: Any) -> None:
    for written in (value, [value], [{"operation": "crop", "aspect": value}]):
        try:
            assert parse_edits(written)
        except InvalidInputError:
            continue


def test_a_mistake_in_python_is_an_error_of_the_tree_too() -> None:
    with pytest.raises(InvalidInputError):
        Crop()
    with pytest.raises(InvalidInputError):
        Text(text="x", color="none")


# --- the schema ----------------------------------------------------------------------------------


def test_the_schema_describes_what_is_read_and_is_small() -> None:
    schema = edits_schema()
    kinds = {kind["properties"]["operation"]["enum"][0]: kind for kind in schema["items"]["anyOf"]}
    assert {written["operation"] for written in EVERY} == set(kinds)
    for written in EVERY:
        members = kinds[written["operation"]]
        assert set(written) <= set(members["properties"])
        assert members["additionalProperties"] is False
        assert set(members["required"]) <= set(written)
    assert "$ref" not in json.dumps(schema)  # it stands inside a tool's own schema
    assert len(json.dumps(schema)) < 5000


# --- sizes ---------------------------------------------------------------------------------------

SIZES: list[tuple[Any, tuple[int, int], tuple[int, int]]] = [
    (Crop(aspect="square"), (1280, 720), (720, 720)),
    (Crop(aspect="16:9"), (1000, 1000), (1000, 562)),
    (Crop(aspect="1:999"), (5, 5), (1, 5)),
    (Crop(width=10, height=20), (100, 100), (10, 20)),
    (Crop(width=0.25, height=0.001, unit="fraction"), (100, 100), (25, 1)),
    (Resize(width=640), (1280, 720), (640, 360)),
    (Resize(height=360), (1280, 720), (640, 360)),
    (Resize(width=100, height=100), (1280, 720), (100, 56)),
    (Resize(width=100, height=100, fit="cover"), (1280, 720), (100, 100)),
    (Resize(width=100, height=100, fit="stretch"), (1280, 720), (100, 100)),
    (Resize(scale=2), (10, 7), (20, 14)),
    (Resize(scale=0.001), (10, 7), (1, 1)),
    (Rotate(degrees=90), (1280, 720), (720, 1280)),
    (Rotate(degrees=-270), (1280, 720), (720, 1280)),
    (Rotate(degrees=180), (1280, 720), (1280, 720)),
    (Rotate(degrees=45), (100, 100), (141, 141)),
    (Flip(), (3, 4), (3, 4)),
    (Blur(), (3, 4), (3, 4)),
]


@pytest.mark.parametrize(("edit", "before", "after"), SIZES)
def test_a_size_is_known_before_anything_is_drawn(
    edit: Any, before: tuple[int, int], after: tuple[int, int]
) -> None:
    assert walk([edit], before) == [after]


@pytest.mark.parametrize(
    ("anchor", "corner"),
    [
        ("center", (35, 40)),
        ("top", (35, 0)),
        ("bottom", (35, 80)),
        ("left", (0, 40)),
        ("right", (70, 40)),
        ("top-left", (0, 0)),
        ("top-right", (70, 0)),
        ("bottom-left", (0, 80)),
        ("bottom-right", (70, 80)),
    ],
)
def test_a_box_is_placed_by_its_anchor(anchor: Anchor, corner: tuple[int, int]) -> None:
    crop = Crop(width=30, height=20, anchor=anchor)
    assert crop.box((100, 100)) == (*corner, 30, 20)
    assert Crop(width=30, height=20, left=5, anchor=anchor).box((100, 100))[:2] == (5, corner[1])


def test_an_edit_that_does_not_fit_the_picture_is_told_by_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"edits\[1\].*300×10 at 900.*1024×1024"):
        walk([Grayscale(), Crop(left=900, top=0, width=300, height=10)], (1024, 1024))
    with pytest.raises(InvalidInputError, match=r"edits\[0\].*8,192"):
        walk([Resize(scale=8)], (1025, 10))
    with pytest.raises(InvalidInputError, match=r"edits\[1\].*8,192"):
        walk([Resize(width=8192), Rotate(degrees=45)], (100, 100))


@given(
    st.sampled_from(EVERY),
    st.tuples(st.integers(1, MAX_EDGE), st.integers(1, MAX_EDGE)),
)
def test_a_result_has_pixels_and_lies_within_the_picture(
    written: dict[str, Any], size: tuple[int, int]
) -> None:
    (edit,) = parse_edits([written])
    try:
        ((width, height),) = walk([edit], size)
    except InvalidInputError:
        return
    assert 1 <= width <= MAX_EDGE
    assert 1 <= height <= MAX_EDGE
    if isinstance(edit, Crop):
        left, top, _, _ = edit.box(size)
        assert 0 <= left <= left + width <= size[0]
        assert 0 <= top <= top + height <= size[1]


@given(st.floats(-360, 360), st.integers(1, 4000), st.integers(1, 4000))
def test_the_box_around_a_turned_picture_holds_its_area(
    degrees: float, width: int, height: int
) -> None:
    across, down = Rotate(degrees=degrees).size_after((width, height))
    assert across * down >= width * height * 0.99 - 2 * max(width, height)
    assert math.hypot(across, down) <= 2 * math.hypot(width, height) + 2


# --- words ---------------------------------------------------------------------------------------


def test_edits_are_told_in_a_few_words() -> None:
    edits = parse_edits(
        [
            {"operation": "brightness", "factor": 0.6},
            {"operation": "crop", "aspect": "1:1"},
            {"operation": "text", "text": "HOME"},
            {"operation": "rotate", "degrees": -90},
            {"operation": "contrast", "factor": 1.5},
        ]
    )
    assert summarize(edits) == (
        "darker, cropped to a square, with the words 'HOME', rotated 90° counterclockwise,"
        " more contrast"
    )
