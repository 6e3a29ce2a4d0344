"""Expressions are arithmetic over x or they are refused; nothing of them is ever executed."""

import builtins
import io
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from coatcheck.errors import InvalidInputError
from coatcheck_chat.painter.plotting import MAX_EXPRESSION, compile_expression, draw_plot

INTERVAL: dict[str, Any] = {"x_min": -10.0, "x_max": 10.0, "title": None}


def value(expression: str, x: float) -> float:
    with np.errstate(all="ignore"):
        return float(compile_expression(expression)(np.float64(x)))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x", 3.0),
        ("7", 7.0),
        ("-x", -3.0),
        ("+x", 3.0),
        ("2x", 6.0),
        ("2 x", 6.0),
        ("2.5x", 7.5),
        (".5x", 1.5),
        ("x^2", 9.0),
        ("x**2", 9.0),
        ("-x^2", -9.0),
        ("2x^2", 18.0),
        ("2^x", 8.0),
        ("2(x+1)", 8.0),
        ("(x+1)(x-1)", 8.0),
        ("(x)2", 6.0),
        ("(x+1)x", 12.0),
        ("x % 2", 1.0),
        ("x/2", 1.5),
        ("1/0", math.inf),
        ("2pi", 2 * math.pi),
        ("e^x", math.e**3),
        ("tau/x", math.tau / 3),
        ("log(e)", 1.0),
        ("ln(e)", 1.0),
        ("log2(8)", 3.0),
        ("log10(100)", 2.0),
        ("sqrt(x)", math.sqrt(3)),
        ("abs(-x)", 3.0),
        ("sin(x)^2 + cos(x)^2", 1.0),
        ("2sin(x)cos(x)", math.sin(6)),
        ("floor(x/2)+ceil(x/2)", 3.0),
        ("y = x + 1", 4.0),
        ("y=x+1", 4.0),
        ("f(x) = x + 1", 4.0),
        ("  x  ", 3.0),
        ("1e3", 1000.0),
        ("1e3*x", 3000.0),
        ("1e-3*x", 0.003),
        ("2.5E+2x", 750.0),
        ("2e", 2 * math.e),
        ("9" * MAX_EXPRESSION, float("9" * MAX_EXPRESSION)),
        ("9**9**9**9", math.inf),
        ("9^9^9^9^9^9", math.inf),
        ("(" * 60 + "x" + ")" * 60, 3.0),
        ("-" * 150 + "x", 3.0),
    ],
)
def test_arithmetic_is_understood(expression: str, expected: float) -> None:
    assert value(expression, 3.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "   ",
        "y =",
        "y",
        "x.real",
        "x.__class__",
        "().__class__.__bases__",
        "(1).__class__",
        "x[0]",
        "__import__('os')",
        "__import__('os').system('true')",
        "eval('1')",
        "open('/etc/passwd')",
        "exit()",
        "print(x)",
        "sin",
        "sin()",
        "sin(x, x)",
        "sin(x=1)",
        "sin(*[x])",
        "sin(**{})",
        "x(1)",
        "pi(x)",
        "sin(x)(x)(",
        "(sin)(x)",
        "sin.at(x)",
        "lambda: x",
        "(lambda x: x)(x)",
        "[x for x in x]",
        "[x]",
        "(x, x)",
        "{x}",
        "{1: x}",
        "'x'",
        "b'x'",
        "f'{x}'",
        "True",
        "None",
        "...",
        "1j",
        "x + 1j",
        "x if x else x",
        "x and x",
        "not x",
        "~x",
        "x < 1",
        "x == x",
        "x // 2",
        "x @ x",
        "x << 2",
        "x | 1",
        "x & 1",
        "x := 1",
        "(x := 1)",
        "x = 1",
        "x; x",
        "x\nx",
        "import os",
        "await x",
        "yield x",
        "x +",
        "2 3",
        "$x$",
        "\0",
        "x\0",
        "\ud800",
        "x²",
        "(" * 150 + "x" + ")" * 20,
        "x" + "+x" * 100,
        "9" * (MAX_EXPRESSION + 1),
        "0x10",
        "1if x else 2",
    ],
)
def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        compile_expression(expression)
    assert 0 < len(caught.value.message) < 600


def test_a_refusal_says_what_may_be_written() -> None:
    with pytest.raises(InvalidInputError, match=r"may hold .*sqrt.*not 'x\.real'"):
        compile_expression("x.real")


