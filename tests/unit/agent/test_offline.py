"""What the model without a network makes of what people type."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.agent.offline import CallTool, Speak, answer, conclude
from coatcheck.agent.plotting import compile_expression
from coatcheck.agent.tools import ASPECT_RATIOS


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
        ("withdraw my money", "I draw pictures"),
        ("photograph", "I draw pictures"),
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


@given(st.text(max_size=200))
def test_anything_gets_an_answer(said: str) -> None:
    done = answer(said)
    assert done.text if isinstance(done, Speak) else done.name in {"generate_image", "plot"}


def test_a_long_message_is_answered_as_fast_as_a_short_one() -> None:
    for filler in ("please ", "draw ", " ", "1x", "1:", "seed ", "from 1 ", "a picture of "):
        answer("draw " + filler * 4000)
        answer("plot " + filler * 4000)


def test_after_a_tool_it_says_what_there_is_to_see() -> None:
    line = 'Image generated. [image 9188cc90 "a lighthouse" 1024×1024 png]'
    assert "a lighthouse" in conclude("generate_image", line, failed=False)
    assert "plot of x" in conclude("plot", 'Plot drawn. [image 1 "plot of x" png]', failed=False)
    assert "your picture" in conclude("generate_image", "Image generated.", failed=False)


def test_after_a_failure_it_says_why() -> None:
    said = conclude("generate_image", "The prompt is empty.", failed=True)
    assert "The prompt is empty." in said
