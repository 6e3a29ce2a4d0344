"""What of an SVG reaches the rasterizer: known elements, and no way out of the document. Pure.

The document is parsed once, as a stream, and written anew from what is kept. So what comes out
means the same to every parser: one namespace, no declarations, no entities, no references but to
its own fragments and to embedded raster images.
"""

import base64
import binascii
import html
import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from coatcheck.errors import MediaTooLargeError, UnprocessableMediaError
from coatcheck.mediatype import SNIFF_BYTES, sniff

MAX_SVG_BYTES: Final = 5 * 1024 * 1024
"""Longest SVG that is read."""

MAX_ELEMENTS: Final = 100_000
"""Most elements of an SVG, those that are dropped included."""

MAX_DEPTH: Final = 100
"""Deepest nesting of elements."""

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_XML: Final = "http://www.w3.org/XML/1998/namespace"

# What is drawn, and what drawing refers to. Scripts, foreign content, animation and links to other
# documents are not among them; what is not named here is left out with all that it holds.
_ELEMENTS: Final = frozenset(
    {
        *("svg", "g", "a", "defs", "symbol", "use", "switch", "style", "image"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("text", "tspan", "textPath"),
        *("linearGradient", "radialGradient", "stop", "pattern", "clipPath", "mask", "marker"),
        *("filter", "feBlend", "feColorMatrix", "feComponentTransfer", "feComposite"),
        *("feConvolveMatrix", "feDiffuseLighting", "feDisplacementMap", "feDistantLight"),
        *("feDropShadow", "feFlood", "feFuncA", "feFuncB", "feFuncG", "feFuncR"),
        *("feGaussianBlur", "feImage", "feMerge", "feMergeNode", "feMorphology", "feOffset"),
        *("fePointLight", "feSpecularLighting", "feSpotLight", "feTile", "feTurbulence"),
    }
)
_IMAGES: Final = frozenset({"image", "feImage"})

_FRAGMENT: Final = re.compile(r"#[\w.:-]+")
_EMBEDDED: Final = re.compile(r"data:[^,]*;base64,([A-Za-z0-9+/=\s]+)", re.IGNORECASE)
_EMBEDDED_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_IMPORT: Final = re.compile(r"@import[^;]*;?", re.IGNORECASE)
# Up to the closing parenthesis or the end: CSS closes for itself what is left open there. Nothing
# is tried twice (*+), however much white space there is.
_FOREIGN_URL: Final = re.compile(r"""url\((?!\s*+["']?+\s*+#)[^)]*\)?""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CleanSvg:
    """An SVG that is safe to draw.

    Attributes:
        attributes: those of the root element, cleaned.
        body: the XML inside the root element.
        has_text: whether there are letters to draw, and so a font to load.
    """

    attributes: dict[str, str]
    body: str
    has_text: bool


def clean(content: bytes) -> CleanSvg:
    """Read an SVG and keep what draws.

    Raises:
        MediaTooLargeError: it is longer than `MAX_SVG_BYTES`.
        UnprocessableMediaError: it declares a document type, is not well-formed, is no SVG, or has
            too many elements or too deep a nesting.
    """
    if len(content) > MAX_SVG_BYTES:
        raise MediaTooLargeError(f"An SVG may have {MAX_SVG_BYTES:,} bytes at most.")
    cleaner = _Cleaner()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = cleaner.refuse_doctype
    parser.StartElementHandler = cleaner.start
    parser.EndElementHandler = cleaner.end
    parser.CharacterDataHandler = cleaner.text
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: odd encodings
        raise UnprocessableMediaError("The SVG is not well-formed XML.") from error
    return CleanSvg(cleaner.root, "".join(cleaner.parts), cleaner.has_text)


def element(name: str, attributes: dict[str, str], body: str = "") -> str:
    """The XML of an element."""
    return f"{_open_tag(name, attributes)}{body}</{name}>"


@dataclass(slots=True)
class _Cleaner:
    """Takes the parser's events and writes the kept ones."""

    root: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    has_text: bool = False
    _kept: list[str] = field(default_factory=list)
    _dropped: int = 0  # how deep inside an element that is left out
    _elements: int = 0
    _style: list[str] = field(default_factory=list)

    def refuse_doctype(self, *_: object) -> None:
        # Before any entity of it is defined, let alone expanded or fetched.
        raise UnprocessableMediaError("An SVG with a document type declaration is not accepted.")

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        depth = len(self._kept) + self._dropped
        if self._elements > MAX_ELEMENTS or depth >= MAX_DEPTH:
            raise UnprocessableMediaError(
                f"An SVG may have {MAX_ELEMENTS:,} elements, nested {MAX_DEPTH} deep, at most."
            )
        namespace, name = _split(qualified)
        is_drawn = namespace in {_SVG, ""} and name in _ELEMENTS
        if depth == 0:
            if not is_drawn or name != "svg":
                raise UnprocessableMediaError("The root element is no SVG.")
            self.root = _clean_attributes(name, attributes)
            self._kept.append(name)
        elif self._dropped or not is_drawn:
            self._dropped += 1
        else:
            self.parts.append(_open_tag(name, _clean_attributes(name, attributes)))
            self.has_text = self.has_text or name == "text"
            self._kept.append(name)

    def end(self, _: str) -> None:
        if self._dropped:
            self._dropped -= 1
            return
        name = self._kept.pop()
        if name == "style":
            self.parts.append(html.escape(_clean_css("".join(self._style)), quote=False))
            self._style.clear()
        if self._kept:  # the root's own tags are written where its size is set
            self.parts.append(f"</{name}>")

    def text(self, data: str) -> None:
        if self._dropped:
            return
        if self._kept[-1] == "style":
            self._style.append(data)  # cleaned as a whole: it may come in pieces
        else:
            self.parts.append(html.escape(data, quote=False))


def _open_tag(name: str, attributes: dict[str, str]) -> str:
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>"


def _split(qualified: str) -> tuple[str, str]:
    namespace, _, name = qualified.rpartition(" ")
    return namespace, name


def _clean_attributes(element_name: str, attributes: dict[str, str]) -> dict[str, str]:
    kept = {}
    for qualified, value in attributes.items():
        namespace, name = _split(qualified)
        if namespace in {"", _XLINK} and name == "href":
            target = _clean_href(element_name, value)
            if target is not None and (namespace == "" or "href" not in kept):
                kept["href"] = target
        elif namespace == _XML and name == "space":
            kept["xml:space"] = value
        elif namespace == "" and name != "src" and not name.lower().startswith("on"):
            kept[name] = _clean_css(value)
    return kept


def _clean_href(element_name: str, value: str) -> str | None:
    """A target inside the document; None for any other."""
    target = value.strip()
    if element_name not in _IMAGES:
        return target if _FRAGMENT.fullmatch(target) else None
    # Only data: the rasterizer would take anything else, "#a" included, for the name of a file.
    match = _EMBEDDED.fullmatch(target)
    if match is None:
        return None
    try:
        data = base64.b64decode("".join(match[1].split()), validate=True)
    except binascii.Error:
        return None
    # What it is called is not believed: an SVG inside would come past this module.
    media_type = sniff(data[:SNIFF_BYTES])
    if media_type not in _EMBEDDED_TYPES:
        return None
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _clean_css(text: str) -> str:
    """A stylesheet, or the value of an attribute, without a way to other documents."""
    if "\\" in text:
        return ""  # an escape may hide what is looked for here; drawings have no need of any
    return _FOREIGN_URL.sub("none", _IMPORT.sub("", text))
