"""Wishes to change a picture, in plain words, as edits. Pure."""

import re
from collections.abc import Callable
from typing import Any, Final

from coatcheck.edits import COLOR_NAMES, MAX_EDITS

MAX_WISH: Final = 400
"""Characters of a message in which edits are looked for: a wish is short."""

_FLAGS: Final = re.IGNORECASE
_IT: Final = r"(?:it|this|that|(?:the|this|that|my)\s+(?:picture|image|photo|drawing|painting))"
_NAMED: Final = r"(?:words?|text|title|caption|name|letters?)"

# A quoted text after any of the verbs; else what stands between the verb and what follows a text.
_QUOTED: Final = re.compile(
    r"\b(?:put|write|add|place|print)\b[^\"“«']{0,40}[\"“«'](?P<text>[^\"”»]{1,200}?)[\"”»']"
    r"(?=\W|$)",
    _FLAGS,
)
_UNQUOTED: Final = re.compile(
    rf"\b(?:(?:put|write|add|place|print)\s+(?:the\s+)?{_NAMED}\s+|write\s+"
    rf"|(?:put|place|print)\s+(?!(?:an?|the|some|another)\s)(?=.{{1,80}}\son\s+{_IT}\b))"
    rf"(?P<text>.{{1,200}}?)"
    rf"(?=\s+(?:on|onto|over|across|at|in|into|to)\s+(?:{_IT}|the|top|bottom|{'|'.join(COLOR_NAMES)})\b"
    r"|\s*[.!?]*$)",
    _FLAGS,
)
_COLOR: Final = re.compile(rf"\bin\s+({'|'.join(COLOR_NAMES)})\b", _FLAGS)
_VERTICAL: Final = re.compile(r"\b(top|above|bottom|below)\b", _FLAGS)
_HORIZONTAL: Final = re.compile(r"\b(left|right)\b", _FLAGS)
_CENTER: Final = re.compile(r"\b(middle|cent(?:er|re))\b", _FLAGS)

_ASPECT: Final = re.compile(r"\b(square|\d{1,3}:\d{1,3})\b", _FLAGS)
_DEGREES: Final = re.compile(r"\b(\d{1,3})\s?(?:°|degrees?)", _FLAGS)
_LEFT: Final = re.compile(r"\b(?:left|(?:counter|anti)-?\s?clockwise)\b", _FLAGS)
_RIGHT: Final = re.compile(r"\b(?:right|clockwise)\b", _FLAGS)
_OVER: Final = re.compile(r"\b(?:upside[\s-]+down|around)\b", _FLAGS)
_SIZE: Final = re.compile(r"\b(\d{2,4})\s*[x×]\s*(\d{2,4})\b", _FLAGS)
_WIDTH: Final = re.compile(r"\b(\d{2,4})\s*(?:px|pixels?)\b", _FLAGS)

Edit = dict[str, Any]
Make = Callable[[re.Match[str], str], Edit | None]
"""Takes what a wish began with and what follows it; None where that is no wish after all."""


def _by(operation: str, slightly: float, plainly: float, strongly: float) -> Make:
    """A factor by how strongly it is wished."""

    def make(match: re.Match[str], _rest: str) -> Edit:
        factor = slightly if match["less"] else strongly if match["more"] else plainly
        return {"operation": operation, "factor": factor}

    return make


def _fixed(operation: str, **members: Any) -> Make:
    return lambda _match, _rest: {"operation": operation, **members}


def _crop(_match: re.Match[str], rest: str) -> Edit:
    if aspect := _ASPECT.search(rest):
        return {"operation": "crop", "aspect": aspect[1].lower()}
    return {"operation": "crop", "width": 0.75, "height": 0.75, "unit": "fraction"}


def _shape(match: re.Match[str], _rest: str) -> Edit:
    return {"operation": "crop", "aspect": match["aspect"].lower()}


def _turn(match: re.Match[str], rest: str) -> Edit | None:
    told, left = _DEGREES.search(rest), _LEFT.search(rest)
    if _OVER.search(rest):
        degrees = 180.0
    elif told or left or _RIGHT.search(rest) or match[0].lower() == "rotate":
        degrees = float(told[1]) if told else 90.0
    else:
        return None  # "turn it into a painting"
    return {"operation": "rotate", "degrees": -degrees if left else degrees}


