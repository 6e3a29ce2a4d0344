"""What the model without a network makes of what people type."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.edits import parse_edits
from coatcheck.errors import InvalidInputError
from coatcheck_chat.agent.offline import CallTool, Speak, answer, conclude, pictures_in
from coatcheck_chat.agent.tools import ASPECT_RATIOS
from coatcheck_chat.painter.plotting import compile_expression

OLD = "9188cc90-b172-47e9-b493-4e22175bd478"
NEW = "0f8fad5b-d9cb-469f-a165-70867728950e"
NEWEST = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
DARKER = {"operation": "brightness", "factor": 0.6}
SOON = {"operation": "text", "text": "SOON"}


def draws(prompt: str, **arguments: Any) -> CallTool:
    return CallTool("generate_image", {"prompt": prompt, **arguments})


def plots(expression: str, **arguments: Any) -> CallTool:
    return CallTool("plot", {"expression": expression, **arguments})


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("draw a lighthouse at dusk", draws("a lighthouse at dusk")),
        ("Draw a lighthouse at dusk.", draws("a lighthouse at dusk")),
        ("DRAW A CAT!", draws("A CAT")),
        ("  please   draw\n a cat  ", draws("a cat")),
        ("Can you paint mountains?", draws("mountains")),
        ("could you please sketch me a boat", draws("a boat")),
        ("Hi, draw a boat", draws("a boat")),
        ("now make us a sunset", draws("a sunset")),
        ("create an image of the sea", draws("the sea")),
        ("generate a picture with two boats", draws("two boats")),
        ("show me a forest", draws("a forest")),
        ("imagine a harbour", draws("a harbour")),
        ("draw 灯台", draws("灯台")),
        ("draw a cat 16:9", draws("a cat", aspect_ratio="16:9")),
        ("draw a cat in 9:16, seed 7", draws("a cat", aspect_ratio="9:16", seed=7)),
        ("draw a cat, 800x600", draws("a cat", width=800, height=600)),
        ("draw a cat 800 × 600 seed: 3", draws("a cat", width=800, height=600, seed=3)),
        ("draw a cat with seed=12", draws("a cat", seed=12)),
        ("draw a cat 9999x9999", draws("a cat", width=9999, height=9999)),
        ("draw a clock at 5:7", draws("a clock at 5:7")),
        ("draw", draws("")),
        ("draw .", draws("")),
        ("a lighthouse at dusk", draws("a lighthouse at dusk")),
        ("A picture of the sea, 16:9", draws("the sea", aspect_ratio="16:9")),
    ],
)
def test_a_wish_for_a_picture_calls_the_painter(said: str, done: CallTool) -> None:
    assert answer(said) == done


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("plot sin(x)/x", plots("sin(x)/x")),
        ("Plot sin(x)/x.", plots("sin(x)/x")),
        ("plot me the function x^2", plots("x^2")),
        ("please plot x^2", plots("x^2")),
        ("graph of cos(x)", plots("cos(x)")),
        ("graph cos(x)", plots("cos(x)")),
        ("plot y = 2x+1", plots("y = 2x+1")),
        ("plot x from -20 to 20", plots("x", x_min=-20.0, x_max=20.0)),
        ("plot x^2 between 0 and 1.5", plots("x^2", x_min=0.0, x_max=1.5)),
        ("plot x, for x from .5 to 1e3", plots("x", x_min=0.5, x_max=1000.0)),
        ("draw plot of x^2", plots("x^2")),
        ("draw a plot of x^2", plots("x^2")),
        ("draw graph of x^2", plots("x^2")),
        ("draw the graph of x^2 from 0 to 1", plots("x^2", x_min=0.0, x_max=1.0)),
        ("show me the graph of sin(x)", plots("sin(x)")),
        ("plot", plots("")),
    ],
)
def test_a_wish_for_a_graph_calls_the_plotter(said: str, done: CallTool) -> None:
    assert answer(said) == done


@pytest.mark.parametrize(
    ("said", "beginning"),
    [
        ("hello", "Hello!"),
        ("Good morning", "Hello!"),
        ("thanks, lovely", "I am glad"),
        ("what can you do?", "I draw pictures"),
        ("", "I draw pictures"),
        ("help", "I draw pictures"),
        ("?", "I draw pictures"),
        ("withdraw my money", "I do not understand *withdraw my money*. I draw pictures"),
        ("photograph", "I do not understand *photograph*. I draw"),
        ("the weather today?", "I do not understand *the weather today?*. I draw"),
        ("tell me **all** of it", "I do not understand *tell me all of it*."),
        ("why " * 40, "I do not understand *why why"),
    ],
)
def test_small_talk_is_answered_in_words(said: str, beginning: str) -> None:
    done = answer(said)
    assert isinstance(done, Speak)
    assert done.text.startswith(beginning)


@pytest.mark.parametrize("ratio", sorted(ASPECT_RATIOS))
def test_every_aspect_ratio_is_understood(ratio: str) -> None:
    assert answer(f"draw the sea {ratio}") == draws("the sea", aspect_ratio=ratio)


def test_what_it_says_it_can_do_it_does() -> None:
    assert isinstance(answer("Draw a lighthouse at dusk"), CallTool)
    example = answer("Plot sin(x)/x from -20 to 20")
    assert isinstance(example, CallTool)
    compile_expression(example.arguments["expression"])


# --- changes to the picture before ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "edits"),
    [
        (
            "make it darker and crop to a square",
            [DARKER, {"operation": "crop", "aspect": "square"}],
        ),
        (
            "Crop to a square, and make it darker.",
            [{"operation": "crop", "aspect": "square"}, DARKER],
        ),
        ("can you make it darker?", [DARKER]),
        ("please darken the picture", [DARKER]),
        ("a bit darker", [{"operation": "brightness", "factor": 0.8}]),
        ("make it much brighter", [{"operation": "brightness", "factor": 2.0}]),
        ("nice, brighter please", [{"operation": "brightness", "factor": 1.5}]),
        ("more contrast", [{"operation": "contrast", "factor": 1.4}]),
        ("less contrast", [{"operation": "contrast", "factor": 0.7}]),
        ("more colorful", [{"operation": "saturation", "factor": 1.6}]),
        ("black and white", [{"operation": "grayscale"}]),
        ("turn it into black and white", [{"operation": "grayscale"}]),
        ("show it in black & white", [{"operation": "grayscale"}]),
        ("blur it", [{"operation": "blur"}]),
        ("flip", [{"operation": "flip", "direction": "horizontal"}]),
        ("flip it vertically", [{"operation": "flip", "direction": "vertical"}]),
        ("rotate it", [{"operation": "rotate", "degrees": 90.0}]),
        ("rotate it left", [{"operation": "rotate", "degrees": -90.0}]),
        ("turn it upside down", [{"operation": "rotate", "degrees": 180.0}]),
        ("rotate it by 30° counter-clockwise", [{"operation": "rotate", "degrees": -30.0}]),
        ("crop it to 16:9", [{"operation": "crop", "aspect": "16:9"}]),
        ("make it square", [{"operation": "crop", "aspect": "square"}]),
        ("resize to 800x600", [{"operation": "resize", "width": 800, "height": 600}]),
        ("make it 512 pixels wide", [{"operation": "resize", "width": 512}]),
        ("make it smaller", [{"operation": "resize", "scale": 0.5}]),
        ("put the word HOME on it", [{"operation": "text", "text": "HOME"}]),
        ("put HOME on it", [{"operation": "text", "text": "HOME"}]),
        ("write hello world on the picture", [{"operation": "text", "text": "hello world"}]),
        (
            "write 'BLUR IT' at the top in red",
            [{"operation": "text", "text": "BLUR IT", "color": "red", "position": "top"}],
        ),
        (
            "add the text HOME in the bottom left corner",
            [{"operation": "text", "text": "HOME", "position": "bottom-left"}],
        ),
        (
            "put “灯台” in the middle",
            [{"operation": "text", "text": "灯台", "position": "center"}],
        ),
        ("blur it, then put the word SOON on it", [{"operation": "blur"}, SOON]),
    ],
)
def test_a_wish_to_change_changes_the_last_picture(said: str, edits: list[dict[str, Any]]) -> None:
    assert answer(said, [OLD, NEW]) == CallTool("edit_image", {"id": NEW, "edits": edits})
    parse_edits(edits)  # the tool takes what it asks for
    nothing = answer(said)
    assert isinstance(nothing, Speak)
    assert "no picture yet" in nothing.text


@pytest.mark.parametrize(
    ("said", "prompt"),
    [
        ("draw a blurred lighthouse in black and white", "a blurred lighthouse in black and white"),
        ("make a darker sea", "a darker sea"),
        ("draw a square house", "a square house"),
        ("paint a boat that turns left", "a boat that turns left"),
    ],
)
def test_a_wish_for_a_new_picture_is_no_change(said: str, prompt: str) -> None:
    assert answer(said, [OLD]) == draws(prompt)


@pytest.mark.parametrize(
    "said", ["what do you see?", "What's in the picture?", "describe it", "what does it show"]
)
def test_a_question_about_the_picture_looks_at_the_last_one(said: str) -> None:
    assert answer(said, [OLD, NEW]) == CallTool("view_media", {"id": NEW})
    assert isinstance(answer(said), Speak)


@pytest.mark.parametrize(
    "said", ["list my pictures", "show me all my pictures", "which pictures are there?"]
)
def test_the_pictures_are_listed(said: str) -> None:
    assert answer(said, [OLD]) == CallTool("list_media")


@pytest.mark.parametrize(
    ("pictures", "back"),
    [
        ([OLD, NEW], OLD),
        ([OLD, NEW, NEWEST], NEW),
        ([OLD, NEW, NEWEST, NEW], OLD),  # undone once already
        ([OLD], None),
        ([OLD, NEW, OLD], None),
    ],
)
def test_undo_goes_back_to_the_picture_before(pictures: list[str], back: str | None) -> None:
    done = answer("undo", pictures)
    if back is None:
        assert isinstance(done, Speak)
        assert "no picture before" in done.text
    else:
        assert done == CallTool("show_media", {"id": back})


def test_an_attachment_s_caption_is_no_wish() -> None:
    line = f'[image {NEW} "draw a cat, darker" 10×10 png]'
    assert answer(f"{line} blur it", [OLD, NEW]) == CallTool(
        "edit_image", {"id": NEW, "edits": [{"operation": "blur"}]}
    )
    said = answer(line, [NEW])
    assert isinstance(said, Speak)


def test_pictures_are_found_in_what_a_model_is_given() -> None:
    text = (
        f"Image generated. [image {OLD} \"a [b] 'c'\" 1×1 png] [file {NEWEST} plain]"
        f" [image {NEW} svg+xml] [image 1234 png] {NEWEST}"
    )
    assert pictures_in(text.replace("[b]", "(b)")) == [OLD, NEW]


@given(st.text(max_size=200), st.lists(st.sampled_from([OLD, NEW]), max_size=3))
def test_anything_gets_an_answer(said: str, pictures: list[str]) -> None:
    done = answer(said, pictures)
    if isinstance(done, Speak):
        assert done.text
    else:
        assert done.name in {
            "generate_image",
            "edit_image",
            "view_media",
            "show_media",
            "list_media",
            "plot",
        }


WORDS = st.lists(
    st.sampled_from(
        (
            *("make", "it", "darker", "a", "bit", "crop", "to", "square", "16:9", "and", "999:1"),
            *("rotate", "left", "45°", "999°", "flip", "blur", "resize", "99999x99999", "1px"),
            *("put", "the", "word", "HOME", "write", "'x'", "on", "in", "red", "at", "top"),
        )
    ),
    max_size=14,
).map(" ".join)


@given(WORDS)
def test_whatever_edit_it_asks_for_can_be_read_or_is_refused_with_a_reason(said: str) -> None:
    done = answer(said, [OLD])
    if isinstance(done, CallTool) and done.name == "edit_image":
        try:
            assert parse_edits(done.arguments["edits"])
        except InvalidInputError as error:
            assert error.message.startswith("edits[")  # noqa: PT017 - most are no error


def test_a_long_message_that_repeats_itself_is_answered() -> None:
    fillers = ("please ", "draw ", " ", "1x", "1:", "seed ", "from 1 ", "a picture of ", "crop ")
    for filler in (*fillers, "put the word ", "'", "what pictures ", "turn it ", f"[image {OLD} "):
        for beginning in ("draw ", "plot ", "", "write "):
            assert isinstance(answer(beginning + filler * 4000, [OLD]), CallTool | Speak)


def test_after_a_tool_it_says_what_there_is_to_see() -> None:
    line = f'Image generated. [image {OLD} "a lighthouse" 1024×1024 png]'
    assert "*a lighthouse*" in conclude("generate_image", line, failed=False)
    plot = f'Plot drawn. [image {OLD} "plot of x" 1024×768 png]'
    assert "plot of x" in conclude("plot", plot, failed=False)
    assert "your picture" in conclude("generate_image", "Image generated.", failed=False)
    edited = f'Image edited. [image {OLD} "a lighthouse, darker" 64×64 png]'
    assert "*a lighthouse, darker*" in conclude("edit_image", edited, failed=False)


def test_it_says_what_the_picture_is_without() -> None:
    line = (
        "Image generated without bicycle, dragon, which the painter cannot draw."
        f' [image {OLD} "a bicycle, a dragon" 1280×720 png]'
    )
    said = conclude("generate_image", line, failed=False)
    assert "I have no bicycle and no dragon in my box." in said
    whole = f'Image generated. [image {OLD} "without end, which is long" 1280×720 png]'
    assert "in my box" not in conclude("generate_image", whole, failed=False)


def test_a_square_picture_is_offered_no_crop_to_a_square() -> None:
    square = f'Image generated. [image {OLD} "a sea" 1024×1024 png]'
    assert "crop" not in conclude("generate_image", square, failed=False)
    wide = f'Image generated. [image {OLD} "a sea" 1280×720 png]'
    assert "*crop to a square*" in conclude("generate_image", wide, failed=False)


def test_a_long_caption_is_cut_at_a_word() -> None:
    line = f'Image edited. [image {OLD} "a sea{", darker" * 30}" 64×64 png]'
    said = conclude("edit_image", line, failed=False)
    assert "darker…*" in said
    assert len(said) < 160


def test_after_undo_it_names_the_picture_that_is_meant() -> None:
    said = conclude("show_media", f'Shown. [image {OLD} "a sea" 64×64 png]', failed=False)
    assert "*a sea*" in said


def test_what_it_sees_is_what_is_known() -> None:
    line = f'Viewed. [image {OLD} "a sea" 1280×720 png] Colours: dark blue 61 %, orange 20 %.'
    said = conclude("view_media", line, failed=False)
    for known in ("*a sea*", "1280×720", "PNG", "dark blue 61 %, orange 20 %"):
        assert known in said
    bare = conclude("view_media", f"Viewed. [image {OLD} 1×1 png] Colours: none.", failed=False)
    assert "no caption" in bare


def test_a_list_is_told_newest_first() -> None:
    lines = f'2 of …:\n[image {NEW} "b" 2×2 png]\n[file {OLD} "notes.txt" plain]'
    said = conclude("list_media", lines, failed=False)
    assert said.splitlines()[2:] == ["1. *b*, 2×2", "2. *notes.txt*"]
    assert "no picture" in conclude("list_media", "There is no media.", failed=False)


def test_after_a_failure_it_says_why() -> None:
    said = conclude("generate_image", "The prompt is empty.", failed=True)
    assert "The prompt is empty." in said
