"""Plots of a function of x, from an expression that is parsed and never executed as Python."""

import ast
import io
import math
import operator
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from coatcheck.errors import InvalidInputError

MAX_EXPRESSION: Final = 200
"""Characters of an expression."""

_SAMPLES: Final = 2000
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "sign": np.sign,
}
_CONSTANTS: Final = {"pi": math.pi, "e": math.e, "tau": math.tau}
_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
# "2x", "2(x+1)" and "(x+1)x" leave out the sign of multiplication; "1e3" is one number (atomic).
_JUXTAPOSED: Final = re.compile(
    r"(?<![A-Za-z_0-9.])((?>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))\s*(?=[A-Za-z(])"
    r"|(?<=\))\s*(?=[A-Za-z0-9(])"
)


def draw_plot(expression: str, *, x_min: float, x_max: float, title: str | None) -> bytes:
    """Draw y = `expression` for x from `x_min` to `x_max`.

    Args:
        expression: arithmetic over x: + - * / ^ %, the usual functions, pi, e. ``2x`` means 2·x.
        x_min: left end.
        x_max: right end; larger than `x_min`.
        title: above the plot; the expression stands there when it is None.

    Returns:
        A PNG of 1024 × 768 pixels.

    Raises:
        InvalidInputError: the expression or the interval cannot be used; the message says why.
    """
    if not (math.isfinite(x_min) and math.isfinite(x_max) and x_min < x_max):
        raise InvalidInputError("The plot needs an interval: x_min must be smaller than x_max.")
    function = compile_expression(expression)
    x = np.linspace(x_min, x_max, _SAMPLES)
    with np.errstate(all="ignore"):
        y = np.broadcast_to(np.asarray(function(x), dtype=float), x.shape)
    finite = np.isfinite(y)
    if not finite.any():
        raise InvalidInputError("The function has no finite value in this interval.")
    try:
        return _render(x, np.where(finite, y, np.nan), title or f"y = {expression.strip()}")
    except (ValueError, OverflowError) as error:  # matplotlib's axes end before floats do
        raise InvalidInputError("The numbers are too large or too close for a plot.") from error


def compile_expression(expression: str) -> Callable[[Any], Any]:
    """The function of x that `expression` writes down.

    Raises:
        InvalidInputError: it is empty, too long, or holds anything but arithmetic over x.
    """
    text = expression.strip().removeprefix("y =").removeprefix("y=").removeprefix("f(x) =").strip()
    if not text:
        raise InvalidInputError("The expression is empty; give a function of x, such as sin(x)/x.")
    if len(text) > MAX_EXPRESSION:
        raise InvalidInputError(f"The expression is longer than {MAX_EXPRESSION} characters.")
    explicit = _JUXTAPOSED.sub(lambda match: f"{match[1] or ''}*", text.replace("^", "**"))
    try:
        tree = ast.parse(explicit, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInputError(f"The expression cannot be read: {text!r}.") from error
    _check(tree)
    return lambda x: _evaluate(tree, x)


def _check(node: ast.expr) -> None:
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return
        case ast.Name(id=name) if name == "x" or name in _CONSTANTS:
            return
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            _check(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left)
            _check(right)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            _check(argument)
        case _:
            raise InvalidInputError(
                f"The expression may hold numbers, x, + - * / ^ %, pi, e and"
                f" {', '.join(_FUNCTIONS)}; not {ast.unparse(node)!r}."
            )


def _evaluate(node: ast.expr, x: Any) -> Any:
    match node:
        case ast.Constant(value=value):
            return float(str(value))
        case ast.Name(id="x"):
            return x
        case ast.Name(id=name):
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_evaluate(operand, x))
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_evaluate(left, x), _evaluate(right, x))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return _FUNCTIONS[name](_evaluate(argument, x))
        case _:
            raise InvalidInputError("The expression holds more than arithmetic over x.")


def _render(x: Any, y: Any, title: str) -> bytes:
    figure = Figure(figsize=(8, 6), dpi=128)
    figure.set_layout_engine("constrained", w_pad=0.2, h_pad=0.2)  # inches
    axes = figure.add_subplot()
    low, high = np.nanpercentile(y, (1, 99))
    span = high - low or 1.0
    if np.nanmax(y) - np.nanmin(y) > 20 * span:  # a pole would flatten everything else
        axes.set_ylim(low - 0.5 * span, high + 0.5 * span)
    axes.axhline(0, color="#94a3b8", linewidth=0.8)
    axes.axvline(0, color="#94a3b8", linewidth=0.8)
    axes.plot(x, y, color="#0f766e", linewidth=2.2)
    axes.set_xlim(x[0], x[-1])
    axes.grid(color="#e2e8f0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    # Plain text: matplotlib would read dollar signs as mathematics and fail on a lonely one.
    axes.set_title(title, fontsize=15, pad=14, parse_math=False)
    axes.set_xlabel("x")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