def _flip(_match: re.Match[str], rest: str) -> Edit:
    vertical = re.search(r"\b(?:vertical|upside)", rest, _FLAGS)
    return {"operation": "flip", "direction": "vertical" if vertical else "horizontal"}


def _resize(_match: re.Match[str], rest: str) -> Edit | None:
    if size := _SIZE.search(rest):
        return {"operation": "resize", "width": int(size[1]), "height": int(size[2])}
    if width := _WIDTH.search(rest):
        return {"operation": "resize", "width": int(width[1])}
    return None


# How strongly: before the wish itself.
_HOW: Final = (
    r"(?P<less>(?:a\s+(?:bit|little)|slightly|somewhat)\s+)?(?P<more>(?:much|a\s+lot|far)\s+)?\b"
)
_WISHES: Final[tuple[tuple[str, Make], ...]] = (
    (_HOW + r"(?:darker|darken|dimmer)\b", _by("brightness", 0.8, 0.6, 0.35)),
    (_HOW + r"(?:brighter|brighten|lighter|lighten)\b", _by("brightness", 1.2, 1.5, 2.0)),
    (_HOW + r"(?:more|higher|stronger|add)\s+contrast\b", _by("contrast", 1.2, 1.4, 1.8)),
    (_HOW + r"(?:less|lower|weaker)\s+contrast\b", _by("contrast", 0.85, 0.7, 0.45)),
    (_HOW + r"more\s+(?:colou?r|vivid|saturat)", _by("saturation", 1.25, 1.6, 2.5)),
    (_HOW + r"(?:less\s+(?:colou?r|vivid|saturat)|paler\b)", _by("saturation", 0.75, 0.5, 0.2)),
    (r"\b(?:black[\s-]+(?:and|&)[\s-]+white|b\s?&\s?w|gr[ae]y(?:scale)?)\b", _fixed("grayscale")),
    (r"\bblur(?:red|ry|rier)?\b", _fixed("blur")),
    (r"\b(?:crop|cut|trim)\b", _crop),
    (rf"\b(?:{_IT}|and)\s+(?:into\s+)?(?:a\s+)?(?P<aspect>square|\d{{1,3}}:\d{{1,3}})\b", _shape),
    (r"\b(?:rotate|turn|tilt)\b", _turn),
    (r"\b(?:flip|mirror)(?:ped)?\b", _flip),
    (r"\b(?:resize|scale|shrink|enlarge|make)\b", _resize),
    (r"\b(?:half\s+(?:the|its|as)|smaller)\b", _fixed("resize", scale=0.5)),
    (r"\b(?:twice\s+(?:the|its|as)|bigger|larger)\b", _fixed("resize", scale=2)),
)
_PATTERNS: Final = tuple((re.compile(pattern, _FLAGS), make) for pattern, make in _WISHES)
_REST: Final = re.compile(r"[^,.;]{0,40}")


def edits_wished(message: str) -> list[Edit]:
    """The edits that a message asks for, in the order in which it names them; often none."""
    if len(message) > MAX_WISH:
        return []
    found: list[tuple[int, Edit]] = []
    overlay = _QUOTED.search(message) or _UNQUOTED.search(message)
    if overlay is not None:
        found.append((overlay.start(), _text(overlay, message)))
        # What is to be written asks for nothing.
        message = message[: overlay.start()] + " " * len(overlay[0]) + message[overlay.end() :]
    for pattern, make in _PATTERNS:
        if match := pattern.search(message):
            rest = _REST.match(message, match.end())
            edit = make(match, rest[0] if rest else "")
            if edit is not None and edit not in (known for _, known in found):
                found.append((match.start(), edit))
    found.sort(key=lambda item: item[0])
    return [edit for _, edit in found[:MAX_EDITS]]


def _text(overlay: re.Match[str], message: str) -> Edit:
    edit: Edit = {"operation": "text", "text": overlay["text"].strip()}
    around = message[: overlay.start("text")] + " " + message[overlay.end("text") :]
    if color := _COLOR.search(around):
        edit["color"] = color[1].lower()
    vertical, horizontal = _VERTICAL.search(around), _HORIZONTAL.search(around)
    rows = {"top": "top", "above": "top", "bottom": "bottom", "below": "bottom"}
    places = [rows[vertical[1].lower()]] if vertical else []
    places += [horizontal[1].lower()] if horizontal else []
    if places:
        edit["position"] = "-".join(places)
    elif _CENTER.search(around):
        edit["position"] = "center"
    return edit