snippets = st.lists(
    st.sampled_from(
        [
            *("x", "2", "3.5", "e", "pi", "sin", "log10", "eval", "open", "__import__", "y"),
            *("(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "^", "**", "%", ",", ".", "=", ":"),
            *(
                "'a'",
                " ",
                "lambda",
                "if",
                "else",
                "for",
                "in",
                "import",
                "\n",
                "#",
                "\\",
                "1j",
                "_",
            ),
        ]
    ),
    max_size=25,
).map("".join)


@given(st.one_of(st.text(max_size=60), snippets))
@example("()()")
@example("1or x")
@example("'\\d'")
def test_any_text_is_arithmetic_or_refused(expression: str) -> None:
    try:
        function = compile_expression(expression)
    except InvalidInputError:
        return
    with np.errstate(all="ignore"):
        result = np.asarray(function(np.linspace(-2, 2, 5)), dtype=float)
    assert result.shape in {(), (5,)}


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('pathlib').Path(MARK).touch()",
        "open(MARK, 'w')",
        "eval(\"open(MARK, 'w')\")",
        "exec('1')",
        "sin(open(MARK, 'w'))",
        "[open(MARK, 'w') for _ in [1]]",
        "(lambda: open(MARK, 'w'))()",
        "f'{open(MARK, chr(119))}'",
        "x.__class__.__mro__",
    ],
)
def test_nothing_is_executed(
    expression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "m"
    touched: list[str] = []

    def trap(name: str) -> Callable[..., None]:
        return lambda *_arguments, **_options: touched.append(name)

    text = expression.replace("MARK", repr(str(mark)))
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "eval", trap("eval"))
        patch.setattr(builtins, "exec", trap("exec"))
        patch.setattr(subprocess, "Popen", trap("Popen"))
        with pytest.raises(InvalidInputError):
            compile_expression(text)
    assert touched == []
    assert not mark.exists()


# --- the picture ---------------------------------------------------------------------------------


def plotted(expression: str, **changes: Any) -> Image.Image:
    return Image.open(io.BytesIO(draw_plot(expression, **(INTERVAL | changes))))


def test_a_plot_is_a_picture_of_its_function() -> None:
    image = plotted("x^2")
    assert (image.format, image.size) == ("PNG", (1024, 768))
    assert draw_plot("x^2", **INTERVAL) == draw_plot("x^2", **INTERVAL)
    assert draw_plot("x^2", **INTERVAL) != draw_plot("x^3", **INTERVAL)
    assert draw_plot("x^2", **INTERVAL) != draw_plot("x^2", **(INTERVAL | {"x_max": 5.0}))
    assert draw_plot("x^2", **INTERVAL) != draw_plot("x^2", **(INTERVAL | {"title": "Title"}))


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("1", {}),
        ("0", {}),
        ("1/x", {}),
        ("tan(x)", {}),
        ("log(x)", {}),
        ("x", {"title": "a lonely $ and $\\frac{1}$"}),
        ("x", {"title": "%s {0} \\"}),
        ("x", {"x_min": 0.0, "x_max": 1e-9}),
        ("x", {"x_min": -1e12, "x_max": 1e12}),
    ],
)
def test_unusual_plots_are_drawn(expression: str, changes: dict[str, Any]) -> None:
    assert plotted(expression, **changes).size == (1024, 768)


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        ("10^308*x", {"x_min": -1.0, "x_max": 1.0}),
        ("10^307*x", {}),
        ("exp(70x)", {}),
        ("x", {"x_min": 0.0, "x_max": 5e-324}),
        ("x", {"x_min": 1.0, "x_max": math.nextafter(1.0, 2.0)}),
        ("x", {"x_min": -1.7e308, "x_max": 1.7e308}),
        ("x", {"x_min": 1e307, "x_max": 1.7e308}),
        ("10^-320*x", {}),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_numbers_at_the_edge_are_drawn_or_refused(expression: str, changes: dict[str, Any]) -> None:
    try:
        image = plotted(expression, **changes)
    except InvalidInputError:
        return
    assert image.size == (1024, 768)


@pytest.mark.parametrize(
    "changes",
    [
        {"x_min": 1.0, "x_max": 1.0},
        {"x_min": 2.0, "x_max": 1.0},
        {"x_min": math.nan},
        {"x_max": math.nan},
        {"x_max": math.inf},
        {"x_min": -math.inf},
    ],
)
def test_an_interval_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="interval"):
        draw_plot("x", **(INTERVAL | changes))


@pytest.mark.parametrize("expression", ["1/0", "9**9**9**9", "sqrt(-1-x^2)", "log(-1)", "0/0"])
def test_a_function_without_a_finite_value_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInputError, match="no finite value"):
        draw_plot(expression, **INTERVAL)
